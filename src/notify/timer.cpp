#include "notify/timer.hpp"

namespace tarn::notify {

Timer::~Timer() {
  {
    std::lock_guard lock(mutex_);
    thread_.request_stop();
    sleep_.request_stop();
  }
  if (thread_.joinable()) thread_.join();
}

uint64_t Timer::at(Time when, std::function<void()> call) {
  std::lock_guard lock(mutex_);
  const uint64_t id = ++last_id_;
  auto place = calls_.emplace(std::pair(when, id), std::move(call)).first;
  times_.emplace(id, when);
  if (!thread_.joinable())
    thread_ = std::jthread([this](std::stop_token ending) { run(ending); });
  else if (place == calls_.begin())
    sleep_.request_stop();
  changed_.notify_one();
  return id;
}

bool Timer::cancel(uint64_t id) {
  std::function<void()> call;  // destroyed without the lock
  std::lock_guard lock(mutex_);
  auto time = times_.find(id);
  if (time == times_.end()) return false;
  auto place = calls_.find({time->second, id});
  call = std::move(place->second);
  calls_.erase(place);
  times_.erase(time);
  return true;
}

void Timer::run(std::stop_token ending) {
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    if (calls_.empty()) {
      changed_.wait(lock, ending, [&] { return !calls_.empty(); });
      continue;
    }
    auto first = calls_.begin();
    const auto [due, id] = first->first;
    if (due > clock_.now()) {
      sleep_ = std::stop_source();
      std::stop_token woken = sleep_.get_token();
      lock.unlock();
      clock_.wait_until(due, woken);
      lock.lock();
      continue;
    }
    std::function<void()> call = std::move(first->second);
    calls_.erase(first);
    times_.erase(id);
    lock.unlock();
    call();
    call = nullptr;
    lock.lock();
  }
}

}  // namespace tarn::notify
