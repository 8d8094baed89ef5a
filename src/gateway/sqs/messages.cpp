#include "gateway/sqs/messages.hpp"

#include <algorithm>
#include <cctype>
#include <future>
#include <set>

#include "api/sqs.hpp"
#include "api/wait.hpp"
#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "gateway/sqs/queue_urls.hpp"
#include "notify/limits.hpp"

namespace tarn::gateway {
namespace {

namespace sqs = api::sqs;
using api::Context;
using notify::NewMessage;
using notify::QueueAddress;
using notify::Queues;
using Names = std::vector<std::string>;

constexpr std::size_t max_batch_entries = 10, max_token_size = 128;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterValue", what);
}
[[noreturn]] void invalid(const std::string& name, const std::string& value, const std::string& why) {
  invalid("Value " + value + " for parameter " + name + " is invalid. Reason: " + why);
}

void check_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    invalid(name, std::to_string(value),
            "Must be between " + std::to_string(least) + " and " + std::to_string(most) + ", if provided.");
}

// Ids of groups, duplicates and attempts.
void check_token(const char* name, const std::string& token) {
  const bool good = std::all_of(token.begin(), token.end(), [](unsigned char c) { return std::isgraph(c); });
  if (token.empty() || token.size() > max_token_size || !good)
    invalid(name, token, "It can only include alphanumeric and punctuation characters. 1 to 128 in length.");
}

// ---- sending ----

template <class Attribute>
notify::MessageAttributes read_attributes(const std::optional<std::map<std::string, Attribute>>& given) {
  notify::MessageAttributes out;
  if (!given) return out;
  for (const auto& [name, a] : *given) {
    if ((a.string_list_values && !a.string_list_values->empty()) ||
        (a.binary_list_values && !a.binary_list_values->empty()))
      throw Error(ErrorKind::unsupported, "UnsupportedOperation",
                  "Message attribute list values in SendMessage operation are not supported.");
    notify::MessageAttribute& attribute = out[name];
    attribute.data_type = a.data_type;
    const bool binary = attribute.binary();
    if (binary ? a.string_value.has_value() : a.binary_value.has_value())
      invalid("The message attribute '" + name + "' with type '" + a.data_type + "' must use field '" +
              (binary ? "Binary" : "String") + "'.");
    attribute.value = binary ? (a.binary_value ? a.binary_value->bytes : "") : a.string_value.value_or("");
  }
  notify::check_attributes(out);
  return out;
}

// SendMessageRequest and SendMessageBatchRequestEntry have the same members.
template <class Entry>
NewMessage read_message(const Context& c, const notify::QueueSettings& queue, const Entry& in, Random& random) {
  NewMessage out;
  notify::Message& m = out.message;
  notify::check_body(in.message_body);
  m.body = in.message_body;
  m.attributes = read_attributes(in.message_attributes);
  m.system_attributes = read_attributes(in.message_system_attributes);
  for (const auto& [name, attribute] : m.system_attributes)
    if (name != "AWSTraceHeader" || attribute.data_type != "String")
      invalid("Message system attribute name '" + name +
              "' is invalid: AWSTraceHeader of type String is the only one.");
  if (notify::size_bytes(m.body, m.attributes) > static_cast<uint64_t>(queue.max_message_size_bytes))
    invalid("One or more parameters are invalid. Reason: Message must be shorter than " +
            std::to_string(queue.max_message_size_bytes) + " bytes.");
  if (in.delay_seconds) check_range("DelaySeconds", *in.delay_seconds, 0, 900);
  out.delay_s = in.delay_seconds;
  if (in.message_group_id) check_token("MessageGroupId", *in.message_group_id);
  if (in.message_deduplication_id) check_token("MessageDeduplicationId", *in.message_deduplication_id);
  m.group_id = in.message_group_id.value_or("");
  m.deduplication_id = in.message_deduplication_id.value_or("");
  const char* not_here = "The request include parameter that is not valid for this queue type.";
  if (queue.fifo) {
    if (m.group_id.empty())
      throw Error(ErrorKind::caller, "MissingParameter", "The request must contain the parameter MessageGroupId.");
    if (in.delay_seconds.value_or(0) != 0) invalid("DelaySeconds", std::to_string(*in.delay_seconds), not_here);
    if (m.deduplication_id.empty() && !queue.deduplicates_by_content)
      invalid(
          "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
          "explicitly");
    if (m.deduplication_id.empty()) m.deduplication_id = hex_encode(digest(DigestKind::sha256, m.body));
  } else if (!m.deduplication_id.empty()) {
    invalid("MessageDeduplicationId", m.deduplication_id, not_here);
  }
  m.id = random.uuid();
  m.sender_id = c.principal.user_id.empty() ? c.account() : c.principal.user_id;
  return out;
}

