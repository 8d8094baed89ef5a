// Archives and replays.
#pragma once

#include "api/operations.hpp"
#include "orchestrate/events/event_bus.hpp"
#include "orchestrate/events/replays.hpp"

namespace tarn::gateway {

void register_archives(api::Operations& operations, orchestrate::EventBus& bus, orchestrate::Replays& replays);

}  // namespace tarn::gateway
