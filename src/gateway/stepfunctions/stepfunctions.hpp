// AWS Step Functions ("AWS Step Functions API Reference").
#pragma once

#include "api/operations.hpp"
#include "orchestrate/states/executions.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_stepfunctions(api::Operations& operations, states::Executions& executions, Clock& clock);

}  // namespace tarn::gateway
