#include "gateway/sns/publish.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "api/sns.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/limits.hpp"

namespace tarn::gateway {
namespace {

namespace sns = api::sns;
using api::Context;
using notify::Notification;
using notify::Publisher;

constexpr std::size_t max_batch_entries = 10, max_token_size = 128, max_sms_size = 1600;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: " + what);
}

void check_string_array(const std::string& name, const std::string& text) {
  try {
    const Value v = parse_json(text);
    if (v.is_list() &&
        std::none_of(v.as_list().begin(), v.as_list().end(), [](const Value& i) { return i.is_list() || i.is_map(); }))
      return;
  } catch (const Error&) {
  }
  throw Error(ErrorKind::caller, "ParameterValueInvalid",
              "The message attribute '" + name +
                  "' with type 'String.Array' must be a JSON array of strings, numbers, booleans or nulls.");
}

notify::MessageAttributes read_attributes(
    const std::optional<std::map<std::string, sns::MessageAttributeValue>>& given) {
  notify::MessageAttributes out;
  if (!given) return out;
  for (const auto& [name, a] : *given) {
    notify::MessageAttribute one{a.data_type, {}};
    one.value = one.binary() ? (a.binary_value ? a.binary_value->bytes : "") : a.string_value.value_or("");
    if (a.data_type == "String.Array") check_string_array(name, one.value);
    try {
      notify::check_attributes({{name, one}});  // SNS sets no limit to their number
    } catch (const Error& e) {
      throw Error(ErrorKind::caller, "ParameterValueInvalid", e.message());
    }
    out[name] = std::move(one);
  }
  return out;
}

void check_subject(const std::string& subject) {
  const bool good = std::all_of(subject.begin(), subject.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
  if (subject.empty() || subject.size() > 100 || !good || subject[0] == ' ') invalid("Subject");
}

void check_token(const char* name, const std::string& token) {
  if (token.empty() || token.size() > max_token_size ||
      !std::all_of(token.begin(), token.end(), [](unsigned char c) { return std::isgraph(c); }))
    invalid(std::string(name) +
            " Reason: it can only include alphanumeric and punctuation characters, 1 to 128 of them");
}

// {"default": "...", "sqs": "..."}: a message of its own for some protocols.
void read_structure(Notification& n) {
  Value structure;
  try {
    structure = parse_json(n.message);
  } catch (const Error&) {
  }
  if (!structure.is_map()) invalid("Message Structure - JSON message body failed to parse");
  const Value* otherwise = structure.find("default");
  if (!otherwise || !otherwise->is_string()) invalid("Message Structure - No default entry in JSON message body");
  for (const auto& [protocol, text] : structure.as_map())
    if (text.is_string() && protocol != "default") n.by_protocol[protocol] = text.as_string();
  n.message = std::string(otherwise->as_string());
}

// PublishInput and PublishBatchRequestEntry have these members.
template <class Input>
Notification read_notification(const Input& in) {
  Notification out;
  out.message = in.message;
  if (in.message.empty()) invalid("Empty message");
  if (!notify::has_valid_characters(in.message)) invalid("Message Reason: invalid characters");
  out.attributes = read_attributes(in.message_attributes);
  if (notify::size_bytes(in.message, out.attributes) > limits::max_notification_size_bytes) invalid("Message too long");
  if (in.subject) check_subject(*in.subject);
  out.subject = in.subject.value_or("");
  if (in.message_group_id) check_token("MessageGroupId", *in.message_group_id);
  if (in.message_deduplication_id) check_token("MessageDeduplicationId", *in.message_deduplication_id);
  out.group_id = in.message_group_id.value_or("");
  out.deduplication_id = in.message_deduplication_id.value_or("");
  if (in.message_structure && *in.message_structure != "json" && !in.message_structure->empty())
    invalid("Invalid Message Structure parameter: " + *in.message_structure);
  if (in.message_structure && *in.message_structure == "json") read_structure(out);
  return out;
}

sns::PublishResponse publish(Publisher& publisher, Context& c, const sns::PublishInput& in) {
  const int places = in.topic_arn.has_value() + in.target_arn.has_value() + in.phone_number.has_value();
  if (places != 1)
    invalid(places == 0 ? "TopicArn or TargetArn Reason: no value for required parameter"
                        : "TopicArn, TargetArn or PhoneNumber Reason: only one of them is allowed");
  if (in.phone_number) {
    const std::string& number = *in.phone_number;
    if (number.size() < 3 || number.size() > 16 || number[0] != '+' ||
        !std::all_of(number.begin() + 1, number.end(), [](unsigned char ch) { return std::isdigit(ch); }))
      invalid("PhoneNumber Reason: " + number + " is not valid to publish to");
    const Notification n = read_notification(in);
    if (n.message.size() > max_sms_size) invalid("Message too long");
    return {publisher.publish_to_phone(number, n.message), {}};
  }
  const std::string& arn = in.topic_arn ? *in.topic_arn : *in.target_arn;
  if (arn.find(":endpoint/") != std::string::npos)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "Publish to a platform endpoint: tarn has no platform applications.");
  const notify::Published done = publisher.publish(topic_of(c, arn, "Publish"), read_notification(in));
  sns::PublishResponse out;
  out.message_id = done.message_id;
  if (!done.sequence_number.empty()) out.sequence_number = done.sequence_number;
  return out;
}

void check_batch(const std::vector<sns::PublishBatchRequestEntry>& entries) {
  if (entries.empty())
    throw Error(ErrorKind::caller, "EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.size() > max_batch_entries)
    throw Error(ErrorKind::caller, "TooManyEntriesInBatchRequest",
                "The batch request contains more entries than permissible.");
  std::set<std::string> ids;
  uint64_t total_bytes = 0;
  for (const auto& e : entries) {
    if (e.id.empty() || e.id.size() > 80 || !std::all_of(e.id.begin(), e.id.end(), [](unsigned char ch) {
          return std::isalnum(ch) || ch == '-' || ch == '_';
        }))
      throw Error(ErrorKind::caller, "InvalidBatchEntryId",
                  "The Id of a batch entry in a batch request doesn't abide by the specification.");
    if (!ids.insert(e.id).second)
      throw Error(ErrorKind::caller, "BatchEntryIdsNotDistinct",
                  "Two or more batch entries in the request have the same Id.");
    total_bytes += e.message.size();
  }
  if (total_bytes > limits::max_notification_size_bytes)
    throw Error(ErrorKind::caller, "BatchRequestTooLong",
                "The length of all the batch messages put together is more than the limit.");
}

sns::PublishBatchResponse publish_batch(Publisher& publisher, Context& c, const sns::PublishBatchInput& in) {
  const notify::TopicAddress topic = topic_of(c, in.topic_arn, "Publish");
  check_batch(in.publish_batch_request_entries);
  sns::PublishBatchResponse out;
  out.successful.emplace();
  out.failed.emplace();
  for (const auto& entry : in.publish_batch_request_entries) {
    try {
      const notify::Published done = publisher.publish(topic, read_notification(entry));
      sns::PublishBatchResultEntry e;
      e.id = entry.id;
      e.message_id = done.message_id;
      if (!done.sequence_number.empty()) e.sequence_number = done.sequence_number;
      out.successful->push_back(std::move(e));
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::caller) throw;
      out.failed->push_back({entry.id, e.code(), e.message(), true});
    }
  }
  return out;
}

}  // namespace

notify::TopicAddress topic_of(const Context& c, const std::string& arn, const char* action) {
  notify::TopicAddress out = notify::parse_topic_arn(arn);
  if (out.account != c.account())
    throw Error(ErrorKind::denied, "AuthorizationError",
                "User: " + c.principal.arn + " is not authorized to perform: SNS:" + action + " on resource: " + arn);
  return out;
}

void register_publish(api::Operations& o, Publisher& p) {
  o.on<sns::op::Publish>([&](Context& c, const auto& in) { return publish(p, c, in); });
  o.on<sns::op::PublishBatch>([&](Context& c, const auto& in) { return publish_batch(p, c, in); });
}

}  // namespace tarn::gateway
