// AWS Secrets Manager ("AWS Secrets Manager API Reference").
#pragma once

#include "api/operations.hpp"
#include "govern/secrets.hpp"
#include "orchestrate/rotations/rotations.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_secretsmanager(api::Operations& operations, govern::Secrets& secrets, orchestrate::Rotations& rotations);

}  // namespace tarn::gateway