// SendMessageResult and SendMessageBatchResultEntry have these members.
template <class Result>
void describe_sent(Result& out, const notify::Message& message, const notify::SentMessage& sent) {
  out.md5_of_message_body = notify::md5_of(message.body);
  if (!message.attributes.empty()) out.md5_of_message_attributes = notify::md5_of(message.attributes);
  if (!message.system_attributes.empty())
    out.md5_of_message_system_attributes = notify::md5_of(message.system_attributes);
  out.message_id = sent.message_id;
  if (!sent.sequence_number.empty()) out.sequence_number = sent.sequence_number;
}

sqs::SendMessageResult send_message(Queues& queues, Random& random, Context& c, const sqs::SendMessageRequest& in) {
  const QueueAddress address = queue_of(c, in.queue_url);
  NewMessage message = read_message(c, queues.queue(address)->settings(), in, random);
  const notify::Message sent = message.message;
  sqs::SendMessageResult out;
  std::vector<NewMessage> one;
  one.push_back(std::move(message));
  describe_sent(out, sent, queues.send(address, std::move(one)).front());
  return out;
}

// ---- batches ----

template <class Entries>
void check_batch(const Entries& entries) {
  if (entries.empty())
    throw Error(ErrorKind::caller, "EmptyBatchRequest", "There should be at least one entry in the request.");
  if (entries.size() > max_batch_entries)
    throw Error(ErrorKind::caller, "TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10. You have sent " + std::to_string(entries.size()) + ".");
  std::set<std::string> ids;
  for (const auto& entry : entries) {
    const bool good = std::all_of(entry.id.begin(), entry.id.end(),
                                  [](unsigned char ch) { return std::isalnum(ch) || ch == '-' || ch == '_'; });
    if (entry.id.empty() || entry.id.size() > 80 || !good)
      throw Error(
          ErrorKind::caller, "InvalidBatchEntryId",
          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
          "80 letters long.");
    if (!ids.insert(entry.id).second)
      throw Error(ErrorKind::caller, "BatchEntryIdsNotDistinct", "Id " + entry.id + " repeated.");
  }
}

sqs::BatchResultErrorEntry failed(const std::string& id, const Error& error) {
  if (error.kind() == ErrorKind::bug || error.code() == "QueueDoesNotExist") throw error;
  return {id, true, error.code(), error.message()};
}

// Does `work` for each entry; those that throw are told as failed.
template <class Result, class Entries>
Result for_each_entry(const Entries& entries, const std::function<void(const typename Entries::value_type&)>& work) {
  check_batch(entries);
  Result out;
  for (const auto& entry : entries) try {
      work(entry);
      out.successful.push_back({entry.id});
    } catch (const Error& e) {
      out.failed.push_back(failed(entry.id, e));
    }
  return out;
}

sqs::SendMessageBatchResult send_batch(Queues& queues, Random& random, Context& c,
                                       const sqs::SendMessageBatchRequest& in) {
  const QueueAddress address = queue_of(c, in.queue_url);
  const notify::QueueSettings settings = queues.queue(address)->settings();
  check_batch(in.entries);
  sqs::SendMessageBatchResult out;
  std::vector<NewMessage> messages;
  std::vector<std::string> ids;
  uint64_t total_bytes = 0;
  for (const auto& entry : in.entries) {
    total_bytes += notify::size_bytes(entry.message_body, {});
    try {
      messages.push_back(read_message(c, settings, entry, random));
      total_bytes += notify::size_bytes("", messages.back().message.attributes);
      ids.push_back(entry.id);
    } catch (const Error& e) {
      out.failed.push_back(failed(entry.id, e));
    }
  }
  if (total_bytes > limits::max_message_size_bytes)
    throw Error(
        ErrorKind::caller, "BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent " + std::to_string(total_bytes) + " bytes.");
  if (messages.empty()) return out;
  const auto sent = queues.send(address, messages);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sqs::SendMessageBatchResultEntry e;
    e.id = ids[i];
    describe_sent(e, messages[i].message, sent[i]);
    out.successful.push_back(std::move(e));
  }
  return out;
}

