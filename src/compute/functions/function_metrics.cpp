#include "compute/functions/function_metrics.hpp"

namespace tarn::compute {

void FunctionMetrics::put(const FunctionName& name, const char* metric, double value, const char* unit) {
  meta::MetricName out{name.account, name.region, "AWS/Lambda", metric, {}};
  store_.put(out, value, unit);
  out.dimensions["FunctionName"] = name.name;
  store_.put(out, value, unit);
  if (name.qualifier.empty()) return;
  out.dimensions["Resource"] = name.name + ":" + name.qualifier;
  store_.put(out, value, unit);
}

void FunctionMetrics::began(const FunctionName& name, int64_t running) {
  put(name, "ConcurrentExecutions", static_cast<double>(running));
}

void FunctionMetrics::ended(const FunctionName& name, const InvocationResult* result) {
  put(name, "Invocations", 1);
  put(name, "Errors", !result || result->function_failed ? 1 : 0);
  if (result) put(name, "Duration", result->duration.count(), "Milliseconds");
}

void FunctionMetrics::throttled(const FunctionName& name) {
  put(name, "Throttles", 1);
}

void FunctionMetrics::event_received(const FunctionName& name) {
  put(name, "AsyncEventsReceived", 1);
}

void FunctionMetrics::event_taken(const FunctionName& name, std::chrono::milliseconds age) {
  put(name, "AsyncEventAge", static_cast<double>(age.count()), "Milliseconds");
}

void FunctionMetrics::event_dropped(const FunctionName& name) {
  put(name, "AsyncEventsDropped", 1);
}

void FunctionMetrics::destination_failed(const FunctionName& name, bool dead_letters) {
  put(name, dead_letters ? "DeadLetterErrors" : "DestinationDeliveryFailures", 1);
}

}  // namespace tarn::compute
