// All queues: what they are called, their attributes and tags, and the queue at work behind each ("Amazon SQS API
// Reference").
//
// Definitions are records of the metadata store; messages stand in the MessageStore. A queue's messages are read when
// the queue is first used.
//
// Thread-safe. Errors: Error with SQS's codes (QueueDoesNotExist, QueueNameExists, QueueDeletedRecently,
// PurgeQueueInProgress, InvalidAttributeName ...).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "meta/metadata.hpp"
#include "notify/message_store.hpp"
#include "notify/queue.hpp"
#include "notify/queue_attributes.hpp"
#include "notify/timer.hpp"

namespace tarn::notify {

struct QueueAddress {
  std::string account, region, name;
  std::string arn() const { return "arn:aws:sqs:" + region + ":" + account + ":" + name; }
  bool operator==(const QueueAddress&) const = default;
};
// Absent when the text is no queue's ARN.
std::optional<QueueAddress> parse_queue_arn(std::string_view arn);

struct QueueRecord {
  uint64_t id = 0;
  QueueAttributes attributes;  // as set
  std::map<std::string, std::string> tags;
  int64_t created_s = 0, modified_s = 0;
};

struct QueueOptions {
  bool waits_after_deletion = false;  // a name can't be used for 60 seconds after its queue was deleted, as on AWS
};

class Queues {
 public:
  Queues(meta::Metadata& metadata, MessageStore& store, KmsEnvelope& envelope, Clock& clock, Metrics& metrics,
         QueueOptions options = {});
  ~Queues();
  Queues(const Queues&) = delete;

  // The same request again changes nothing; one that differs in an attribute throws QueueNameExists.
  void create(const QueueAddress& address, std::string_view actor, const QueueAttributes& attributes,
              const std::map<std::string, std::string>& tags);
  void remove(const QueueAddress& address, std::string_view actor);
  std::optional<QueueRecord> find(const QueueAddress& address) const;
  QueueRecord record(const QueueAddress& address) const;  // QueueDoesNotExist when it is not there
  // In the order of their names, those that begin with `prefix`, from after the name `after`.
  std::vector<std::string> list(std::string_view account, std::string_view region, std::string_view prefix,
                                std::string_view after, std::size_t limit) const;
  // All, those that count messages too.
  QueueAttributes attributes(const QueueAddress& address);
  void set_attributes(const QueueAddress& address, std::string_view actor, const QueueAttributes& attributes);
  void change_tags(const QueueAddress& address, std::string_view actor,
                   const std::function<void(std::map<std::string, std::string>&)>& change);
  // Names of the queues whose dead letters go to this one.
  std::vector<std::string> dead_letter_sources(const QueueAddress& address) const;
  void purge(const QueueAddress& address);

  // QueueDoesNotExist when it is not there.
  std::shared_ptr<Queue> queue(const QueueAddress& address);
  std::vector<SentMessage> send(const QueueAddress& address, std::vector<NewMessage> messages);
  std::vector<ReceivedMessage> receive(const QueueAddress& address, const ReceiveRequest& request,
                                       bool refuse_over_limit);
  void count_deleted(uint64_t messages) { deleted_.add(messages); }

  Timer& timer() { return timer_; }
  // Ends all long polls.
  void end_waits();
  // Forgets the queues at work; records and messages go with their stores' own reset().
  void reset();

 private:
  std::string key_of(const QueueAddress& address) const;
  void check_redrive(const QueueAddress& address, const QueueAttributes& attributes) const;
  void change(const QueueAddress& address, std::string_view actor, const std::function<void(QueueRecord&)>& change);

  meta::Metadata& metadata_;
  MessageStore& store_;
  KmsEnvelope& envelope_;
  Clock& clock_;
  QueueOptions options_;
  Counter &sent_, &received_, &deleted_;
  Timer timer_;

  mutable std::mutex mutex_;                              // guards what follows; held while a queue is loaded
  std::map<std::string, std::shared_ptr<Queue>> queues_;  // at work, by key
  std::map<std::string, int64_t> purged_ms_, deleted_ms_;
};

}  // namespace tarn::notify
