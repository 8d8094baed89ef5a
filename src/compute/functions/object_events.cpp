#include "compute/functions/object_events.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/targets.hpp"

namespace tarn::compute {
namespace {

FunctionName function_of(const std::string& arn) {
  const auto parsed = notify::parse_arn(arn);
  if (!parsed) invalid_parameter("Invalid function ARN: " + arn);
  return parse_function_name({parsed->account, parsed->region, "tarn"}, arn);
}

}  // namespace

std::optional<std::string> ObjectEventFunctions::refusal(const std::string& arn, const store::BucketInfo& bucket) {
  try {
    const FunctionName name = function_of(arn);
    if (name.region != bucket.region)
      return "The notification destination service region is not valid for the bucket location constraint";
    if (!functions_.exists(name)) return "The destination Lambda function does not exist";
    if (!functions_.lets_invoke(name, "s3.amazonaws.com", "arn:aws:s3:::" + bucket.name, bucket.account))
      return "Not authorized to invoke function [" + arn + "]";
    return std::nullopt;
  } catch (const Error& e) {
    return e.message();
  }
}

void ObjectEventFunctions::deliver(const std::string& arn, const store::BucketInfo& bucket,
                                   const std::string& message) {
  if (parse_json(message).string_or("Event") == "s3:TestEvent") return;  // for queues and topics alone
  const FunctionName name = function_of(arn);
  if (!functions_.lets_invoke(name, "s3.amazonaws.com", "arn:aws:s3:::" + bucket.name, bucket.account))
    throw Error(ErrorKind::denied, "AccessDeniedException", "Not authorized to invoke function [" + arn + "]");
  invoker_.enqueue(name, {message, {}, {}});
}

}  // namespace tarn::compute
