// Single members in HTTP headers, query strings and path labels, in both directions.
#pragma once

#include <string>
#include <string_view>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// The value of a header, query parameter or label: a scalar, a JSON value in base64, or (headers) a list with commas,
// whose strings may be quoted. Throws Error (caller, SerializationException).
Value parse_http_value(const Member& member, std::string_view text);

// The text of such a value. Characters that no header may contain become spaces. Throws Error (bug) when it does not
// fit.
std::string format_http_value(const Member& member, const Value& value);

}  // namespace tarn::api
