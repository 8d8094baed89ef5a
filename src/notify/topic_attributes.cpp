#include "notify/topic_attributes.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "govern/policy.hpp"
#include "notify/limits.hpp"
#include "notify/queues.hpp"

namespace tarn::notify {
namespace {

constexpr std::size_t max_filter_keys = 5;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", what);
}

void check_words(const std::string& name, const std::string& value, std::initializer_list<const char*> words) {
  if (std::none_of(words.begin(), words.end(), [&](const char* w) { return value == w; }))
    invalid_parameter(name, "Invalid value [" + value + "]");
}

Value parse_object(const std::string& name, const std::string& text) {
  try {
    Value v = parse_json(text);
    if (v.is_map()) return v;
  } catch (const Error&) {
  }
  invalid_parameter(name, "not a JSON object");
}

// nullptr where there is no policy, or no such member in it.
const Value* member_of(const Value* policy, const char* name) {
  return policy && policy->is_map() ? policy->find(name) : nullptr;
}

void check_retry(const std::string& name, const Value& policy) {
  const int64_t retries = policy.int_or("numRetries", 3), least = policy.int_or("minDelayTarget", 20),
                most = policy.int_or("maxDelayTarget", 20);
  if (retries < 0 || retries > 100) invalid_parameter(name, "numRetries must be between 0 and 100");
  if (least < 1 || most > 3600 || least > most)
    invalid_parameter(name, "minDelayTarget must be at least 1, maxDelayTarget at most 3600 and not less");
  for (const char* phase : {"numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries"}) {
    const int64_t count = policy.int_or(phase, 0);
    if (count < 0 || count > retries) invalid_parameter(name, std::string(phase) + " must be between 0 and numRetries");
    if (count > 0) refuse(std::string("tarn's SNS does not have ") + phase + " of a DeliveryPolicy");
  }
  const std::string backoff = policy.string_or("backoffFunction", "linear");
  check_words(name, backoff, {"arithmetic", "exponential", "geometric", "linear"});
  if (backoff != "linear") refuse("tarn's SNS has the backoffFunction linear alone");
}

void check_throttle(const Value* policy) {
  const Value* rate = member_of(policy, "maxReceivesPerSecond");
  if (rate && !rate->is_null()) refuse("tarn's SNS does not have maxReceivesPerSecond of a DeliveryPolicy");
}

constexpr const char* default_content_type = "text/plain; charset=UTF-8";

// What `type` says without its parameters, in small letters.
std::string media_type(const std::string& type) {
  std::string out = type.substr(0, type.find(';'));
  while (out.ends_with(' ')) out.pop_back();
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void check_request_policy(const std::string& name, const Value* policy, bool raw) {
  const Value* type = member_of(policy, "headerContentType");
  if (!type || type->is_null()) return;
  static const std::set<std::string> of_envelopes{"application/json", "text/plain"};
  static const std::set<std::string> of_raw_messages{"application/atom+xml",
                                                     "application/json",
                                                     "application/octet-stream",
                                                     "application/soap+xml",
                                                     "application/x-www-form-urlencoded",
                                                     "application/xhtml+xml",
                                                     "application/xml",
                                                     "text/css",
                                                     "text/csv",
                                                     "text/html",
                                                     "text/plain",
                                                     "text/xml"};
  const std::string text = type->is_string() ? type->as_string() : "";
  const bool printable = std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::iscntrl(c); });
  if (!printable || !(raw ? of_raw_messages : of_envelopes).contains(media_type(text)))
    invalid_parameter(name, "Invalid value for headerContentType: " + text);
}

void check_delivery_policy(const std::string& name, const std::string& text) {
  if (text.empty()) return;
  const Value policy = parse_object(name, text);
  if (const Value* http = policy.find("http")) {
    if (const Value* retry = http->find("defaultHealthyRetryPolicy")) check_retry(name, *retry);
    check_throttle(member_of(http, "defaultThrottlePolicy"));
    check_request_policy(name, http->find("defaultRequestPolicy"), false);
  }
  if (const Value* retry = policy.find("healthyRetryPolicy")) check_retry(name, *retry);
  check_throttle(policy.find("throttlePolicy"));
}

void check_filter(const std::string& text) {
  if (text.empty() || text == "{}") return;
  try {
    const EventPattern pattern(text);
    if (pattern.keys() > max_filter_keys)
      throw Error(ErrorKind::limit, "InvalidParameter",
                  "Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys");
    if (pattern.combinations() > limits::max_filter_combinations)
      throw Error(ErrorKind::limit, "InvalidParameter",
                  "Invalid parameter: FilterPolicy: Filter policy is too complex");
  } catch (const Error& e) {
    if (e.code() != "InvalidEventPattern") throw;
    throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: FilterPolicy: " + e.message());
  }
}

