// CloudWatch Logs ("Amazon CloudWatch Logs API Reference"): groups, streams, events, retention, tags.
#pragma once

#include "api/operations.hpp"
#include "meta/logs.hpp"

namespace tarn::gateway {

// The store outlives the operations.
void register_logs(api::Operations& operations, meta::LogStore& store);

}  // namespace tarn::gateway
