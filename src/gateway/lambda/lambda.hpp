// AWS Lambda ("AWS Lambda API Reference").
#pragma once

#include "api/operations.hpp"
#include "compute/functions/event_sources.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/invoker.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_lambda(api::Operations& operations, compute::Functions& functions, compute::Invoker& invoker,
                     compute::EventSources& event_sources);

// Where the zip file of a package can be had: a path of tarn's own, whose query is sha256=HEX.
inline constexpr const char* package_path = "/_tarn/function-code";

}  // namespace tarn::gateway
