// Amazon EventBridge Scheduler ("Amazon EventBridge Scheduler API Reference").
#pragma once

#include "api/operations.hpp"
#include "orchestrate/events/schedules.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_scheduler(api::Operations& operations, orchestrate::Schedules& schedules);

}  // namespace tarn::gateway
