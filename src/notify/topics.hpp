// Topics and their subscriptions ("Amazon SNS API Reference"): records of the metadata store.
//
// Thread-safe. Errors: Error with SNS's codes (NotFound, InvalidParameter, TagLimitExceeded,
// FilterPolicyLimitExceeded); what tarn does not do is (unsupported, NotImplemented).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"
#include "notify/event_pattern.hpp"

namespace tarn::notify {

using TopicAttributes = std::map<std::string, std::string>;  // as set; of subscriptions too
using Tags = std::map<std::string, std::string>;

struct TopicAddress {
  std::string account, region, name;
  std::string arn() const { return "arn:aws:sns:" + region + ":" + account + ":" + name; }
  bool fifo() const { return name.ends_with(".fifo"); }
};
// Error (caller, InvalidParameter) when the text is no topic's ARN.
TopicAddress parse_topic_arn(const std::string& arn);

struct TopicRecord {
  TopicAttributes attributes;
  Tags tags;
};

struct Subscription {
  TopicAddress topic;
  std::string id, protocol, endpoint, owner;
  TopicAttributes attributes;
  bool pending = false;  // until it is confirmed
  std::string token;     // that confirms it
  bool confirmed_by_owner = true, authenticates_unsubscribe = false;
  std::shared_ptr<const EventPattern> filter;  // made of FilterPolicy
  std::string arn() const { return topic.arn() + ":" + id; }
  std::string attribute(const std::string& name, const std::string& otherwise = {}) const;
};

struct SubscribeRequest {
  TopicAddress topic;
  std::string protocol, endpoint, owner;
  TopicAttributes attributes;
};

class Topics {
 public:
  Topics(meta::Metadata& metadata, Random& random) : metadata_(metadata), random_(random) {}

  // The same request again changes nothing; one that differs throws InvalidParameter.
  void create(const TopicAddress& address, std::string_view actor, const TopicAttributes& attributes, const Tags& tags);
  // With its subscriptions. One that is not there is no error.
  void remove(const TopicAddress& address, std::string_view actor);
  std::optional<TopicRecord> find(const TopicAddress& address) const;
  TopicRecord topic(const TopicAddress& address) const;
  // In the order of their names, from after the name `after`.
  std::vector<std::string> list(std::string_view account, std::string_view region, std::string_view after,
                                std::size_t limit) const;
  // All that GetTopicAttributes tells.
  TopicAttributes attributes(const TopicAddress& address) const;
  void set_attribute(const TopicAddress& address, std::string_view actor, const std::string& name,
                     const std::string& value);
  void change_tags(const TopicAddress& address, std::string_view actor, const std::function<void(Tags&)>& change);

  // The one that is there already, where topic, protocol and endpoint are the same; `made` says which.
  Subscription subscribe(const SubscribeRequest& request, std::string_view actor, bool& made);
  // By the token that its confirmation carried.
  Subscription confirm(const TopicAddress& topic, const std::string& token, bool authenticates_unsubscribe);
  // One that is not there is no error. Returns it as it was.
  std::optional<Subscription> unsubscribe(const std::string& arn, std::string_view actor);
  std::optional<Subscription> find_subscription(const std::string& arn) const;
  Subscription subscription(const std::string& arn) const;
  // All of a topic, or (name empty) of an account in a region, in key order from after the ARN `after`.
  std::vector<Subscription> subscriptions(const TopicAddress& topic, const std::string& after = {},
                                          std::size_t limit = SIZE_MAX) const;
  // All that GetSubscriptionAttributes tells.
  TopicAttributes attributes(const Subscription& subscription) const;
  void set_subscription_attribute(const std::string& arn, std::string_view actor, const std::string& name,
                                  const std::string& value);

  // What a publication needs, kept ready: the topic's record and its confirmed subscriptions. NotFound.
  struct Audience {
    TopicRecord topic;
    std::vector<Subscription> subscriptions;
  };
  std::shared_ptr<const Audience> audience(const TopicAddress& address) const;
  void reset();

 private:
  void changed(const TopicAddress& address);

  meta::Metadata& metadata_;
  Random& random_;
  mutable std::mutex mutex_;
  mutable uint64_t changes_ = 0;
  mutable std::map<std::string, std::shared_ptr<const Audience>> audiences_;
};

// How often and when an HTTP delivery is repeated: the subscription's DeliveryPolicy, the topic's, or SNS's own.
struct RetryPolicy {
  int64_t retries = 3, min_delay_s = 20, max_delay_s = 20;
};
RetryPolicy retry_policy(const TopicAttributes& topic, const TopicAttributes& subscription);
// The Content-Type of its HTTP requests, by the same two.
std::string content_type(const TopicAttributes& topic, const TopicAttributes& subscription);

}  // namespace tarn::notify
