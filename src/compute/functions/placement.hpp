// Where functions stand in networks, which are records: a function's packets go by the machine's own network.
#pragma once

#include <optional>

#include "api/lambda.hpp"
#include "compute/functions/names.hpp"
#include "meta/metadata.hpp"

namespace tarn::compute {

// Notes where `function` stands from now on, and returns how AWS shows it. Empty lists: nowhere, absent. A subnet or
// group that is missing throws Error (caller, InvalidParameterValueException).
std::optional<api::lambda::VpcConfigResponse> place_function(meta::Transaction& t, const FunctionName& function,
                                                             const api::lambda::VpcConfig& in);
void forget_place(meta::Transaction& t, const FunctionName& function);

}  // namespace tarn::compute
