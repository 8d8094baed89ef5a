// Tasks of activities that no worker has taken yet, and workers that wait for one. In memory: the strands on disk tell
// them again at a start.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "notify/timer.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/signal.hpp"

namespace tarn::states {

// Thread-safe.
class Activities {
 public:
  explicit Activities(notify::Timer& timer) : timer_(timer) {}

  void offer(const std::string& arn, TaskToken task);
  // The oldest; absent when there is none.
  std::optional<TaskToken> take(const std::string& arn);
  void withdraw(uint64_t execution, uint64_t strand);
  // Is over when there may be a task, or at `until`.
  std::shared_ptr<api::Wait> wait(const std::string& arn, Time until);
  void clear();

 private:
  notify::Timer& timer_;
  std::mutex mutex_;
  std::map<std::string, std::deque<TaskToken>> offers_;
  std::map<std::string, std::list<std::weak_ptr<Signal>>> waits_;
};

}  // namespace tarn::states
