// The lifecycle configuration of buckets, which store/lifecycle carries out.
#include "api/wire/percent.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/lifecycle_checks.hpp"
#include "gateway/s3/object_status.hpp"
#include "store/lifecycle_rules.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr const char* default_minimum_size = "all_storage_classes_128K";

model::PutBucketLifecycleConfigurationOutput put_lifecycle(const Parts& parts, Context&,
                                                           const model::PutBucketLifecycleConfigurationRequest& in) {
  if (!in.lifecycle_configuration) throw malformed_xml();
  auto rules = in.lifecycle_configuration->rules;
  check_lifecycle_rules(rules);
  for (auto& rule : rules)
    if (!rule.id || rule.id->empty()) rule.id = parts.random.uuid();
  const std::string minimum = in.transition_default_minimum_object_size.value_or(default_minimum_size);
  Value setting = Value::map();
  setting.set("Rules", to_value(rules)).set("TransitionDefaultMinimumObjectSize", minimum);
  put_setting(parts, in.bucket, setting::lifecycle, std::move(setting));
  model::PutBucketLifecycleConfigurationOutput out;
  out.transition_default_minimum_object_size = minimum;
  return out;
}

model::GetBucketLifecycleConfigurationOutput get_lifecycle(const Parts& parts, Context& context,
                                                           const model::GetBucketLifecycleConfigurationRequest& in) {
  return api::from<model::GetBucketLifecycleConfigurationOutput>(
      required_setting(parts, context, in.bucket, setting::lifecycle, "NoSuchLifecycleConfiguration",
                       "The lifecycle configuration does not exist"));
}

api::Empty delete_lifecycle(const Parts& parts, Context&, const model::DeleteBucketLifecycleRequest& in) {
  erase_setting(parts, in.bucket, setting::lifecycle);
  return {};
}

}  // namespace

std::optional<std::string> expiration_of(const Parts& parts, std::string_view bucket, const store::ObjectInfo& object) {
  const auto info = parts.store.find_bucket(bucket);
  const Value* setting = info && object.latest ? find_setting(*info, setting::lifecycle) : nullptr;
  if (!setting) return std::nullopt;
  // A client asks for many objects of one bucket: its rules are read once, until its settings change.
  thread_local std::shared_ptr<const store::BucketInfo> known;
  thread_local std::optional<store::LifecycleRules> rules;
  if (known != info) {
    rules.emplace(*setting);
    known = info;
  }
  store::LifecycleSubject subject;
  subject.key = object.key;
  subject.size_bytes = object.size_bytes;
  subject.tags = &object.headers.tags;
  subject.storage_class = object.headers.storage_class;
  subject.last_modified = object.last_modified;
  const auto due = rules->expiration(subject);
  if (!due) return std::nullopt;
  std::string out = "expiry-date=\"" + format_http_date(due->at) + "\", rule-id=\"";
  api::append_percent_encoded(out, due->rule_id);
  return out + "\"";
}

void register_bucket_lifecycle(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketLifecycleConfiguration>(operations, parts, put_lifecycle);
  on<GetBucketLifecycleConfiguration>(operations, parts, get_lifecycle);
  on<DeleteBucketLifecycle>(operations, parts, delete_lifecycle);
}

}  // namespace tarn::gateway::s3
