// What all settings of buckets share; and those that AWS answers for while nothing of them can be set here yet.
#include "gateway/s3/bucket_settings.hpp"

#include "base/error.hpp"

namespace tarn::gateway::s3 {

const Value* find_setting(const store::BucketInfo& bucket, std::string_view name) {
  auto at = bucket.settings.find(std::string(name));
  return at == bucket.settings.end() || at->second.is_null() ? nullptr : &at->second;
}

Value required_setting(const Parts& parts, const Context& context, const std::string& bucket, std::string_view name,
                       const char* code, const char* message) {
  const auto info = own_bucket(parts, context, bucket);
  const Value* found = find_setting(info, name);
  if (!found) throw Error(ErrorKind::missing, code, message).with("BucketName", bucket);
  return *found;
}

void put_setting(const Parts& parts, const std::string& bucket, const std::string& name, Value value) {
  parts.store.change_bucket(bucket, [&](store::BucketInfo& info) { info.settings[name] = std::move(value); });
}

void erase_setting(const Parts& parts, const std::string& bucket, const std::string& name) {
  parts.store.change_bucket(bucket, [&](store::BucketInfo& info) { info.settings.erase(name); });
}

Error malformed_xml() {
  return Error(ErrorKind::caller, "MalformedXML",
               "The XML you provided was not well-formed or did not validate against our published schema");
}

Error invalid_argument(std::string message) {
  return Error(ErrorKind::caller, "InvalidArgument", std::move(message));
}

Error invalid_request(std::string message) {
  return Error(ErrorKind::caller, "InvalidRequest", std::move(message));
}

std::optional<std::string> bucket_of_arn(std::string_view arn) {
  constexpr std::string_view prefix = "arn:aws:s3:::";
  if (!arn.starts_with(prefix) || arn.size() == prefix.size() || arn.find('/') != arn.npos) return std::nullopt;
  return std::string(arn.substr(prefix.size()));
}

void register_bucket_settings(api::Operations& o, const Parts& parts) {
  register_bucket_access(o, parts);
  register_bucket_acls(o, parts);
  register_bucket_cors(o, parts);
  register_bucket_lifecycle(o, parts);
  register_bucket_logging(o, parts);
  register_bucket_notifications(o, parts);
  register_bucket_payment(o, parts);
  register_bucket_policy(o, parts);
  register_bucket_replication(o, parts);
  register_bucket_reports(o, parts);
  register_bucket_website(o, parts);
}

}  // namespace tarn::gateway::s3
