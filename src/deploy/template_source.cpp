#include "deploy/template_source.hpp"

#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "deploy/limits.hpp"
#include "orchestrate/states/service_call.hpp"

namespace tarn::deploy {
namespace {

constexpr std::size_t max_policy_size_bytes = 16'384;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "ValidationError", message);
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  return colon == host.npos || host.find(']', colon) != host.npos ? host : host.substr(0, colon);
}

// "s3", "s3.eu-west-1", "s3-eu-west-1", "s3.dualstack.eu-west-1": what stands before ".amazonaws.com".
bool is_s3_name(std::string_view name) {
  return name == "s3" || name.starts_with("s3.") || name.starts_with("s3-");
}

// The bucket in a virtual host; "" for a host that serves buckets by path; absent for others' hosts.
std::optional<std::string> bucket_of_host(std::string_view host, std::string_view own) {
  constexpr std::string_view amazon = ".amazonaws.com";
  if (host.ends_with(amazon)) {
    std::string_view name = host.substr(0, host.size() - amazon.size());
    if (is_s3_name(name)) return std::string();
    for (std::string_view mark : {".s3.", ".s3-"})
      if (const std::size_t at = name.rfind(mark); at != name.npos) return std::string(name.substr(0, at));
    if (name.ends_with(".s3")) return std::string(name.substr(0, name.size() - 3));
    return std::nullopt;
  }
  for (std::string_view local : {own, std::string_view("localhost"), std::string_view("127.0.0.1"),
                                 std::string_view("s3.localhost.localstack.cloud")}) {
    if (local.empty()) continue;
    if (host == local) return std::string();
    if (host.size() > local.size() + 1 && host.ends_with(local) && host[host.size() - local.size() - 1] == '.') {
      std::string_view bucket = host.substr(0, host.size() - local.size() - 1);
      if (bucket.ends_with(".s3")) bucket.remove_suffix(3);
      return bucket == "s3" ? std::string() : std::string(bucket);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<ObjectPlace> parse_object_url(std::string_view url, std::string_view endpoint) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return std::nullopt;
  const std::string_view kind = url.substr(0, scheme);
  url.remove_prefix(scheme + 3);
  const std::size_t slash = url.find('/');
  if (slash == url.npos) return std::nullopt;
  const std::string_view host = without_port(url.substr(0, slash));
  std::string_view path = url.substr(slash + 1), query;
  ObjectPlace out;
  if (kind == "s3") {
    out.bucket = host;
    out.key = path;
  } else if (kind == "http" || kind == "https") {
    path = path.substr(0, path.find('#'));
    if (const std::size_t mark = path.find('?'); mark != path.npos) {
      query = path.substr(mark + 1);
      path = path.substr(0, mark);
    }
    if (const std::size_t at = endpoint.find("://"); at != endpoint.npos) endpoint.remove_prefix(at + 3);
    auto bucket = bucket_of_host(host, without_port(endpoint));
    if (!bucket) return std::nullopt;
    if (bucket->empty()) {
      const std::size_t end = path.find('/');
      if (end == path.npos) return std::nullopt;
      bucket = api::percent_decode(path.substr(0, end), false);
      path.remove_prefix(end + 1);
    }
    out.bucket = *bucket;
    out.key = api::percent_decode(path, false);
    out.version_id = api::percent_decode(api::raw_parameter(query, "versionId"), true);
  }
  if (out.bucket.empty() || out.key.empty()) return std::nullopt;
  return out;
}

std::string fetch_text(const Asking& asking, const std::string& url, std::size_t max_size_bytes) {
  const auto place = parse_object_url(url, asking.endpoint);
  if (!place) invalid("S3 error: Domain name specified in " + url + " is not a valid S3 domain");
  Value input = Value::map({{"Bucket", place->bucket}, {"Key", place->key}});
  if (!place->version_id.empty()) input.set("VersionId", place->version_id);
  states::ServiceCall call(asking.operations, asking.principal, asking.region, asking.clock.now(),
                           asking.random.uuid());
  try {
    Value output = call.run_plain("s3:GetObject", input, max_size_bytes);
    return output.at("Body").as_blob().bytes;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    if (e.code() == "States.DataLimitExceeded")
      invalid("Template may not exceed " + std::to_string(max_size_bytes) + " bytes in size.");
    invalid("S3 error: " + e.message() +
            "\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html");
  }
}

std::string template_text(const Asking& asking, const std::optional<std::string>& body,
                          const std::optional<std::string>& url) {
  if (body && url) invalid("You cannot specify both TemplateBody and TemplateURL.");
  if (!body && !url) invalid("Either Template URL or Template Body must be specified.");
  if (url) return fetch_text(asking, *url, limits::max_template_size_bytes);
  if (body->size() > limits::max_template_body_size_bytes)
    invalid(
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
        "length less than or equal to " +
        std::to_string(limits::max_template_body_size_bytes));
  return *body;
}

std::optional<std::string> policy_text(const Asking& asking, const std::optional<std::string>& body,
                                       const std::optional<std::string>& url) {
  if (body && url) invalid("You cannot specify both StackPolicyURL and StackPolicyBody");
  if (url) return fetch_text(asking, *url, max_policy_size_bytes);
  return body;
}

}  // namespace tarn::deploy
