// Threads that take work as it comes: begun when there is work that no idle one takes, up to a limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tarn::states {

// Thread-safe. Work must not throw.
class WorkerPool {
 public:
  explicit WorkerPool(int max_threads) : max_threads_(max_threads) {}
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;

  // False once the pool has stopped.
  bool run(std::function<void()> work);
  // Whether the calling thread is one of a pool's.
  static bool is_worker();
  // Drops what has not begun, and returns when the rest has ended. No work is taken afterwards.
  void stop();
  // Drops what has not begun and waits until nothing is under way, or for so long; false where something still is.
  bool drain(std::chrono::milliseconds at_most);

 private:
  void work();

  const int max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  int idle_ = 0, busy_ = 0;
  bool stopped_ = false;
};

}  // namespace tarn::states
