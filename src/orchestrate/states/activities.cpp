#include "orchestrate/states/activities.hpp"

namespace tarn::states {

void Activities::offer(const std::string& arn, TaskToken task) {
  std::shared_ptr<Signal> woken;
  {
    std::lock_guard lock(mutex_);
    offers_[arn].push_back(std::move(task));
    auto& waits = waits_[arn];
    while (!woken && !waits.empty()) {
      woken = waits.front().lock();
      waits.pop_front();
    }
  }
  if (woken) woken->end();
}

std::optional<TaskToken> Activities::take(const std::string& arn) {
  std::lock_guard lock(mutex_);
  const auto found = offers_.find(arn);
  if (found == offers_.end()) return std::nullopt;
  TaskToken out = std::move(found->second.front());
  found->second.pop_front();
  if (found->second.empty()) offers_.erase(found);
  return out;
}

void Activities::withdraw(uint64_t execution, uint64_t strand) {
  std::lock_guard lock(mutex_);
  for (auto of = offers_.begin(); of != offers_.end();) {
    std::erase_if(of->second, [&](const TaskToken& t) { return t.execution == execution && t.strand == strand; });
    of = of->second.empty() ? offers_.erase(of) : std::next(of);
  }
}

std::shared_ptr<api::Wait> Activities::wait(const std::string& arn, Time until) {
  auto signal = std::make_shared<Signal>();
  {
    std::lock_guard lock(mutex_);
    auto& waits = waits_[arn];
    waits.remove_if([](const std::weak_ptr<Signal>& w) { return w.expired(); });
    waits.push_back(signal);
    if (offers_.contains(arn)) signal->end();
  }
  timer_.at(until, [weak = std::weak_ptr(signal)] {
    if (auto waiting = weak.lock()) waiting->end();
  });
  return signal;
}

void Activities::clear() {
  std::lock_guard lock(mutex_);
  offers_.clear();
}

}  // namespace tarn::states
