// The intrinsic functions of the Amazon States Language ("Intrinsic functions", AWS Step Functions Developer Guide).
#pragma once

#include <string_view>

#include "base/random.hpp"
#include "base/value.hpp"

namespace tarn::states {

bool is_intrinsic(std::string_view name);  // "States.Format"

// Wrong arguments throw Error (caller, States.IntrinsicFailure). Thread-safe.
Value call_intrinsic(std::string_view name, const ValueList& arguments, Random& random);

}  // namespace tarn::states
