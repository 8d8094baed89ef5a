// The metrics of AWS's services that follow from their calls alone: AWS/SQS.
#pragma once

#include "api/operations.hpp"
#include "meta/metric_store.hpp"

namespace tarn::gateway {

// From here on each call is counted. The store outlives the operations.
void count_calls(api::Operations& operations, meta::MetricStore& store);

}  // namespace tarn::gateway
