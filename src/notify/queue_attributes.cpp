#include "notify/queue_attributes.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "govern/policy.hpp"

namespace tarn::notify {
namespace {

struct Range {
  const char* name;
  int64_t least, most, otherwise;
};
constexpr Range ranges[] = {
    {"DelaySeconds", 0, 900, 0},
    {"MaximumMessageSize", 1024, 1'048'576, 1'048'576},
    {"MessageRetentionPeriod", 60, 1'209'600, 345'600},
    {"ReceiveMessageWaitTimeSeconds", 0, 20, 0},
    {"VisibilityTimeout", 0, 43'200, 30},
};

[[noreturn]] void invalid_value(const std::string& name, const std::string& why = {}) {
  throw Error(ErrorKind::caller, "InvalidAttributeValue",
              "Invalid value for the parameter " + name + "." + (why.empty() ? "" : " Reason: " + why));
}
[[noreturn]] void unknown(const std::string& name) {
  throw Error(ErrorKind::caller, "InvalidAttributeName", "Unknown Attribute " + name + ".");
}

std::optional<int64_t> integer(std::string_view text) {
  int64_t v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

bool is_word(const std::string& value, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return value == w; });
}

// maxReceiveCount comes as a number or as text of one.
RedrivePolicy parse_redrive(const std::string& text) {
  try {
    const Value policy = parse_json(text);
    RedrivePolicy out;
    out.target_arn = policy.at("deadLetterTargetArn").as_string();
    const Value& count = policy.at("maxReceiveCount");
    out.max_receive_count = count.is_string() ? integer(count.as_string()).value_or(0) : count.as_int();
    if (out.max_receive_count < 1 || out.max_receive_count > 1000)
      invalid_value("RedrivePolicy", "maxReceiveCount must be between 1 and 1000.");
    return out;
  } catch (const Error& e) {
    if (e.code() == "InvalidAttributeValue") throw;
    invalid_value("RedrivePolicy",
                  "Redrive policy is not a valid JSON map with deadLetterTargetArn and maxReceiveCount.");
  }
}

void check_redrive_allow(const std::string& text) {
  Value policy;
  try {
    policy = parse_json(text);
  } catch (const Error&) {
  }
  if (!policy.is_map()) invalid_value("RedriveAllowPolicy", "Redrive allow policy is not valid JSON map.");
  const std::string permission = policy.string_or("redrivePermission");
  if (!is_word(permission, {"allowAll", "denyAll", "byQueue"}))
    invalid_value("RedriveAllowPolicy", "redrivePermission must be allowAll, denyAll or byQueue.");
  const Value* sources = policy.find("sourceQueueArns");
  if ((permission == "byQueue") != (sources != nullptr))
    invalid_value("RedriveAllowPolicy", "sourceQueueArns goes with the permission byQueue, and with that alone.");
  if (!sources) return;
  if (!sources->is_list() || sources->as_list().empty() || sources->as_list().size() > 10)
    invalid_value("RedriveAllowPolicy", "sourceQueueArns has 1 to 10 ARNs.");
  for (const Value& arn : sources->as_list())
    if (!arn.is_string()) invalid_value("RedriveAllowPolicy", "sourceQueueArns has 1 to 10 ARNs.");
}

void check_fifo_attribute(const std::string& name, const std::string& value, bool fifo) {
  if (name == "FifoQueue") {
    // A standard queue has no such attribute, not even a false one.
    if (!fifo || value != "true") unknown(name);
    return;
  }
  if (!fifo) unknown(name);
  const bool good = name == "ContentBasedDeduplication" ? is_word(value, {"true", "false"})
                    : name == "DeduplicationScope"      ? is_word(value, {"queue", "messageGroup"})
                                                        : is_word(value, {"perQueue", "perMessageGroupId"});
  if (!good) invalid_value(name);
}

void check_encryption(const std::string& name, const std::string& value) {
  if (name == "KmsDataKeyReusePeriodSeconds") {
    auto period = integer(value);
    if (!period || *period < 60 || *period > 86'400) invalid_value(name);
  }
  if (name == "SqsManagedSseEnabled" && !is_word(value, {"true", "false"})) invalid_value(name);
}

void check_one(const std::string& name, const std::string& value, bool fifo) {
  for (const Range& range : ranges) {
    if (name != range.name) continue;
    auto number = integer(value);
    if (!number || *number < range.least || *number > range.most) invalid_value(name);
    return;
  }
  if (name == "Policy") {
    try {
      if (!value.empty()) govern::check_policy(value, govern::PolicyKind::resource);
    } catch (const Error& e) {
      invalid_value(name, e.message());
    }
  } else if (name == "RedrivePolicy") {
    if (!value.empty()) parse_redrive(value);
  } else if (name == "RedriveAllowPolicy") {
    if (!value.empty()) check_redrive_allow(value);
  } else if (is_word(name, {"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})) {
    check_fifo_attribute(name, value, fifo);
  } else if (is_word(name, {"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"})) {
    check_encryption(name, value);
  } else {
    unknown(name);
  }
}

std::string value_or(const QueueAttributes& attributes, const std::string& name, const std::string& otherwise) {
  auto it = attributes.find(name);
  return it == attributes.end() ? otherwise : it->second;
}

}  // namespace

void check_queue_attributes(const QueueAttributes& attributes, bool fifo) {
  for (const auto& [name, value] : attributes) check_one(name, value, fifo);
}

void check_queue_attribute_names(const std::vector<std::string>& names) {
  static const std::set<std::string> others{"All",
                                            "Policy",
                                            "RedrivePolicy",
                                            "RedriveAllowPolicy",
                                            "FifoQueue",
                                            "ContentBasedDeduplication",
                                            "DeduplicationScope",
                                            "FifoThroughputLimit",
                                            "KmsMasterKeyId",
                                            "KmsDataKeyReusePeriodSeconds",
                                            "SqsManagedSseEnabled",
                                            "QueueArn",
                                            "CreatedTimestamp",
                                            "LastModifiedTimestamp",
                                            "ApproximateNumberOfMessages",
                                            "ApproximateNumberOfMessagesNotVisible",
                                            "ApproximateNumberOfMessagesDelayed"};
  for (const std::string& name : names)
    if (!others.contains(name) &&
        std::none_of(std::begin(ranges), std::end(ranges), [&](auto& r) { return name == r.name; }))
      unknown(name);
}

QueueSettings queue_settings(const QueueAttributes& attributes) {
  QueueSettings out;
  auto number = [&](const char* name, int64_t otherwise) {
    return integer(value_or(attributes, name, "")).value_or(otherwise);
  };
  out.fifo = value_or(attributes, "FifoQueue", "false") == "true";
  out.deduplicates_by_content = value_or(attributes, "ContentBasedDeduplication", "false") == "true";
  out.deduplicates_by_group = value_or(attributes, "DeduplicationScope", "queue") == "messageGroup";
  out.delay_s = number("DelaySeconds", out.delay_s);
  out.visibility_timeout_s = number("VisibilityTimeout", out.visibility_timeout_s);
  out.retention_s = number("MessageRetentionPeriod", out.retention_s);
  out.wait_s = number("ReceiveMessageWaitTimeSeconds", out.wait_s);
  out.max_message_size_bytes = number("MaximumMessageSize", out.max_message_size_bytes);
  out.kms_key_id = value_or(attributes, "KmsMasterKeyId", "");
  out.data_key_reuse_s = number("KmsDataKeyReusePeriodSeconds", out.data_key_reuse_s);
  if (const std::string redrive = value_or(attributes, "RedrivePolicy", ""); !redrive.empty())
    out.redrive = parse_redrive(redrive);
  return out;
}

QueueAttributes with_defaults(const QueueAttributes& attributes) {
  QueueAttributes out = attributes;
  for (const Range& range : ranges) out.emplace(range.name, std::to_string(range.otherwise));
  if (const std::string key = value_or(attributes, "KmsMasterKeyId", ""); key.empty()) {
    out.emplace("SqsManagedSseEnabled", "true");
  } else {
    out["SqsManagedSseEnabled"] = "false";
    out.emplace("KmsDataKeyReusePeriodSeconds", "300");
  }
  if (out.contains("FifoQueue")) {
    out.emplace("ContentBasedDeduplication", "false");
    out.emplace("DeduplicationScope", "queue");
    out.emplace("FifoThroughputLimit", "perQueue");
  }
  return out;
}

bool allows_redrive(const QueueAttributes& dead_letter_queue, std::string_view source_arn) {
  const std::string text = value_or(dead_letter_queue, "RedriveAllowPolicy", "");
  if (text.empty()) return true;
  const Value policy = parse_json(text);
  const std::string permission = policy.string_or("redrivePermission");
  if (permission != "byQueue") return permission == "allowAll";
  const ValueList& sources = policy.at("sourceQueueArns").as_list();
  return std::any_of(sources.begin(), sources.end(), [&](const Value& arn) { return arn.as_string() == source_arn; });
}

}  // namespace tarn::notify
