// JSON text to and from Value.
#pragma once

#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn {

// Parses one JSON text (UTF-8). Integers that fit become integers, other numbers doubles; of equal keys the last
// counts. Malformed text, or nesting deeper than 256, throws Error (caller, SerializationException).
Value parse_json(std::string_view text);

// Writes compact JSON. A Blob becomes base64, a Time seconds since 1970 with up to three decimals.
std::string to_json(const Value& value);
// The same with two-space indentation, for people.
std::string to_pretty_json(const Value& value);

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tarn
