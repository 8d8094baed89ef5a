// Parameters that are nobody's own: AWS's public ones, and secrets seen as parameters ("AWS Systems Manager User
// Guide", Discovering public parameters; Referencing AWS Secrets Manager secrets from Parameter Store parameters).
#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/ssm/requests.hpp"

namespace tarn::gateway::ssm {
namespace {

using api::Context;

constexpr std::string_view infrastructure = "/aws/service/global-infrastructure";
constexpr std::string_view secrets_path = "/aws/reference/secretsmanager/";

// As AWS's SDKs describe the partition "aws".
struct Region {
  std::string_view name, description;
};
constexpr Region regions[] = {
    {"af-south-1", "Africa (Cape Town)"},
    {"ap-east-1", "Asia Pacific (Hong Kong)"},
    {"ap-east-2", "Asia Pacific (Taipei)"},
    {"ap-northeast-1", "Asia Pacific (Tokyo)"},
    {"ap-northeast-2", "Asia Pacific (Seoul)"},
    {"ap-northeast-3", "Asia Pacific (Osaka)"},
    {"ap-south-1", "Asia Pacific (Mumbai)"},
    {"ap-south-2", "Asia Pacific (Hyderabad)"},
    {"ap-southeast-1", "Asia Pacific (Singapore)"},
    {"ap-southeast-2", "Asia Pacific (Sydney)"},
    {"ap-southeast-3", "Asia Pacific (Jakarta)"},
    {"ap-southeast-4", "Asia Pacific (Melbourne)"},
    {"ap-southeast-5", "Asia Pacific (Malaysia)"},
    {"ap-southeast-6", "Asia Pacific (New Zealand)"},
    {"ap-southeast-7", "Asia Pacific (Thailand)"},
    {"ca-central-1", "Canada (Central)"},
    {"ca-west-1", "Canada West (Calgary)"},
    {"eu-central-1", "Europe (Frankfurt)"},
    {"eu-central-2", "Europe (Zurich)"},
    {"eu-north-1", "Europe (Stockholm)"},
    {"eu-south-1", "Europe (Milan)"},
    {"eu-south-2", "Europe (Spain)"},
    {"eu-west-1", "Europe (Ireland)"},
    {"eu-west-2", "Europe (London)"},
    {"eu-west-3", "Europe (Paris)"},
    {"il-central-1", "Israel (Tel Aviv)"},
    {"me-central-1", "Middle East (UAE)"},
    {"me-south-1", "Middle East (Bahrain)"},
    {"me-west-1", "Middle East (Saudi Arabia)"},
    {"mx-central-1", "Mexico (Central)"},
    {"sa-east-1", "South America (Sao Paulo)"},
    {"sa-west-1", "South America (Chile)"},
    {"us-east-1", "US East (N. Virginia)"},
    {"us-east-2", "US East (Ohio)"},
    {"us-west-1", "US West (N. California)"},
    {"us-west-2", "US West (Oregon)"},
};

// "Europe (Ireland)" -> "Europe"
std::string_view place_of(std::string_view description) {
  return description.substr(0, description.find(" ("));
}

// By name. The services are those that tarn speaks.
const std::map<std::string, std::string>& all() {
  static const std::map<std::string, std::string> parameters = [] {
    std::map<std::string, std::string> out;
    const std::string root(infrastructure);
    std::set<std::string> services;
    for (const api::Service* s : api::services()) services.insert(std::string(s->name));
    for (const auto& service : services) out[root + "/services/" + service] = service;
    for (const Region& r : regions) {
      const std::string region(r.name), path = root + "/regions/" + region;
      out[path] = region;
      out[path + "/domain"] = "amazonaws.com";
      out[path + "/longName"] = std::string(r.description);
      out[path + "/partition"] = "aws";
      out[path + "/geolocationRegion"] = std::string(place_of(r.description));
      for (const auto& service : services) {
        out[path + "/services/" + service] = service;
        out[root + "/services/" + service + "/regions/" + region] = region;
      }
    }
    return out;
  }();
  return parameters;
}

model::Parameter shown(const Context& c, const std::string& name, const std::string& value) {
  model::Parameter out;
  out.name = name;
  out.type = "String";
  out.value = value;
  out.version = 1;
  out.last_modified_date = Time(std::chrono::sys_days(std::chrono::year(2019) / 4 / 25));
  out.arn = govern::parameter_arn("", c.region, name);
  out.data_type = "text";
  return out;
}

bool is_version_id(std::string_view selector) {
  return selector.size() >= 32 &&
         std::ranges::all_of(selector, [](unsigned char ch) { return std::isxdigit(ch) || ch == '-'; });
}

}  // namespace

std::optional<model::Parameter> public_parameter(const Context& c, const std::string& name) {
  const auto found = all().find(name);
  if (found == all().end()) return std::nullopt;
  return shown(c, name, found->second);
}

std::vector<model::Parameter> public_parameters(const Context& c, const std::string& path, bool recursive) {
  std::vector<model::Parameter> out;
  for (auto it = all().lower_bound(path); it != all().end() && it->first.starts_with(path); ++it)
    if (govern::is_under_path(it->first, path, recursive)) out.push_back(shown(c, it->first, it->second));
  return out;
}

std::optional<model::Parameter> secret_parameter(govern::Secrets& secrets, const Context& c, const std::string& name,
                                                 bool decrypted) {
  if (!name.starts_with(secrets_path)) return std::nullopt;
  if (!decrypted) invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.");
  std::string id = name.substr(secrets_path.size()), selector;
  if (const std::size_t colon = id.find(':'); colon != id.npos) {
    selector = id.substr(colon + 1);
    id.resize(colon);
  }
  std::optional<std::string> version, stage;
  if (!selector.empty()) (is_version_id(selector) ? version : stage) = selector;
  Value secret;
  govern::Secrets::Found found;
  try {
    found = secrets.value(scope_of(c), id, version, stage);
  } catch (const Error& e) {
    if (e.code() != "ResourceNotFoundException") throw;
    throw Error(
        ErrorKind::missing, "ParameterNotFound",
        "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret " + name + " not found.");
  }
  if (found.value.binary) invalid("A secret that is binary can't be referred to as a parameter.");
  model::Parameter out;
  out.name = name.substr(0, secrets_path.size()) + id;
  out.type = "SecureString";
  out.value = found.value.bytes;
  out.version = 0;
  if (!selector.empty()) out.selector = ":" + selector;
  out.source_result = to_json(Value::map({{"ARN", found.secret.arn()},
                                          {"name", found.secret.name()},
                                          {"versionId", found.version.id},
                                          {"secretString", found.value.bytes},
                                          {"versionStages", api::to_value(found.version.stages)},
                                          {"createdDate", format_iso8601(found.version.created)}}));
  out.last_modified_date = found.version.created;
  out.arn = found.secret.arn();
  out.data_type = "text";
  return out;
}

}  // namespace tarn::gateway::ssm
