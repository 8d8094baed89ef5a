// Functions by name that the tables use where a property has another form than the operation's input.
#pragma once

#include <string_view>

#include "base/value.hpp"
#include "deploy/resources/expression.hpp"

namespace tarn::deploy {

// A null result is an absent one.
using Transform = Value (*)(const Value& value, const Scope& scope);

// nullptr when there is none of this name.
Transform find_transform(std::string_view name);

// Those of S3's bucket configurations (bucket_properties.cpp).
Transform find_bucket_transform(std::string_view name);

// What follows the last "/" or ":".
std::string_view last_part(std::string_view id);

}  // namespace tarn::deploy
