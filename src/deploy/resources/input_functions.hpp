// Functions by name that the tables use where a property has another form than the operation's input.
#pragma once

#include <string_view>

#include "base/value.hpp"
#include "deploy/resources/expression.hpp"

namespace tarn::deploy {

// A null result is an absent one.
using InputFunction = Value (*)(const Value& value, const Scope& scope);

// nullptr when there is none of this name.
InputFunction find_input_function(std::string_view name);

// Those of S3's bucket configurations (bucket_properties.cpp).
InputFunction find_bucket_function(std::string_view name);

// Those of code that stands in a template (inline_code.cpp): a function's, a state machine's.
InputFunction find_code_function(std::string_view name);

// Those of networks (network_properties.cpp).
InputFunction find_network_function(std::string_view name);

// What follows the last "/", ":" or "|".
std::string_view last_part(std::string_view id);

}  // namespace tarn::deploy
