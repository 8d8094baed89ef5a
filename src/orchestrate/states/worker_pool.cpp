#include "orchestrate/states/worker_pool.hpp"

namespace tarn::states {
namespace {

thread_local bool in_pool = false;

}  // namespace

bool WorkerPool::is_worker() {
  return in_pool;
}

bool WorkerPool::run(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (stopped_) return false;
  waiting_.push_back(std::move(work));
  if (static_cast<int>(waiting_.size()) > idle_ && static_cast<int>(threads_.size()) < max_threads_)
    threads_.emplace_back([this] { this->work(); });
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(waiting_);
    threads.swap(threads_);
    changed_.notify_all();
  }
  for (std::thread& t : threads) t.join();
}

bool WorkerPool::drain(std::chrono::milliseconds at_most) {
  std::deque<std::function<void()>> dropped;
  std::unique_lock lock(mutex_);
  dropped.swap(waiting_);
  return changed_.wait_for(lock, at_most, [this] { return busy_ == 0 && waiting_.empty(); });
}

void WorkerPool::work() {
  in_pool = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    --idle_;
    if (stopped_) return;
    std::function<void()> one = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    lock.unlock();
    one();
    one = nullptr;
    lock.lock();
    --busy_;
    if (busy_ == 0) changed_.notify_all();
  }
}

}  // namespace tarn::states
