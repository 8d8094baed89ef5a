// Amazon SNS ("Amazon SNS API Reference").
#pragma once

#include "api/operations.hpp"
#include "notify/publisher.hpp"
#include "notify/topics.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_sns(api::Operations& operations, notify::Topics& topics, notify::Publisher& publisher,
                  notify::Targets& targets);

}  // namespace tarn::gateway
