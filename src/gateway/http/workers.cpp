#include "gateway/http/workers.hpp"

#include <chrono>

#include "base/error.hpp"

namespace tarn::gateway {
namespace {

constexpr auto idle_life = std::chrono::seconds(10);

}  // namespace

void Workers::run(std::function<void()> job) {
  std::list<std::thread> finished;
  {
    std::lock_guard lock(mutex_);
    TARN_ASSERT(!joining_);
    jobs_.push_back(std::move(job));
    if (static_cast<int>(jobs_.size()) > idle_ && static_cast<int>(running_.size()) < most_) {
      auto self = running_.emplace(running_.end());
      *self = std::thread([this, self] { work(self); });
    } else {
      wake_.notify_one();
    }
    finished.swap(finished_);
  }
  for (auto& thread : finished) thread.join();
}

Workers::~Workers() {
  while (!join(std::chrono::hours(1))) {
  }
}

bool Workers::join(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  joining_ = true;
  wake_.notify_all();
  if (!ended_.wait_for(lock, at_most, [&] { return running_.empty(); })) return false;
  for (auto& thread : finished_) thread.join();  // they need the lock no more
  finished_.clear();
  return true;
}

int Workers::threads() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(running_.size());
}

void Workers::work(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (jobs_.empty() && !joining_) {
      idle_++;
      wake_.wait_for(lock, idle_life, [&] { return !jobs_.empty() || joining_; });
      idle_--;
    }
    if (jobs_.empty()) break;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  finished_.splice(finished_.end(), running_, self);
  ended_.notify_all();
}

}  // namespace tarn::gateway
