// What an execution tells CloudWatch ("AWS Step Functions Developer Guide", Monitoring Step Functions metrics).
#pragma once

#include "meta/metric_store.hpp"
#include "orchestrate/states/records.hpp"

namespace tarn::states {

// For an execution that has begun, or ended.
void put_execution_metrics(meta::MetricStore& store, const ExecutionRecord& execution);

}  // namespace tarn::states
