// What invocations of functions tell CloudWatch ("AWS Lambda Developer Guide", Types of metrics for Lambda functions).
#pragma once

#include "compute/functions/invocation.hpp"
#include "compute/functions/names.hpp"
#include "meta/metric_store.hpp"

namespace tarn::compute {

// Thread-safe; nothing throws. The store outlives it.
class FunctionMetrics {
 public:
  explicit FunctionMetrics(meta::MetricStore& store) : store_(store) {}

  // One has begun; `running` are under way of the function now.
  void began(const FunctionName& name, int64_t running);
  // nullptr: tarn itself could not run it.
  void ended(const FunctionName& name, const InvocationResult* result);
  void throttled(const FunctionName& name);

  // Of asynchronous ones.
  void event_received(const FunctionName& name);
  void event_taken(const FunctionName& name, std::chrono::milliseconds age);
  void event_dropped(const FunctionName& name);
  void destination_failed(const FunctionName& name, bool dead_letters);

 private:
  // For all functions together, for the function, and for the version or alias that was called.
  void put(const FunctionName& name, const char* metric, double value, const char* unit = "Count");

  meta::MetricStore& store_;
};

}  // namespace tarn::compute
