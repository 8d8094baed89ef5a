// Threads for work that waits: grown when all are busy, let go when idle.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace tarn::gateway {

// Thread-safe.
class Workers {
 public:
  explicit Workers(int most) : most_(most) {}
  ~Workers();  // waits for all jobs

  // Runs `job` as soon as a thread is free. Jobs must not throw.
  void run(std::function<void()> job);
  // Finishes all jobs given, then ends the threads. Nothing may be given afterwards. False: some did not end in time.
  bool join(std::chrono::milliseconds at_most);

  int threads() const;

 private:
  void work(std::list<std::thread>::iterator self);

  const int most_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, ended_;
  std::deque<std::function<void()>> jobs_;
  std::list<std::thread> running_, finished_;
  int idle_ = 0;
  bool joining_ = false;
};

}  // namespace tarn::gateway
