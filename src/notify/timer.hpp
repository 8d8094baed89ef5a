// Calls functions when their time has come by the Clock: visibility timeouts, ends of long polls, retries.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/clock.hpp"

namespace tarn::notify {

// Thread-safe. The thread starts with the first call that is wanted. What it calls must be quick, must not throw, and
// may use the timer.
class Timer {
 public:
  explicit Timer(Clock& clock) : clock_(clock) {}
  ~Timer();  // what has not been called by now never is
  Timer(const Timer&) = delete;

  // The result is good for cancel().
  uint64_t at(Time when, std::function<void()> call);
  // False when it was called, is being called, or was cancelled.
  bool cancel(uint64_t id);

 private:
  void run(std::stop_token ending);

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::pair<Time, uint64_t>, std::function<void()>> calls_;
  std::map<uint64_t, Time> times_;  // by id
  uint64_t last_id_ = 0;
  std::stop_source sleep_;  // ends the present sleep
  std::jthread thread_;
};

}  // namespace tarn::notify
