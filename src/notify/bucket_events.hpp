// Where the events of buckets go that queues and topics take ("Amazon S3 Event Notifications": "Granting permissions to
// publish event notification messages to a destination").
//
// S3 acts by the queue's or topic's own policy: when the configuration is put, and again for every message.
#pragma once

#include <string>
#include <string_view>

#include "notify/queues.hpp"
#include "notify/targets.hpp"
#include "notify/topics.hpp"
#include "store/notifications.hpp"

namespace tarn::notify {

// Thread-safe. What is passed must outlive it.
class QueueOfBucketEvents : public store::EventDestination {
 public:
  QueueOfBucketEvents(const Queues& queues, Targets& targets) : queues_(queues), targets_(targets) {}
  std::optional<std::string> refusal(const std::string& arn, const store::BucketInfo& bucket) override;
  void deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& message) override;

 private:
  const Queues& queues_;
  Targets& targets_;
};

class TopicOfBucketEvents : public store::EventDestination {
 public:
  TopicOfBucketEvents(const Topics& topics, Targets& targets) : topics_(topics), targets_(targets) {}
  std::optional<std::string> refusal(const std::string& arn, const store::BucketInfo& bucket) override;
  void deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& message) override;

 private:
  const Topics& topics_;
  Targets& targets_;
};

}  // namespace tarn::notify
