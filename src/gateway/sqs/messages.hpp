// The operations on messages: send, receive, delete, change visibility, each alone and in batches.
#pragma once

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "notify/queues.hpp"

namespace tarn::gateway {

void register_messages(api::Operations& operations, notify::Queues& queues, Clock& clock, Random& random);

}  // namespace tarn::gateway
