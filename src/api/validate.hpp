// Checks an operation's input against its model: required members, types, enumerations, lengths, ranges, patterns.
#pragma once

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// Throws Error (caller) with the service's own code (ValidationException, InvalidInputException, …) and AWS's wording:
// "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than
// or equal to 1".
void validate(const Service& service, const Operation& operation, const Value& input);

}  // namespace tarn::api
