// When what recurs is due next: one ordered structure, so that a hundred thousand cost no scan.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace tarn::orchestrate {

struct Due {
  std::string key;
  Time at;
};

// Thread-safe.
class DueTimes {
 public:
  // Called on a thread of its own with what is due by the Clock, soonest first, some hundreds at a time. It sets each
  // anew or removes it. Where it throws, the same comes again a second later.
  using Fire = std::function<void(const std::vector<Due>& due)>;

  explicit DueTimes(Clock& clock) : clock_(clock) {}
  ~DueTimes();
  DueTimes(const DueTimes&) = delete;

  void start(Fire fire);
  void stop();
  // Absent: no more.
  void set(const std::string& key, std::optional<Time> at);
  std::optional<Time> find(const std::string& key) const;
  void clear();
  std::size_t size() const;

 private:
  void erase(const std::string& key);
  void run(std::stop_token ending);

  Clock& clock_;
  Fire fire_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::unordered_map<std::string, Time> by_key_;
  std::set<std::pair<Time, std::string_view>> ordered_;  // views of the keys of by_key_
  std::stop_source sleep_;                               // ends the present sleep
  std::jthread thread_;
};

}  // namespace tarn::orchestrate
