// AWS CloudFormation ("AWS CloudFormation API Reference"): stacks, change sets, templates.
#pragma once

#include "api/operations.hpp"
#include "deploy/stacks.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_cloudformation(api::Operations& operations, deploy::Stacks& stacks);

}  // namespace tarn::gateway