// ---- receiving ----

bool is_wanted(const Names& wanted, const std::string& name) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) {
    return w == "All" || w == name || (w.ends_with(".*") && name.starts_with(w.substr(0, w.size() - 2)));
  });
}

void check_system_attribute_names(const Names& names) {
  static const std::set<std::string> known{"All",
                                           "SenderId",
                                           "SentTimestamp",
                                           "ApproximateReceiveCount",
                                           "ApproximateFirstReceiveTimestamp",
                                           "SequenceNumber",
                                           "MessageDeduplicationId",
                                           "MessageGroupId",
                                           "AWSTraceHeader",
                                           "DeadLetterQueueSourceArn"};
  for (const std::string& name : names)
    if (!known.contains(name))
      throw Error(ErrorKind::caller, "InvalidAttributeName", "Unknown Attribute " + name + ".");
}

std::map<std::string, std::string> system_attributes(const notify::ReceivedMessage& r) {
  std::map<std::string, std::string> out{{"SenderId", r.message.sender_id},
                                         {"SentTimestamp", std::to_string(r.message.sent_ms)},
                                         {"ApproximateReceiveCount", std::to_string(r.receive_count)},
                                         {"ApproximateFirstReceiveTimestamp", std::to_string(r.first_received_ms)},
                                         {"SequenceNumber", r.sequence_number},
                                         {"MessageDeduplicationId", r.message.deduplication_id},
                                         {"MessageGroupId", r.message.group_id},
                                         {"DeadLetterQueueSourceArn", r.message.dead_letter_source_arn}};
  for (const auto& [name, attribute] : r.message.system_attributes) out[name] = attribute.value;
  std::erase_if(out, [](const auto& a) { return a.second.empty(); });
  return out;
}

sqs::Message describe(notify::ReceivedMessage r, const Names& system_names, const Names& names) {
  sqs::Message out;
  out.message_id = r.message.id;
  out.receipt_handle = r.receipt_handle;
  out.md5_of_body = notify::md5_of(r.message.body);
  auto system = system_attributes(r);
  std::erase_if(system, [&](const auto& a) { return !is_wanted(system_names, a.first); });
  if (!system.empty()) out.attributes = std::move(system);
  std::erase_if(r.message.attributes, [&](const auto& a) { return !is_wanted(names, a.first); });
  if (!r.message.attributes.empty()) {
    out.md5_of_message_attributes = notify::md5_of(r.message.attributes);
    out.message_attributes.emplace();
    for (const auto& [name, attribute] : r.message.attributes) {
      sqs::MessageAttributeValue& value = (*out.message_attributes)[name];
      value.data_type = attribute.data_type;
      if (attribute.binary())
        value.binary_value = Blob{attribute.value};
      else
        value.string_value = attribute.value;
    }
  }
  out.body = std::move(r.message.body);
  return out;
}