void check_redrive(const std::string& text) {
  if (text.empty()) return;
  const std::string arn = parse_object("RedrivePolicy", text).string_or("deadLetterTargetArn");
  if (!parse_queue_arn(arn)) invalid_parameter("RedrivePolicy", "deadLetterTargetArn is an invalid arn");
}

// Whether it is the attribute of that kind of one of the protocols whose deliveries AWS logs.
bool is_feedback(const std::string& name, std::string_view kind) {
  for (const char* protocol : {"HTTP", "Firehose", "Lambda", "Application", "SQS"})
    if (name == protocol + std::string(kind)) return true;
  return false;
}

bool is_phone_number(const std::string& text) {
  return text.size() >= 3 && text.size() <= 16 && text[0] == '+' &&
         std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

void invalid_parameter(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: " + name + " Reason: " + why);
}

void check_topic_attribute(const std::string& name, const std::string& value, bool fifo) {
  if (name == "DisplayName") {
    if (value.size() > 100) invalid_parameter(name, "100 characters at most");
  } else if (name == "Policy") {
    try {
      if (!value.empty()) govern::check_policy(value, govern::PolicyKind::resource);
    } catch (const Error& e) {
      invalid_parameter("Policy", e.message());
    }
  } else if (name == "DeliveryPolicy") {
    check_delivery_policy(name, value);
  } else if (name == "SignatureVersion") {
    check_words(name, value, {"1", "2"});
  } else if (name == "TracingConfig") {
    check_words(name, value, {"PassThrough", "Active"});
    if (value == "Active") refuse("TracingConfig Active: tarn does not trace.");
  } else if (name == "FifoTopic") {
    check_words(name, value, {"true", "false"});
    if ((value == "true") != fifo)
      invalid_parameter(
          "Topic Name",
          "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, "
          "numbers, underscores, and hyphens, and must be between 1 and 256 characters long.");
  } else if (name == "ContentBasedDeduplication" || name == "FifoThroughputScope") {
    if (!fifo) invalid_parameter("Attributes", name + " is for FIFO topics");
    if (name == "ContentBasedDeduplication") check_words(name, value, {"true", "false"});
    if (name == "FifoThroughputScope") check_words(name, value, {"Topic", "MessageGroup"});
  } else if (is_feedback(name, "SuccessFeedbackSampleRate")) {
    const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || value.size() > 3 || std::stoi(value) > 100) invalid_parameter(name, "0 to 100");
    if (std::stoi(value) > 0) refuse("tarn does not log deliveries: leave the topic attribute " + name + " out.");
  } else if (name == "KmsMasterKeyId") {
    // Looked up when it is used, as on AWS.
  } else if (name == "ArchivePolicy" || name == "DataProtectionPolicy" || is_feedback(name, "SuccessFeedbackRoleArn") ||
             is_feedback(name, "FailureFeedbackRoleArn")) {
    if (!value.empty()) refuse("tarn does not have the topic attribute " + name + ". Leave it out.");
  } else {
    invalid_parameter("AttributeName", "unknown topic attribute " + name);
  }
}

void check_subscription_attribute(const std::string& name, const std::string& value, const std::string& protocol) {
  if (name == "RawMessageDelivery") {
    if (protocol != "sqs" && protocol != "http" && protocol != "https" && value == "true")
      invalid_parameter("RawMessageDelivery",
                        "Delivery protocol [" + protocol + "] does not support raw message delivery.");
    check_words(name, value, {"true", "false"});
  } else if (name == "FilterPolicy") {
    check_filter(value);
  } else if (name == "FilterPolicyScope") {
    check_words(name, value, {"MessageAttributes", "MessageBody"});
  } else if (name == "DeliveryPolicy") {
    check_delivery_policy(name, value);
  } else if (name == "RedrivePolicy") {
    check_redrive(value);
  } else if (name == "SubscriptionRoleArn" || name == "ReplayPolicy") {
    if (!value.empty()) refuse("tarn does not have the subscription attribute " + name + ". Leave it out.");
  } else {
    invalid_parameter("AttributeName", "unknown subscription attribute " + name);
  }
}

void check_content_type(const TopicAttributes& subscription) {
  auto policy = subscription.find("DeliveryPolicy"), raw = subscription.find("RawMessageDelivery");
  if (policy == subscription.end() || policy->second.empty()) return;
  const Value parsed = parse_object("DeliveryPolicy", policy->second);
  check_request_policy("DeliveryPolicy", parsed.find("requestPolicy"),
                       raw != subscription.end() && raw->second == "true");
}

