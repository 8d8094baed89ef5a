#include "compute/functions/invocation.hpp"

#include <utility>

namespace tarn::compute {

void Invocation::be_over(std::unique_lock<std::mutex> lock) {
  auto waiting = std::exchange(waiting_, {});
  changed_.notify_all();
  lock.unlock();
  for (auto& call : waiting) call();
}

void Invocation::tell_ending(const InvocationResult* result) {
  for (auto& call : std::exchange(ending_, {})) call(result);
}

void Invocation::finish(InvocationResult result) {
  tell_ending(&result);
  std::unique_lock lock(mutex_);
  if (over_) return;
  over_ = true;
  result_ = std::move(result);
  be_over(std::move(lock));
}

void Invocation::fail(const Error& error) {
  tell_ending(nullptr);
  std::unique_lock lock(mutex_);
  if (over_) return;
  over_ = true;
  error_ = error;
  be_over(std::move(lock));
}

bool Invocation::is_over() const {
  std::lock_guard lock(mutex_);
  return over_;
}

bool Invocation::wait_for(std::chrono::milliseconds most) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return over_; });
}

const InvocationResult& Invocation::result() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return over_; });
  if (error_) throw Error(*error_);
  return *result_;
}

void Invocation::when_over(std::function<void()> then) {
  {
    std::lock_guard lock(mutex_);
    if (!over_) {
      waiting_.push_back(std::move(then));
      return;
    }
  }
  then();
}

void Invocation::end() {
  be_over(std::unique_lock(mutex_));
}

}  // namespace tarn::compute