notify::ReceiveRequest read_receive(const sqs::ReceiveMessageRequest& in, bool fifo) {
  notify::ReceiveRequest out;
  check_range("MaxNumberOfMessages", in.max_number_of_messages.value_or(1), 1, 10);
  out.most = static_cast<std::size_t>(in.max_number_of_messages.value_or(1));
  if (in.visibility_timeout) check_range("VisibilityTimeout", *in.visibility_timeout, 0, 43'200);
  out.visibility_timeout_s = in.visibility_timeout;
  if (in.wait_time_seconds) check_range("WaitTimeSeconds", *in.wait_time_seconds, 0, 20);
  if (in.receive_request_attempt_id) {
    if (!fifo)
      invalid("ReceiveRequestAttemptId", *in.receive_request_attempt_id,
              "The request include parameter that is not valid for this queue type.");
    check_token("ReceiveRequestAttemptId", *in.receive_request_attempt_id);
    out.attempt_id = *in.receive_request_attempt_id;
  }
  return out;
}

sqs::ReceiveMessageResult receive_message(Queues& queues, Clock& clock, Context& c,
                                          const sqs::ReceiveMessageRequest& in) {
  const QueueAddress address = queue_of(c, in.queue_url);
  const notify::QueueSettings settings = queues.queue(address)->settings();
  Names system_names = in.message_system_attribute_names.value_or(Names());
  if (in.attribute_names)
    system_names.insert(system_names.end(), in.attribute_names->begin(), in.attribute_names->end());
  check_system_attribute_names(system_names);
  const notify::ReceiveRequest request = read_receive(in, settings.fifo);
  const int64_t wait_s = in.wait_time_seconds.value_or(settings.wait_s);
  const Time until = c.now + std::chrono::seconds(wait_s);
  sqs::ReceiveMessageResult out;
  while (true) {
    auto received = queues.receive(address, request, wait_s == 0);
    for (auto& r : received) {
      if (!out.messages) out.messages.emplace();
      out.messages->push_back(describe(std::move(r), system_names, in.message_attribute_names.value_or(Names())));
    }
    if (out.messages || clock.now() >= until) return out;
    auto wait = queues.queue(address)->wait(until);
    if (api::WaitSlot* slot = api::wait_slot(c)) {
      slot->wait = std::move(wait);
      return out;
    }
    std::promise<void> over;
    wait->when_over([&] { over.set_value(); });
    over.get_future().wait();
  }
}

}  // namespace

void register_messages(api::Operations& o, Queues& q, Clock& clock, Random& random) {
  o.on<sqs::op::SendMessage>([&](Context& c, const auto& in) { return send_message(q, random, c, in); });
  o.on<sqs::op::SendMessageBatch>([&](Context& c, const auto& in) { return send_batch(q, random, c, in); });
  o.on<sqs::op::ReceiveMessage>([&](Context& c, const auto& in) { return receive_message(q, clock, c, in); });
  o.on<sqs::op::DeleteMessage>([&](Context& c, const auto& in) {
    q.queue(queue_of(c, in.queue_url))->remove(in.receipt_handle);
    q.count_deleted(1);
    return api::Empty();
  });
  o.on<sqs::op::DeleteMessageBatch>([&](Context& c, const auto& in) {
    auto queue = q.queue(queue_of(c, in.queue_url));
    auto out = for_each_entry<sqs::DeleteMessageBatchResult, std::vector<sqs::DeleteMessageBatchRequestEntry>>(
        in.entries, [&](const auto& entry) { queue->remove(entry.receipt_handle); });
    q.count_deleted(out.successful.size());
    return out;
  });
  o.on<sqs::op::ChangeMessageVisibility>([&](Context& c, const auto& in) {
    check_range("VisibilityTimeout", in.visibility_timeout, 0, 43'200);
    q.queue(queue_of(c, in.queue_url))->change_visibility(in.receipt_handle, in.visibility_timeout);
    return api::Empty();
  });
  o.on<sqs::op::ChangeMessageVisibilityBatch>([&](Context& c, const auto& in) {
    auto queue = q.queue(queue_of(c, in.queue_url));
    return for_each_entry<sqs::ChangeMessageVisibilityBatchResult,
                          std::vector<sqs::ChangeMessageVisibilityBatchRequestEntry>>(
        in.entries, [&](const auto& entry) {
          if (!entry.visibility_timeout)
            throw Error(ErrorKind::caller, "MissingParameter",
                        "The request must contain the parameter VisibilityTimeout.");
          check_range("VisibilityTimeout", *entry.visibility_timeout, 0, 43'200);
          queue->change_visibility(entry.receipt_handle, *entry.visibility_timeout);
        });
  });
}

}  // namespace tarn::gateway
