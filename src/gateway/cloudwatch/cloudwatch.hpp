// CloudWatch's metrics as operations ("Amazon CloudWatch API Reference"): PutMetricData, ListMetrics,
// GetMetricStatistics, GetMetricData.
#pragma once

#include "api/operations.hpp"
#include "meta/metric_store.hpp"

namespace tarn::gateway {

// Both outlive the operations.
void register_cloudwatch(api::Operations& operations, meta::MetricStore& store);

}  // namespace tarn::gateway
