#include "notify/publisher.hpp"

#include <algorithm>
#include <charconv>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "notify/topic_attributes.hpp"

namespace tarn::notify {
namespace {

constexpr int64_t duplicate_interval_ms = 5 * 60 * 1000;
constexpr int64_t aws_target_retries_for_ms = 23ll * 24 * 3600 * 1000;
constexpr int64_t mail_retries_for_ms = 6ll * 3600 * 1000;
constexpr int64_t data_key_reuse_s = 300;
constexpr const char* mail_sender = "no-reply@sns.amazonaws.com";

Value attributes_json(const MessageAttributes& attributes) {
  Value out = Value::map();
  for (const auto& [name, a] : attributes)
    out.set(name, Value::map({{"Type", a.data_type}, {"Value", a.binary() ? base64_encode(a.value) : a.value}}));
  return out;
}

MessageAttributes attributes_from(const Value& json) {
  MessageAttributes out;
  for (const auto& [name, v] : json.as_map()) {
    MessageAttribute a{v.string_or("Type"), v.string_or("Value")};
    if (a.binary()) a.value = base64_decode(a.value).value_or("");
    out[name] = a;
  }
  return out;
}

// "key\nvalue\n" of the members that are signed, in the order of their names.
std::string signed_text(std::initializer_list<std::pair<const char*, std::string>> members) {
  std::string out;
  for (const auto& [name, value] : members)
    if (!value.empty()) out.append(name).append("\n").append(value).append("\n");
  return out;
}

bool lets_through(const Subscription& s, const Notification& n, const std::string& message) {
  if (!s.filter) return true;
  if (s.attribute("FilterPolicyScope") != "MessageBody") return s.filter->matches(filterable(n.attributes));
  try {
    const Value body = parse_json(message);
    return body.is_map() && s.filter->matches(body);
  } catch (const Error&) {
    return false;
  }
}

void check_for_topic(const TopicAddress& topic, const TopicRecord& record, Notification& n) {
  auto require = [](bool well, const char* what) {
    if (!well) throw Error(ErrorKind::caller, "InvalidParameter", std::string("Invalid parameter: ") + what);
  };
  if (!topic.fifo()) {
    require(n.deduplication_id.empty(),
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type");
    return;
  }
  require(!n.group_id.empty(), "The MessageGroupId parameter is required for FIFO topics");
  auto by_content = record.attributes.find("ContentBasedDeduplication");
  if (n.deduplication_id.empty()) {
    require(
        by_content != record.attributes.end() && by_content->second == "true",
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
    n.deduplication_id = hex_encode(digest(DigestKind::sha256, n.message));
  }
}

}  // namespace

Value filterable(const MessageAttributes& attributes) {
  Value out = Value::map();
  for (const auto& [name, a] : attributes) {
    if (a.data_type == "String.Array") {
      try {
        out.set(name, parse_json(a.value));
      } catch (const Error&) {
        out.set(name, a.value);
      }
    } else if (a.data_type.starts_with("Number")) {
      double number = 0;
      std::from_chars(a.value.data(), a.value.data() + a.value.size(), number);
      out.set(name, number);
    } else if (!a.binary()) {
      out.set(name, a.value);
    }
  }
  return out;
}

// What is the same for all who get it.
struct Publisher::Publication {
  const Notification& notification;
  const Topics::Audience& audience;
  std::string message_id, sequence_number, timestamp;
};

Publisher::Publisher(PublisherParts parts, PublisherOptions options, Metrics& metrics)
    : parts_(parts),
      options_(std::move(options)),
      published_(metrics.counter("tarn_notifications_published_total", "Messages published to topics.")),
      filtered_(metrics.counter("tarn_notifications_filtered_total", "Deliveries that a filter policy kept back.")),
      failed_(metrics.counter("tarn_notifications_failed_total", "Deliveries that were given up.")) {}

void Publisher::start(std::string endpoint) {
  endpoint_ = std::move(endpoint);
  parts_.deliveries.start([this](Delivery& d, std::stop_token stop) { return attempt(d, std::move(stop)); });
}

// ---- publishing ----

std::optional<Published> Publisher::duplicate_of(const TopicAddress& topic, const std::string& key) {
  const int64_t now = parts_.clock.now().time_since_epoch().count();
  std::lock_guard lock(mutex_);
  std::erase_if(earlier_, [&](const auto& e) { return e.second.at_ms + duplicate_interval_ms <= now; });
  auto it = earlier_.find(topic.arn() + '\0' + key);
  return it == earlier_.end() ? std::nullopt : std::optional(it->second.published);
}

Published Publisher::publish(const TopicAddress& topic, Notification n) {
  auto audience = parts_.topics.audience(topic);
  check_for_topic(topic, audience->topic, n);
  if (topic.fifo())
    if (auto before = duplicate_of(topic, n.deduplication_id)) return *before;
  Publication p{n, *audience, parts_.random.uuid(), {}, format_iso8601(parts_.clock.now())};
  if (topic.fifo()) {
    const std::string digits = std::to_string(parts_.store.take_numbers());
    p.sequence_number = "1" + std::string(19 - std::min<std::size_t>(19, digits.size()), '0') + digits;
  }
  std::vector<Delivery> deliveries;
  for (const Subscription& s : audience->subscriptions) {
    auto own = n.by_protocol.find(s.protocol);
    if (lets_through(s, n, own == n.by_protocol.end() ? n.message : own->second))
      deliveries.push_back(delivery_to(s, p));
    else
      filtered_.add();
  }
  parts_.deliveries.add(std::move(deliveries));
  published_.add();
  Published out{p.message_id, p.sequence_number};
  if (topic.fifo()) {
    std::lock_guard lock(mutex_);
    earlier_[topic.arn() + '\0' + n.deduplication_id] = {parts_.clock.now().time_since_epoch().count(), out};
  }
  return out;
}

std::string Publisher::envelope(const Subscription& s, const Publication& p, const std::string& message) const {
  const Notification& n = p.notification;
  auto version = p.audience.topic.attributes.find("SignatureVersion");
  const std::string signature_version = version == p.audience.topic.attributes.end() ? "1" : version->second;
  const std::string topic = s.topic.arn();
  const std::string signature = parts_.signer.sign(signed_text({{"Message", message},
                                                                {"MessageId", p.message_id},
                                                                {"Subject", n.subject},
                                                                {"Timestamp", p.timestamp},
                                                                {"TopicArn", topic},
                                                                {"Type", "Notification"}}),
                                                   signature_version);
  Value out = Value::map({{"Type", "Notification"}, {"MessageId", p.message_id}});
  if (!p.sequence_number.empty()) out.set("SequenceNumber", p.sequence_number);
  out.set("TopicArn", topic);
  if (!n.subject.empty()) out.set("Subject", n.subject);
  out.set("Message", message)
      .set("Timestamp", p.timestamp)
      .set("SignatureVersion", signature_version)
      .set("Signature", signature);
  out.set("SigningCertURL", endpoint_ + "/_tarn/SimpleNotificationService.pem");
  out.set("UnsubscribeURL", endpoint_ + "/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn=" + s.arn());
  if (!n.attributes.empty()) out.set("MessageAttributes", attributes_json(n.attributes));
  if (s.protocol != "lambda") return to_json(out);
  out.set("SigningCertUrl", *out.find("SigningCertURL")).set("UnsubscribeUrl", *out.find("UnsubscribeURL"));
  out.erase("SigningCertURL");
  out.erase("UnsubscribeURL");
  if (!out.find("Subject")) out.set("Subject", nullptr);
  out.set("MessageAttributes", attributes_json(n.attributes));
  return to_json(Value::map({{"Records", ValueList{Value::map({{"EventSource", "aws:sns"},
                                                               {"EventVersion", "1.0"},
                                                               {"EventSubscriptionArn", s.arn()},
                                                               {"Sns", out}})}}}));
}

Delivery Publisher::delivery_to(const Subscription& s, const Publication& p) const {
  const Notification& n = p.notification;
  auto own = n.by_protocol.find(s.protocol);
  const std::string& message = own == n.by_protocol.end() ? n.message : own->second;
  const bool raw = s.attribute("RawMessageDelivery") == "true", text = s.protocol == "email" || s.protocol == "sms";
  const RetryPolicy retry = retry_policy(p.audience.topic.attributes, s.attributes);
  Delivery d;
  d.content = Value::map({{"Protocol", s.protocol},
                          {"Endpoint", s.endpoint},
                          {"Subscription", s.arn()},
                          {"Topic", s.topic.arn()},
                          {"MessageId", p.message_id},
                          {"Type", "Notification"},
                          {"Raw", raw},
                          {"Payload", raw || text ? message : envelope(s, p, message)}});
  if (raw && !n.attributes.empty()) d.content.set("Attributes", attributes_json(n.attributes));
  if (s.protocol.starts_with("email"))
    d.content.set("Subject", n.subject.empty() ? "AWS Notification Message" : n.subject);
  if (s.protocol == "email")
    d.content.set("Payload", message +
                                 "\n\n--\nIf you wish to stop receiving notifications from this topic, please open the "
                                 "link below to unsubscribe:\n" +
                                 endpoint_ + "/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn=" + s.arn() +
                                 "\n");
  if (!n.group_id.empty()) d.content.set("Group", n.group_id);
  if (!n.deduplication_id.empty() && s.endpoint.ends_with(".fifo")) d.content.set("Deduplication", n.deduplication_id);
  if (s.protocol.starts_with("http"))
    d.content.set("Retries", retry.retries)
        .set("MinDelay", retry.min_delay_s)
        .set("MaxDelay", retry.max_delay_s)
        .set("ContentType", content_type(p.audience.topic.attributes, s.attributes));
  if (const std::string redrive = s.attribute("RedrivePolicy"); !redrive.empty())
    d.content.set("DeadLetters", parse_json(redrive).string_or("deadLetterTargetArn"));
  if (s.topic.fifo()) d.lane = s.arn() + '\n' + n.group_id;
  seal(d, p.audience.topic);
  return d;
}

void Publisher::seal(Delivery& d, const TopicRecord& topic) const {
  const auto key = topic.attributes.find("KmsMasterKeyId");
  if (key == topic.attributes.end() || key->second.empty()) return;
  Value secret = Value::map();
  for (const char* member : {"Payload", "Attributes", "Subject"}) {
    if (const Value* v = d.content.find(member)) secret.set(member, *v);
    d.content.erase(member);
  }
  const SealedBytes sealed =
      parts_.envelope.seal(d.content.string_or("Topic"), key->second, data_key_reuse_s, to_json(secret));
  d.content.set("KeyBlob", base64_encode(sealed.key_blob)).set("Sealed", base64_encode(sealed.bytes));
}

Value Publisher::unsealed(const Value& content) const {
  if (!content.find("Sealed")) return content;
  const SealedBytes sealed{base64_decode(content.string_or("KeyBlob")).value_or(""),
                           base64_decode(content.string_or("Sealed")).value_or("")};
  Value out = content;
  const Value secret = parse_json(parts_.envelope.open(content.string_or("Topic"), data_key_reuse_s, sealed));
  for (const auto& [name, value] : secret.as_map()) out.set(name, value);
  return out;
}

std::string Publisher::publish_to_phone(const std::string& phone_number, const std::string& message) {
  const std::string id = parts_.random.uuid();
  Delivery d;
  d.content = Value::map({{"Protocol", "sms"}, {"Endpoint", phone_number}, {"MessageId", id}, {"Payload", message}});
  parts_.deliveries.add({d});
  published_.add();
  return id;
}

void Publisher::ask_for_confirmation(const Subscription& s) {
  const std::string id = parts_.random.uuid(), now = format_iso8601(parts_.clock.now()), topic = s.topic.arn();
  const std::string url =
      endpoint_ + "/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn=" + topic + "&Token=" + s.token;
  const std::string message = "You have chosen to subscribe to the topic " + topic +
                              ".\nTo confirm the subscription, visit the SubscribeURL included in this message.";
  auto record = parts_.topics.topic(s.topic);
  const std::string version =
      record.attributes.contains("SignatureVersion") ? record.attributes["SignatureVersion"] : "1";
  const Value json = Value::map({{"Type", "SubscriptionConfirmation"},
                                 {"MessageId", id},
                                 {"Token", s.token},
                                 {"TopicArn", topic},
                                 {"Message", message},
                                 {"SubscribeURL", url},
                                 {"Timestamp", now},
                                 {"SignatureVersion", version},
                                 {"Signature", parts_.signer.sign(signed_text({{"Message", message},
                                                                               {"MessageId", id},
                                                                               {"SubscribeURL", url},
                                                                               {"Timestamp", now},
                                                                               {"Token", s.token},
                                                                               {"TopicArn", topic},
                                                                               {"Type", "SubscriptionConfirmation"}}),
                                                                  version)},
                                 {"SigningCertURL", endpoint_ + "/_tarn/SimpleNotificationService.pem"}});
  Delivery d;
  d.content = Value::map(
      {{"Protocol", s.protocol},
       {"Endpoint", s.endpoint},
       {"Subscription", s.arn()},
       {"Topic", topic},
       {"MessageId", id},
       {"Type", "SubscriptionConfirmation"},
       {"Subject", "AWS Notification - Subscription Confirmation"},
       {"Payload", s.protocol == "email" ? "You have chosen to subscribe to the topic:\n" + topic +
                                               "\n\nTo confirm this subscription, open this link:\n" + url + "\n"
                                         : to_json(json)}});
  parts_.deliveries.add({d});
}

// ---- delivering ----

void Publisher::send(const Value& c, std::stop_token stop) {
  const std::string protocol = c.string_or("Protocol"), endpoint = c.string_or("Endpoint"),
                    payload = c.string_or("Payload");
  if (protocol == "sqs" || protocol == "lambda") {
    TargetInput input;
    input.body = payload;
    if (const Value* attributes = c.find("Attributes")) input.attributes = attributes_from(*attributes);
    input.group_id = c.string_or("Group");
    input.deduplication_id = c.string_or("Deduplication");
    input.invoked_by = "sns.amazonaws.com";
    parts_.targets.deliver(endpoint, input);
  } else if (protocol == "http" || protocol == "https") {
    std::vector<std::pair<std::string, std::string>> headers{
        {"x-amz-sns-message-type", c.string_or("Type")},
        {"x-amz-sns-message-id", c.string_or("MessageId")},
        {"x-amz-sns-topic-arn", c.string_or("Topic")},
        {"Content-Type", c.string_or("ContentType", "text/plain; charset=UTF-8")},
        {"User-Agent", "Amazon Simple Notification Service Agent"}};
    if (c.string_or("Type") == "Notification")
      headers.emplace_back("x-amz-sns-subscription-arn", c.string_or("Subscription"));
    if (c.bool_or("Raw")) headers.emplace_back("x-amz-sns-rawdelivery", "true");
    post(endpoint, headers, payload, std::move(stop));
  } else if (protocol == "sms") {
    if (options_.sms_webhook.empty())
      parts_.outbox.add({parts_.clock.now(), "sms", endpoint, {}, payload});
    else
      post(options_.sms_webhook, {{"Content-Type", "application/json"}},
           to_json(Value::map({{"PhoneNumber", endpoint}, {"Message", payload}})), std::move(stop));
  } else if (options_.smtp_server.empty()) {
    parts_.outbox.add({parts_.clock.now(), "email", endpoint, c.string_or("Subject"), payload});
  } else {
    send_mail(options_.smtp_server, {mail_sender, endpoint, c.string_or("Subject"), payload}, parts_.clock.now(),
              std::move(stop));
  }
}

// True: it is done with. What can't go into its dead-letter queue now stays.
bool Publisher::give_up(Delivery& d, const Error& why) {
  const std::string dead_letters = d.content.string_or("DeadLetters");
  failed_.add();
  log(LogLevel::warning, "a notification was not delivered",
      Value::map({{"to", d.content.string_or("Endpoint")},
                  {"topic", d.content.string_or("Topic")},
                  {"why", why.message()},
                  {"dead letters", dead_letters}}));
  if (dead_letters.empty()) return true;
  d.content.set("Protocol", "sqs").set("Endpoint", dead_letters);
  d.content.erase("DeadLetters");
  if (dead_letters.ends_with(".fifo") && d.content.string_or("Deduplication").empty())
    d.content.set("Deduplication", d.content.string_or("MessageId"));
  d.attempts = 0;
  return false;
}

std::optional<Time> Publisher::attempt(Delivery& d, std::stop_token stop) {
  const Time now = parts_.clock.now();
  try {
    // Nothing goes to a subscription that was removed meanwhile.
    if (const std::string arn = d.content.string_or("Subscription");
        !arn.empty() && !parts_.topics.find_subscription(arn))
      return std::nullopt;
    send(unsealed(d.content), std::move(stop));
    return std::nullopt;
  } catch (const Error& e) {
    const std::string protocol = d.content.string_or("Protocol");
    const int64_t waited_ms = now.time_since_epoch().count() - d.added_ms;
    bool again = is_worth_retrying(e);
    int64_t delay_s = std::min<int64_t>(20, int64_t{1} << std::min<int64_t>(d.attempts, 10));
    if (protocol.starts_with("http")) {
      const int64_t retries = d.content.int_or("Retries", 3), least = d.content.int_or("MinDelay", 20),
                    most = d.content.int_or("MaxDelay", 20);
      again = again && d.attempts <= retries;
      delay_s = retries > 1 ? least + (most - least) * (d.attempts - 1) / (retries - 1) : least;
    } else {
      again = again &&
              waited_ms < (protocol == "sqs" || protocol == "lambda" ? aws_target_retries_for_ms : mail_retries_for_ms);
    }
    if (again) return now + std::chrono::seconds(delay_s);
    return give_up(d, e) ? std::nullopt : std::optional(now);
  }
}

void Publisher::reset() {
  std::lock_guard lock(mutex_);
  earlier_.clear();
}

}  // namespace tarn::notify
