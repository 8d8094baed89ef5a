// Inputs as form parameters: the query and ec2 protocols ("Tags.member.1.Key=team").
#pragma once

#include <string>
#include <string_view>

#include "api/model.hpp"
#include "api/wire/percent.hpp"
#include "base/value.hpp"

namespace tarn::api {

enum class FormStyle { query, ec2 };

// Reads the structure `shape` out of `parameters`; Action, Version and what the model does not have are ignored. A
// scalar of a wrong form, or names with more than limits::max_body_depth parts throw Error (caller,
// SerializationException).
Value parse_form(const Shape& shape, Parameters parameters, FormStyle style);

// The parameters of `input`, encoded: "&Name=a&Tags.member.1=b". Null members are left out.
void append_form(std::string& out, const Shape& shape, const Value& input, FormStyle style);

}  // namespace tarn::api
