// AWS Systems Manager: Parameter Store ("AWS Systems Manager API Reference").
#pragma once

#include "api/operations.hpp"
#include "govern/parameters.hpp"
#include "govern/secrets.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_ssm(api::Operations& operations, govern::Parameters& parameters, govern::Secrets& secrets);

}  // namespace tarn::gateway
