#include "notify/queue_wait.hpp"

namespace tarn::notify {

void QueueWait::when_over(std::function<void()> then) {
  {
    std::lock_guard lock(mutex_);
    if (!over_) {
      then_ = std::move(then);
      return;
    }
  }
  then();
}

void QueueWait::end() {
  {
    std::lock_guard lock(queue_->mutex_);
    queue_->waits_.remove(shared_from_this());
  }
  be_over();
}

void QueueWait::abandon() {
  Queue::Lock lock(queue_->mutex_);
  queue_->settle(lock);
}

void QueueWait::be_over() {
  std::function<void()> then;
  {
    std::lock_guard lock(mutex_);
    if (over_) return;
    over_ = true;
    then = std::move(then_);
  }
  if (timer_) timer_->cancel(alarm_);
  if (then) then();
}

void QueueWait::end_at(Timer& timer, Time until) {
  timer_ = &timer;
  alarm_ = timer.at(until, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->end();
  });
}

}  // namespace tarn::notify
