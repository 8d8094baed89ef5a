// Publications: who gets them, in which form, and how they get there ("Publish", "Amazon SNS message and JSON
// formats").
//
// What publish() acknowledged is in the delivery queue, on disk; deliveries follow in the background, are repeated as
// the protocol and its policies say, and end in the subscription's dead-letter queue where all attempts failed.
//
// Thread-safe. Errors: Error with SNS's codes.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "notify/deliveries.hpp"
#include "notify/kms_envelope.hpp"
#include "notify/message.hpp"
#include "notify/message_signer.hpp"
#include "notify/outgoing.hpp"
#include "notify/targets.hpp"
#include "notify/topics.hpp"

namespace tarn::notify {

struct Notification {
  std::string message, subject;
  std::map<std::string, std::string> by_protocol;  // in place of `message`, where the structure is json
  MessageAttributes attributes;                    // String.Array too
  std::string group_id, deduplication_id;
};
struct Published {
  std::string message_id;
  std::string sequence_number;  // FIFO only
};

struct PublisherOptions {
  std::string smtp_server;  // "host:port"; empty: e-mail stays in the outbox
  std::string sms_webhook;  // a URL that gets {"PhoneNumber", "Message"}; empty: text messages stay in the outbox
};

// The parts that publications stand on; all outlive the Publisher.
struct PublisherParts {
  Topics& topics;
  Deliveries& deliveries;
  Targets& targets;
  MessageSigner& signer;
  Outbox& outbox;
  KmsEnvelope& envelope;
  MessageStore& store;
  Clock& clock;
  Random& random;
};

class Publisher {
 public:
  Publisher(PublisherParts parts, PublisherOptions options, Metrics& metrics);

  // Deliveries begin. `endpoint` is where receivers reach this tarn.
  void start(std::string endpoint);

  // Throws InvalidParameter where the notification is not for such a topic.
  Published publish(const TopicAddress& topic, Notification notification);
  // Returns the message's id.
  std::string publish_to_phone(const std::string& phone_number, const std::string& message);
  // What the owner of the endpoint confirms the subscription by.
  void ask_for_confirmation(const Subscription& subscription);
  void reset();

 private:
  struct Publication;
  Delivery delivery_to(const Subscription& s, const Publication& p) const;
  // What is told, under the topic's key of KMS where it has one.
  void seal(Delivery& d, const TopicRecord& topic) const;
  Value unsealed(const Value& content) const;
  std::string envelope(const Subscription& s, const Publication& p, const std::string& message) const;
  std::optional<Published> duplicate_of(const TopicAddress& topic, const std::string& key);
  std::optional<Time> attempt(Delivery& d, std::stop_token stop);
  void send(const Value& content, std::stop_token stop);
  bool give_up(Delivery& d, const Error& why);

  PublisherParts parts_;
  PublisherOptions options_;
  Counter &published_, &filtered_, &failed_;
  std::string endpoint_;

  struct Earlier {
    int64_t at_ms;
    Published published;
  };
  std::mutex mutex_;
  std::map<std::string, Earlier> earlier_;  // of FIFO topics, for five minutes
};

// What a filter policy of the scope MessageAttributes sees.
Value filterable(const MessageAttributes& attributes);

}  // namespace tarn::notify
