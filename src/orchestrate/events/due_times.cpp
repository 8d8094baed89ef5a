#include "orchestrate/events/due_times.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::size_t most_at_once = 500;

}  // namespace

DueTimes::~DueTimes() {
  stop();
}

void DueTimes::start(Fire fire) {
  fire_ = std::move(fire);
  thread_ = std::jthread([this](std::stop_token ending) { run(ending); });
}

void DueTimes::stop() {
  {
    std::lock_guard lock(mutex_);
    thread_.request_stop();
    sleep_.request_stop();
  }
  if (thread_.joinable()) thread_.join();
}

void DueTimes::erase(const std::string& key) {
  auto it = by_key_.find(key);
  if (it == by_key_.end()) return;
  ordered_.erase({it->second, it->first});
  by_key_.erase(it);
}

void DueTimes::set(const std::string& key, std::optional<Time> at) {
  std::lock_guard lock(mutex_);
  erase(key);
  if (!at) return;
  auto it = by_key_.emplace(key, *at).first;
  const auto place = ordered_.emplace(*at, it->first).first;
  if (place == ordered_.begin()) sleep_.request_stop();
  changed_.notify_one();
}

std::optional<Time> DueTimes::find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  auto it = by_key_.find(key);
  return it == by_key_.end() ? std::nullopt : std::optional(it->second);
}

void DueTimes::clear() {
  std::lock_guard lock(mutex_);
  ordered_.clear();
  by_key_.clear();
}

std::size_t DueTimes::size() const {
  std::lock_guard lock(mutex_);
  return by_key_.size();
}

void DueTimes::run(std::stop_token ending) {
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    if (ordered_.empty()) {
      changed_.wait(lock, ending, [&] { return !ordered_.empty(); });
      continue;
    }
    const Time now = clock_.now(), first = ordered_.begin()->first;
    if (first > now) {
      sleep_ = std::stop_source();
      std::stop_token woken = sleep_.get_token();
      lock.unlock();
      clock_.wait_until(first, woken);
      lock.lock();
      continue;
    }
    std::vector<Due> due;
    for (auto it = ordered_.begin(); it != ordered_.end() && it->first <= now && due.size() < most_at_once; ++it)
      due.push_back({std::string(it->second), it->first});
    lock.unlock();
    bool done = true;
    try {
      fire_(due);
    } catch (const Error& e) {
      log(LogLevel::error, "what is due could not be started, and will be tried again",
          Value::map({{"why", e.message()}}));
      done = false;
    }
    lock.lock();
    if (!done) changed_.wait_for(lock, ending, std::chrono::seconds(1), [] { return false; });
  }
}

}  // namespace tarn::orchestrate
