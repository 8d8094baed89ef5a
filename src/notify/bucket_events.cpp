#include "notify/bucket_events.hpp"

#include "base/error.hpp"
#include "govern/policy_decision.hpp"

namespace tarn::notify {
namespace {

constexpr const char* s3 = "s3.amazonaws.com";
constexpr const char* other_region =
    "The notification destination service region is not valid for the bucket location constraint";

bool lets_bucket(std::string_view policy, const char* action, const std::string& arn, const store::BucketInfo& bucket) {
  return govern::policy_allows(policy, {s3,
                                        action,
                                        arn,
                                        {{"aws:sourcearn", "arn:aws:s3:::" + bucket.name},
                                         {"aws:sourceaccount", bucket.account},
                                         {"aws:securetransport", "true"}}});
}

std::string policy_in(const std::map<std::string, std::string>& attributes) {
  auto found = attributes.find("Policy");
  return found == attributes.end() ? "" : found->second;
}

void require(const std::optional<std::string>& refusal) {
  if (refusal) throw Error(ErrorKind::denied, "AccessDenied", *refusal);
}

TargetInput message_from_s3(const std::string& message) {
  TargetInput out;
  out.body = message;
  out.invoked_by = s3;
  return out;
}

}  // namespace

std::optional<std::string> QueueOfBucketEvents::refusal(const std::string& arn, const store::BucketInfo& bucket) {
  const auto address = parse_queue_arn(arn);
  if (!address) return "The ARN is not well formed";
  if (address->region != bucket.region) return other_region;
  if (address->name.ends_with(".fifo")) return "FIFO SQS queues are not supported as destinations";
  const auto queue = queues_.find(*address);
  if (!queue) return "The destination queue does not exist";
  if (!lets_bucket(policy_in(queue->attributes), "sqs:SendMessage", arn, bucket))
    return "Permissions on the destination queue do not allow S3 to publish notifications from this bucket";
  return std::nullopt;
}

void QueueOfBucketEvents::deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& message) {
  require(refusal(arn, bucket));
  targets_.deliver(arn, message_from_s3(message));
}

std::optional<std::string> TopicOfBucketEvents::refusal(const std::string& arn, const store::BucketInfo& bucket) {
  TopicAddress address;
  try {
    address = parse_topic_arn(arn);
  } catch (const Error&) {
    return "The ARN is not well formed";
  }
  if (address.region != bucket.region) return other_region;
  if (address.fifo()) return "FIFO SNS topics are not supported as destinations";
  const auto topic = topics_.find(address);
  if (!topic) return "The destination topic does not exist";
  if (!lets_bucket(policy_in(topic->attributes), "sns:Publish", arn, bucket))
    return "Permissions on the destination topic do not allow S3 to publish notifications from this bucket";
  return std::nullopt;
}

void TopicOfBucketEvents::deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& message) {
  require(refusal(arn, bucket));
  TargetInput input = message_from_s3(message);
  input.subject = "Amazon S3 Notification";
  targets_.deliver(arn, input);
}

}  // namespace tarn::notify
