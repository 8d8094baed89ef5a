// A wait that somebody ends: for a task of an activity, for the end of an execution.
#pragma once

#include <functional>
#include <mutex>

#include "api/wait.hpp"

namespace tarn::states {

// Thread-safe.
class Signal : public api::Wait {
 public:
  // `abandoned` is called where whoever waited has gone.
  explicit Signal(std::function<void()> abandoned = {}) : abandoned_(std::move(abandoned)) {}

  void when_over(std::function<void()> then) override {
    {
      std::lock_guard lock(mutex_);
      if (!over_) {
        then_ = std::move(then);
        return;
      }
    }
    then();
  }
  void end() override {
    std::function<void()> then;
    {
      std::lock_guard lock(mutex_);
      if (over_) return;
      over_ = true;
      then = std::move(then_);
    }
    if (then) then();
  }
  void abandon() override {
    if (abandoned_) abandoned_();
  }

 private:
  const std::function<void()> abandoned_;
  std::mutex mutex_;
  bool over_ = false;
  std::function<void()> then_;
};

}  // namespace tarn::states
