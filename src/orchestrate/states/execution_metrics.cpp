#include "orchestrate/states/execution_metrics.hpp"

namespace tarn::states {

void put_execution_metrics(meta::MetricStore& store, const ExecutionRecord& e) {
  auto put = [&](const char* name, double value, const char* unit) {
    store.put({e.account, e.region, "AWS/States", name, {{"StateMachineArn", e.machine_arn}}}, value, unit);
  };
  if (!e.ended()) return put("ExecutionsStarted", 1, "Count");
  put(e.status == "SUCCEEDED"   ? "ExecutionsSucceeded"
      : e.status == "TIMED_OUT" ? "ExecutionsTimedOut"
      : e.status == "ABORTED"   ? "ExecutionsAborted"
                                : "ExecutionsFailed",
      1, "Count");
  if (e.stopped) put("ExecutionTime", static_cast<double>((*e.stopped - e.started).count()), "Milliseconds");
}

}  // namespace tarn::states
