// Amazon SQS ("Amazon SQS API Reference"), by its JSON and its query protocol.
#pragma once

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "notify/message_moves.hpp"
#include "notify/queues.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_sqs(api::Operations& operations, notify::Queues& queues, notify::MessageMoves& moves, Clock& clock,
                  Random& random);

}  // namespace tarn::gateway
