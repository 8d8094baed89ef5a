// One invocation of a function: what is asked, and what came of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/wait.hpp"
#include "base/error.hpp"

namespace tarn::compute {

struct InvocationRequest {
  std::string request_id;
  std::string payload;         // JSON
  std::string client_context;  // JSON; empty: none
  std::string invoked_arn;
  std::string trace_id;
};

struct InvocationResult {
  std::string payload;           // what the handler returned, or AWS's JSON of what went wrong
  bool function_failed = false;  // FunctionError: Unhandled
  std::string log;               // the last of what this invocation logged
  std::string executed_version;
  std::chrono::duration<double, std::milli> duration{};  // of the handler
};

// Thread-safe. Whoever waits may be a thread, a parked request (api/wait.hpp) or a callback.
class Invocation : public api::Wait {
 public:
  explicit Invocation(InvocationRequest request) : request_(std::move(request)) {}

  const InvocationRequest& request() const { return request_; }

  // Called before those that wait hear that it is over, with nullptr where tarn could not run it. Set before it begins.
  using Ending = std::function<void(const InvocationResult*)>;
  void when_ending(Ending call) { ending_.push_back(std::move(call)); }

  // Each once, and one of them. `error`: tarn itself could not run the function.
  void finish(InvocationResult result);
  void fail(const Error& error);

  bool is_over() const;
  // Blocks until it is over, at most so long; false: it is not.
  bool wait_for(std::chrono::milliseconds most) const;
  // Blocks until it is over. Throws the error that it failed with.
  const InvocationResult& result() const;

  // `then` is called once when it is over, from any thread; at once where it is. Any number may wait.
  void when_over(std::function<void()> then) override;
  void end() override;  // those that wait are called; the function runs on
  void abandon() override {}

 private:
  void tell_ending(const InvocationResult* result);
  void be_over(std::unique_lock<std::mutex> lock);

  const InvocationRequest request_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool over_ = false;
  std::optional<InvocationResult> result_;
  std::optional<Error> error_;
  std::vector<Ending> ending_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace tarn::compute
