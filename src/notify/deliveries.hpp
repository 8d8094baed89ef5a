// The delivery queue: what was promised to be handed on, on disk until it was, tried again as its kind asks, whoever
// the receiver is. It survives kill -9; at least once is never less than once.
//
// Deliveries of one lane go one after the other, in the order in which they were added; others in parallel.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/value.hpp"
#include "notify/limits.hpp"
#include "notify/message_store.hpp"
#include "notify/timer.hpp"

namespace tarn::notify {

struct Delivery {
  std::string lane;  // empty: none
  Value content;     // what the one who adds it understands
  int64_t attempts = 0;
  int64_t added_ms = 0;
  int64_t due_ms = 0;  // not tried before this time by the Clock; 0: at once
};

class Deliveries {
 public:
  // Tries one delivery. Absent: it is done with, delivered or given up. Else when to try again; `content` as changed is
  // kept. Must not throw, and ends soon once `stop` is asked for. Called from several threads.
  using Attempt = std::function<std::optional<Time>(Delivery& delivery, std::stop_token stop)>;

  // Several may share a store: each has a `kind` of its own, the letter that its keys begin with.
  Deliveries(MessageStore& store, Clock& clock, Metrics& metrics, char kind = 'q',
             int max_threads = limits::max_delivery_threads);
  ~Deliveries();  // waits for the attempts under way
  Deliveries(const Deliveries&) = delete;

  // From here on deliveries are tried, those that an earlier tarn left too.
  void start(Attempt attempt);
  // On disk when it returns, together with what else is to be written: all of it or nothing.
  void add(std::vector<Delivery> deliveries, StoreBatch together_with = {});
  // Forgets all; the records go with the store's own reset().
  void reset();
  void stop();
  // Tells the attempts under way to end, and waits for none.
  void ask_to_stop() { stop_.request_stop(); }
  std::size_t pending() const;

 private:
  struct Pending {
    std::string lane;
    bool running = false;
    int64_t due_ms = 0;
  };
  void make_ready(uint64_t number);
  void lane_freed(const std::string& lane);
  void work();
  void run(uint64_t number, std::unique_lock<std::mutex>& lock);

  std::string key_of(uint64_t number) const { return store_key(kind_, {number}); }

  MessageStore& store_;
  Clock& clock_;
  const char kind_;
  const int max_threads_;
  Counter &added_, &attempts_, &retries_;
  Attempt attempt_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<uint64_t, Pending> pending_;
  std::set<uint64_t> ready_;
  std::map<std::string, std::set<uint64_t>> lanes_;  // the first of each may go
  std::vector<std::thread> threads_;
  int idle_ = 0;
  uint64_t epoch_ = 0;  // goes up with each reset
  bool started_ = false, stopping_ = false;
  Timer timer_;
};

}  // namespace tarn::notify
