// How an operation that has no answer yet waits without holding a thread (SQS's long polling).
//
// A caller that can call again puts a WaitSlot into context.response_body. A handler that finds one may leave a Wait
// in it; it is called again, with the same context and input, when that is over. What it returned with the wait is the
// answer only where the wait is cut short. A handler that finds no slot blocks as long as it must.
#pragma once

#include <functional>
#include <memory>

#include "api/operations.hpp"

namespace tarn::api {

class Wait {
 public:
  virtual ~Wait() = default;
  // Calls `then` once, from any thread, when the wait is over; at once where it is over already.
  virtual void when_over(std::function<void()> then) = 0;
  // Makes it be over.
  virtual void end() = 0;
  // Whoever waited has gone: what it was woken for is left to others.
  virtual void abandon() = 0;
};

// A body without bytes, so that it fits where operations with a streaming output leave theirs.
class WaitSlot : public BodyStream {
 public:
  std::shared_ptr<Wait> wait;
  std::size_t read(char*, std::size_t) override { return 0; }
  uint64_t size_bytes() const override { return 0; }
};

// The slot that the caller has put into the context; nullptr when there is none.
inline WaitSlot* wait_slot(const Context& context) {
  return dynamic_cast<WaitSlot*>(context.response_body.get());
}

}  // namespace tarn::api
