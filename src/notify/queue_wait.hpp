// A long poll that waits at a queue.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "api/wait.hpp"
#include "notify/queue.hpp"

namespace tarn::notify {

class QueueWait : public api::Wait, public std::enable_shared_from_this<QueueWait> {
 public:
  explicit QueueWait(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}

  void when_over(std::function<void()> then) override;
  void end() override;
  void abandon() override;

  // The queue's word that it is over; not to be called while the queue is locked.
  void be_over();
  void end_at(Timer& timer, Time until);

 private:
  std::shared_ptr<Queue> queue_;
  Timer* timer_ = nullptr;
  uint64_t alarm_ = 0;
  std::mutex mutex_;
  bool over_ = false;
  std::function<void()> then_;
};

}  // namespace tarn::notify
