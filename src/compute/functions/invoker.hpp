// Invocations of functions, synchronous and asynchronous ("Invoke", "Asynchronous invocation").
//
// An asynchronous invocation is on disk when it is acknowledged, and stays there until the function took it, or all of
// its attempts failed and that was told to its destination and dead-letter queue. So it survives kill -9; at least once
// is never less than once. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compute/functions/environments.hpp"
#include "compute/functions/function_metrics.hpp"
#include "compute/functions/functions.hpp"
#include "notify/deliveries.hpp"
#include "notify/targets.hpp"

namespace tarn::compute {

// All outlive the Invoker. The deliveries are its alone.
struct InvokerParts {
  Functions& functions;
  Environments& environments;
  notify::Deliveries& deliveries;
  notify::Targets& targets;
  Clock& clock;
  Random& random;
  FunctionMetrics metrics;
};

struct Event {
  std::string payload;     // JSON
  std::string request_id;  // empty: it gets one
  std::string client_context;
};

class Invoker {
 public:
  explicit Invoker(InvokerParts parts) : parts_(parts) {}

  // Asynchronous invocations begin, those that an earlier tarn left too.
  void start();

  // Begins a synchronous invocation. Throws ResourceNotFoundException, TooManyRequestsException.
  std::shared_ptr<Invocation> begin(const FunctionName& name, const Event& event);
  // Takes an asynchronous one: it is on disk when this returns. ResourceNotFoundException.
  void enqueue(const FunctionName& name, const Event& event);

 private:
  using Delivery = notify::Delivery;
  std::optional<Time> attempt(Delivery& d, const std::stop_token& stop);
  std::optional<Time> run(Delivery& d, const std::stop_token& stop);
  std::optional<Time> conclude(Delivery& d, const char* condition, const InvocationResult* result);
  std::optional<Time> hand_on(Delivery& d);
  Value invocation_record(const Delivery& d, const char* condition, const InvocationResult* result) const;

  InvokerParts parts_;
};

}  // namespace tarn::compute
