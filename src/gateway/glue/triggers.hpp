// AWS Glue's triggers and workflows as operations ("AWS Glue Web API Reference", Triggers; Workflows).
#pragma once

#include "api/operations.hpp"
#include "orchestrate/triggers/triggers.hpp"
#include "orchestrate/triggers/workflows.hpp"

namespace tarn::gateway::glue {

// Both outlive the operations.
void register_glue_triggers(api::Operations& operations, orchestrate::Triggers& triggers);
void register_glue_workflows(api::Operations& operations, orchestrate::Workflows& workflows);

}  // namespace tarn::gateway::glue
