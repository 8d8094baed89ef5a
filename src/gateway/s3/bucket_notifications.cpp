// The notification configuration of buckets, by which store/notifications delivers events.
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/notification_checks.hpp"
#include "store/notifications.hpp"

namespace tarn::gateway::s3 {
namespace {

// The destination's ARN must be of the service that its kind of configuration is for.
void check_arn(const std::string& arn, const char* service) {
  if (!arn.starts_with(std::string("arn:aws:") + service + ":"))
    throw invalid_argument("The ARN is not well formed").with("ArgumentName", "arn").with("ArgumentValue", arn);
}

std::vector<std::string> destinations(const model::NotificationConfiguration& c) {
  std::vector<std::string> out;
  auto add = [&](const std::string& arn, const char* service) {
    check_arn(arn, service);
    out.push_back(arn);
  };
  for (const auto& one : c.topic_configurations.value_or(std::vector<model::TopicConfiguration>()))
    add(one.topic_arn, "sns");
  for (const auto& one : c.queue_configurations.value_or(std::vector<model::QueueConfiguration>()))
    add(one.queue_arn, "sqs");
  for (const auto& one : c.lambda_function_configurations.value_or(std::vector<model::LambdaFunctionConfiguration>()))
    add(one.lambda_function_arn, "lambda");
  return out;
}

void check_destinations(const Parts& parts, const store::BucketInfo& bucket, const std::vector<std::string>& arns) {
  Error refused = invalid_argument("Unable to validate the following destination configurations");
  int count = 0;
  for (const auto& arn : arns) {
    const auto why = parts.notifications ? parts.notifications->refusal(arn, bucket)
                                         : std::optional<std::string>("The destination service is not available");
    if (!why) continue;
    const std::string number = count++ ? std::to_string(count) : "";
    refused.with("ArgumentName" + number, arn).with("ArgumentValue" + number, *why);
  }
  if (count) throw refused;
}

template <class List>
void give_ids(const Parts& parts, std::optional<List>& list) {
  if (!list) return;
  for (auto& one : *list)
    if (!one.id || one.id->empty()) one.id = parts.random.uuid();
}

api::Empty put_notifications(const Parts& parts, Context& context,
                             const model::PutBucketNotificationConfigurationRequest& in) {
  auto c = in.notification_configuration;
  check_notifications(c);
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto arns = destinations(c);
  if (!in.skip_destination_validation.value_or(false)) check_destinations(parts, bucket, arns);
  if (arns.empty() && !c.event_bridge_configuration) {
    erase_setting(parts, in.bucket, setting::notification);
    return {};
  }
  give_ids(parts, c.topic_configurations);
  give_ids(parts, c.queue_configurations);
  give_ids(parts, c.lambda_function_configurations);
  put_setting(parts, in.bucket, setting::notification, to_value(c));
  if (!in.skip_destination_validation.value_or(false))
    for (const auto& arn : arns)
      if (!arn.starts_with("arn:aws:lambda:")) parts.notifications->send_test(arn, bucket, context.request_id);
  return {};
}

model::NotificationConfiguration get_notifications(const Parts& parts, Context& context,
                                                   const model::GetBucketNotificationConfigurationRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const Value* found = find_setting(bucket, setting::notification);
  return found ? api::from<model::NotificationConfiguration>(*found) : model::NotificationConfiguration();
}

}  // namespace

void register_bucket_notifications(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketNotificationConfiguration>(operations, parts, put_notifications);
  on<GetBucketNotificationConfiguration>(operations, parts, get_notifications);
}

}  // namespace tarn::gateway::s3
