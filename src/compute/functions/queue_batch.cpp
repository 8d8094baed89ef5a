#include "compute/functions/queue_batch.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/functions/names.hpp"

namespace tarn::compute {
namespace {

Value attribute_record(const Value& attribute) {
  Value out = Value::map();
  if (const Value* text = attribute.find("StringValue")) out.set("stringValue", *text);
  if (const Value* bytes = attribute.find("BinaryValue")) out.set("binaryValue", *bytes);
  return out.set("stringListValues", Value::list())
      .set("binaryListValues", Value::list())
      .set("dataType", attribute.string_or("DataType"));
}

}  // namespace

Value queue_record(const Value& message, const std::string& queue_arn, const std::string& region) {
  Value attributes = Value::map();
  if (const Value* given = message.find("MessageAttributes"); given && given->is_map())
    for (const auto& [name, attribute] : given->as_map()) attributes.set(name, attribute_record(attribute));
  Value out = Value::map({{"messageId", message.string_or("MessageId")},
                          {"receiptHandle", message.string_or("ReceiptHandle")},
                          {"body", message.string_or("Body")},
                          {"attributes", message.find("Attributes") ? *message.find("Attributes") : Value::map()},
                          {"messageAttributes", attributes},
                          {"md5OfBody", message.string_or("MD5OfBody")}});
  if (const Value* md5 = message.find("MD5OfMessageAttributes")) out.set("md5OfMessageAttributes", *md5);
  return out.set("eventSource", "aws:sqs").set("eventSourceARN", queue_arn).set("awsRegion", region);
}

QueueFilters::QueueFilters(const std::optional<api::lambda::FilterCriteria>& criteria) {
  if (!criteria || !criteria->filters) return;
  for (const auto& filter : *criteria->filters) {
    if (!filter.pattern) continue;
    try {
      patterns_.emplace_back(*filter.pattern);
    } catch (const Error&) {
      invalid_parameter("Invalid filter pattern definition.");
    }
  }
}

bool QueueFilters::let_through(const Value& record) const {
  if (patterns_.empty()) return true;
  Value seen = record;
  try {
    Value body = parse_json(record.string_or("body"));
    if (body.is_map()) seen.set("body", std::move(body));
  } catch (const Error&) {
  }
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) { return pattern.matches(seen); });
}

std::optional<std::set<std::string>> failed_items(const std::string& payload, const std::set<std::string>& batch) {
  std::set<std::string> out;
  try {
    const Value answer = parse_json(payload);
    if (answer.is_null()) return out;
    if (!answer.is_map()) return std::nullopt;
    const Value* failures = answer.find("batchItemFailures");
    if (!failures || failures->is_null()) return out;
    for (const Value& failure : failures->as_list()) {
      const Value* id = failure.find("itemIdentifier");
      if (!id || !id->is_string() || !batch.contains(id->as_string())) return std::nullopt;
      out.insert(id->as_string());
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return out;
}

}  // namespace tarn::compute
