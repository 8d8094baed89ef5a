#include "deploy/surroundings.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/limits.hpp"

namespace tarn::deploy {
namespace {

Value call(const Asking& a, std::string_view operation, const Value& input) {
  api::Context context;
  context.principal = a.principal;
  context.region = a.region;
  context.request_id = a.random.uuid();
  context.now = a.clock.now();
  context.endpoint = a.endpoint;
  context.user_agent = "cloudformation.amazonaws.com";
  return a.operations.call(context, operation, input);
}

std::optional<StoredParameter> find_parameter(const Asking& a, const std::string& name,
                                              std::optional<int64_t> version) {
  try {
    const Value out =
        call(a, "ssm:GetParameter",
             Value::map({{"Name", version ? name + ":" + std::to_string(*version) : name}, {"WithDecryption", true}}));
    const Value& p = out.at("Parameter");
    return StoredParameter{p.string_or("Type"), p.string_or("Value")};
  } catch (const Error& e) {
    if (e.code() == "ParameterNotFound" || e.code() == "ParameterVersionNotFound") return std::nullopt;
    throw;
  }
}

std::optional<std::string> find_secret(const Asking& a, const std::string& id, const std::string& json_key,
                                       const std::string& stage, const std::string& version) {
  Value input = Value::map({{"SecretId", id}});
  if (!stage.empty()) input.set("VersionStage", stage);
  if (!version.empty()) input.set("VersionId", version);
  Value out;
  try {
    out = call(a, "secretsmanager:GetSecretValue", input);
  } catch (const Error& e) {
    if (e.code() == "ResourceNotFoundException") return std::nullopt;
    throw;
  }
  const Value* text = out.find("SecretString");
  if (!text) return std::nullopt;
  if (json_key.empty()) return text->as_string();
  Value document;
  try {
    document = parse_json(text->as_string());
  } catch (const Error&) {
    return std::nullopt;
  }
  const Value* found = document.find(json_key);
  return found ? std::optional(text_of(*found)) : std::nullopt;
}

std::vector<std::string> zones(const Asking& of, const std::string& region) {
  Asking a = of;
  if (!region.empty()) a.region = region;
  const Value out = call(a, "ec2:DescribeAvailabilityZones", Value::map());
  std::vector<std::string> names;
  for (const Value& zone : out.at("AvailabilityZones").as_list()) names.push_back(zone.string_or("ZoneName"));
  return names;
}

}  // namespace

Surroundings make_surroundings(const Asking& a, StackRecords& records, const Scope& scope) {
  Surroundings out;
  out.parameter = [a](const std::string& name, std::optional<int64_t> version) {
    return find_parameter(a, name, version);
  };
  out.secret = [a](const std::string& id, const std::string& key, const std::string& stage,
                   const std::string& version) { return find_secret(a, id, key, stage, version); };
  out.exported = [&records, scope](const std::string& name) -> std::optional<std::string> {
    auto found = StackRecords::find_export(records.metadata(), scope, name);
    return found ? std::optional(found->value) : std::nullopt;
  };
  out.availability_zones = [a](const std::string& region) { return zones(a, region); };
  out.included = [a](const std::string& location) { return fetch_text(a, location, limits::max_template_size_bytes); };
  return out;
}

}  // namespace tarn::deploy