void check_endpoint(const SubscribeRequest& r) {
  const std::string& e = r.endpoint;
  if (r.protocol == "firehose" || r.protocol == "application")
    refuse("tarn does not deliver to the protocol " + r.protocol + ".");
  const bool fifo = r.topic.fifo();
  bool good = false;
  if (r.protocol == "sqs") {
    good = parse_queue_arn(e).has_value();
    if (good && !fifo && e.ends_with(".fifo"))
      invalid_parameter("Endpoint", "FIFO SQS Queues can not be subscribed to standard SNS topics");
  } else if (fifo) {
    invalid_parameter("Protocol", "FIFO topics deliver to queues alone");
  } else if (r.protocol == "lambda") {
    good = e.starts_with("arn:aws:lambda:");
  } else if (r.protocol == "http" || r.protocol == "https") {
    good = e.starts_with(r.protocol + "://");
    if (!good) invalid_parameter("Endpoint", "Endpoint must match the specified protocol");
  } else if (r.protocol == "email" || r.protocol == "email-json") {
    good = e.find('@') != std::string::npos && e.find_first_of(" \r\n<>") == std::string::npos;
  } else if (r.protocol == "sms") {
    good = is_phone_number(e);
  } else {
    invalid_parameter("Protocol", "Does not support this protocol string: " + r.protocol);
  }
  if (!good) invalid_parameter("Endpoint", "not valid for the protocol " + r.protocol + ": " + e);
}

std::string default_topic_policy(const TopicAddress& a) {
  ValueList actions;
  for (const char* action : {"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission",
                             "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish"})
    actions.push_back("SNS:" + std::string(action));
  return to_json(Value::map(
      {{"Version", "2008-10-17"},
       {"Id", "__default_policy_ID"},
       {"Statement",
        ValueList{Value::map(
            {{"Sid", "__default_statement_ID"},
             {"Effect", "Allow"},
             {"Principal", Value::map({{"AWS", "*"}})},
             {"Action", actions},
             {"Resource", a.arn()},
             {"Condition", Value::map({{"StringEquals", Value::map({{"AWS:SourceOwner", a.account}})}})}})}}}));
}

std::string effective_delivery_policy(const TopicAttributes& topic, const TopicAttributes& subscription) {
  const RetryPolicy retry = retry_policy(topic, subscription);
  return to_json(
      Value::map({{"http", Value::map({{"defaultHealthyRetryPolicy", Value::map({{"minDelayTarget", retry.min_delay_s},
                                                                                 {"maxDelayTarget", retry.max_delay_s},
                                                                                 {"numRetries", retry.retries},
                                                                                 {"numMaxDelayRetries", 0},
                                                                                 {"numNoDelayRetries", 0},
                                                                                 {"numMinDelayRetries", 0},
                                                                                 {"backoffFunction", "linear"}})},
                                       {"disableSubscriptionOverrides", false},
                                       {"defaultRequestPolicy",
                                        Value::map({{"headerContentType", content_type(topic, subscription)}})}})}}));
}

std::string content_type(const TopicAttributes& topic, const TopicAttributes& subscription) {
  auto of = [](const TopicAttributes& attributes, std::initializer_list<const char*> path) -> std::string {
    auto it = attributes.find("DeliveryPolicy");
    if (it == attributes.end() || it->second.empty()) return {};
    const Value policy = parse_json(it->second);
    const Value* at = &policy;
    for (const char* name : path) at = member_of(at, name);
    return at && at->is_string() ? at->as_string() : "";
  };
  std::string type = of(subscription, {"requestPolicy", "headerContentType"});
  if (type.empty()) type = of(topic, {"http", "defaultRequestPolicy", "headerContentType"});
  return type.empty() ? default_content_type : type;
}

RetryPolicy retry_policy(const TopicAttributes& topic, const TopicAttributes& subscription) {
  RetryPolicy out;
  auto read = [&](const Value* policy) {
    if (!policy) return;
    out.retries = policy->int_or("numRetries", out.retries);
    out.min_delay_s = policy->int_or("minDelayTarget", out.min_delay_s);
    out.max_delay_s = policy->int_or("maxDelayTarget", out.max_delay_s);
  };
  if (auto it = topic.find("DeliveryPolicy"); it != topic.end() && !it->second.empty()) {
    const Value policy = parse_json(it->second);
    if (const Value* http = policy.find("http")) read(http->find("defaultHealthyRetryPolicy"));
  }
  if (auto it = subscription.find("DeliveryPolicy"); it != subscription.end() && !it->second.empty()) {
    const Value policy = parse_json(it->second);
    read(policy.find("healthyRetryPolicy"));
  }
  return out;
}

}  // namespace tarn::notify
