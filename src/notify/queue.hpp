// One queue at work: which of its messages can be had and in what order, who has one in hand until when, and who waits
// for the next ("Amazon SQS visibility timeout", "FIFO delivery logic").
//
// What is needed to choose stands in memory, bodies and every change of state on disk (MessageStore). A send is on disk
// before it can be received. A receive survives kill -9, so that receipt handles and counts stay good; power loss may
// bring a message back early, as at-least-once allows. Deletes from FIFO queues are flushed.
//
// Thread-safe. Errors: Error with SQS's codes. Times are by the Clock.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/wait.hpp"
#include "base/clock.hpp"
#include "notify/kms_envelope.hpp"
#include "notify/message.hpp"
#include "notify/message_store.hpp"
#include "notify/queue_attributes.hpp"
#include "notify/timer.hpp"

namespace tarn::notify {

struct NewMessage {
  Message message;                 // its sent_ms is given by the queue; a duplicate keeps the first one's id
  std::optional<int64_t> delay_s;  // the queue's own where absent
};
struct SentMessage {
  std::string message_id;
  std::string sequence_number;  // FIFO only
};
struct ReceiveRequest {
  std::size_t most = 1;
  std::optional<int64_t> visibility_timeout_s;
  std::string attempt_id;  // FIFO: the same attempt again gets the same messages
};
struct ReceivedMessage {
  Message message;
  std::string receipt_handle;
  std::string sequence_number;  // FIFO only
  int64_t receive_count = 0, first_received_ms = 0;
};
struct QueueCounts {
  std::size_t visible = 0, in_flight = 0, delayed = 0;
};

class QueueWait;

class Queue : public std::enable_shared_from_this<Queue> {
 public:
  // The messages that the store has of this queue are read here.
  Queue(MessageStore& store, Timer& timer, Clock& clock, KmsEnvelope& envelope, uint64_t id, std::string arn,
        QueueSettings settings);
  Queue(const Queue&) = delete;

  const std::string& arn() const { return arn_; }
  QueueSettings settings() const;
  void set_settings(QueueSettings settings);

  // All of them, on disk when it returns, or none. Sizes and contents are checked by the caller.
  std::vector<SentMessage> send(std::vector<NewMessage> messages);
  // Those that were received as often as `redrive` allows go to `dead_letters` instead. OverLimit where too many are in
  // flight and `refuse_over_limit`; else none come.
  std::vector<ReceivedMessage> receive(const ReceiveRequest& request, const std::shared_ptr<Queue>& dead_letters,
                                       bool refuse_over_limit);
  // Over when a message may be had, at `until` at the latest.
  std::shared_ptr<api::Wait> wait(Time until);
  // Deleting what is gone already is no error.
  void remove(std::string_view receipt_handle);
  void change_visibility(std::string_view receipt_handle, int64_t timeout_s);
  void purge();
  QueueCounts counts();

  // Moves up to `most` messages that can be had, oldest first, to the queues that `destination` names (absent: the
  // message stays, and is skipped). Returns how many went.
  std::size_t move_messages(std::size_t most,
                            const std::function<std::shared_ptr<Queue>(const Message& message)>& destination);

  // Ends all waits. A closed queue throws QueueDoesNotExist from then on.
  void end_waits();
  void close(bool erase_messages);

 private:
  friend class QueueWait;
  enum class State : uint8_t { none, sending, moving, delayed, ready, in_flight };
  struct Group {
    std::set<uint64_t> here;  // not in flight
    std::size_t in_flight = 0;
    uint64_t offered = 0;  // the head under which it stands in offered_groups_; 0: it does not
  };
  struct Entry {
    int64_t sent_ms = 0, due_ms = 0, first_received_ms = 0;
    uint32_t receive_count = 0;
    State state = State::none;
    Group* group = nullptr;
    const std::string* group_name = nullptr;
  };
  struct Duplicate {
    int64_t at_ms = 0;
    uint64_t number = 0;
    std::string message_id;
  };
  struct Attempt {
    int64_t at_ms = 0;
    std::vector<std::pair<uint64_t, uint32_t>> received;  // number and receive count
  };
  struct Picked {
    uint64_t number;
    int64_t receive_count, first_received_ms;
  };
  using Lock = std::unique_lock<std::mutex>;

  std::string message_key(uint64_t number) const { return store_key('m', {id_, number}); }
  std::string state_key(uint64_t number) const { return store_key('s', {id_, number}); }
  static std::string encode_state(const Entry& entry);
  std::string sequence_text(uint64_t number) const;
  std::string handle_of(uint64_t number, int64_t receive_count) const;
  std::pair<uint64_t, uint32_t> parse_handle(std::string_view handle) const;
  int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }
  bool fifo() const { return settings_.fifo; }

  void load();
  // The content of messages under the queue's key of KMS, where it has one; `settings` are the queue's.
  void seal(Message& m, const QueueSettings& settings) const;
  void unseal(Message& m, const QueueSettings& settings) const;
  void check_open() const;
  Entry& add(uint64_t number, int64_t sent_ms, const std::string& group);
  void place(uint64_t number, Entry& entry, State to, int64_t due_ms = 0);
  void forget(uint64_t number);
  void offer(Group& group);
  std::size_t available() const { return fifo() ? offered_groups_.size() : ready_.size(); }
  // Releases what is due, forgets what is too old; to be called before looking.
  void advance(int64_t now, StoreBatch& erased);
  std::optional<SentMessage> find_duplicate(Lock& lock, const std::string& key, const std::set<uint64_t>& own);
  void expire_duplicates(int64_t now, StoreBatch& erased);
  std::string duplicate_key(const Message& message) const;
  void publish(const std::vector<uint64_t>& numbers, const std::vector<int64_t>& due_ms);
  std::vector<uint64_t> choose(std::size_t most, int64_t receive_limit, std::vector<uint64_t>& dead);
  std::optional<std::vector<Picked>> repeat_attempt(const ReceiveRequest& request, int64_t now, StoreBatch& states);
  std::vector<ReceivedMessage> read(const std::vector<Picked>& picked);
  void give_back(const std::vector<Picked>& picked);
  void adopt(Queue& source, const std::vector<uint64_t>& numbers, bool as_dead_letters);
  void forget_moved(const std::vector<uint64_t>& numbers);
  // Wakes as many as there is something for, and sees to being called when the next message is due.
  void settle(Lock& lock);

  MessageStore& store_;
  Timer& timer_;
  Clock& clock_;
  KmsEnvelope& envelope_;
  const uint64_t id_;
  const std::string arn_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable published_;
  QueueSettings settings_;
  bool closed_ = false;
  std::map<uint64_t, Entry> entries_;  // by number: the order of sending
  std::set<uint64_t> ready_;           // standard queues
  std::map<std::string, Group> groups_;
  std::map<uint64_t, Group*> offered_groups_;      // FIFO: those whose head can be had, by its number
  std::set<std::pair<int64_t, uint64_t>> timed_;   // delayed and in flight, by when that ends
  std::set<std::pair<int64_t, uint64_t>> by_age_;  // by when they were sent
  std::array<std::size_t, 6> counts_{};            // by state
  std::unordered_map<std::string, Duplicate> duplicates_;
  std::deque<std::pair<int64_t, std::string>> duplicate_ages_;
  std::map<std::string, Attempt> attempts_;
  std::list<std::shared_ptr<QueueWait>> waits_;
  uint64_t alarm_ = 0;
  int64_t alarm_due_ms_ = 0;
};

}  // namespace tarn::notify
