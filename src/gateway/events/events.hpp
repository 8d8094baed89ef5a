// Amazon EventBridge ("Amazon EventBridge API Reference").
#pragma once

#include "api/operations.hpp"
#include "orchestrate/events/event_bus.hpp"
#include "orchestrate/events/replays.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_events(api::Operations& operations, orchestrate::EventBus& bus, orchestrate::Replays& replays);

}  // namespace tarn::gateway
