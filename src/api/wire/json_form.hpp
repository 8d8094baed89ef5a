// Shapes in JSON and CBOR data: what a body's plain data means by the model, and the model's values as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// Gives parsed JSON or CBOR its modelled types and names: base64 becomes Blob, numbers and text become Time, wire names
// become member names. Members that the model does not have, and null ones, are left out. A wrong type throws Error
// (caller, SerializationException) in AWS's words, with the path of the member. With `by_name` the data's members go by
// the model's names instead of the wire's.
Value from_data(const Shape& shape, Value data, bool by_name = false);

// The same for JSON text. Empty text is an empty structure.
Value from_json(const Shape& shape, std::string_view text);

// Appends `value` as JSON. Members that the model does not have, null and streaming ones are left out; those that
// travel outside the body too where `body_only`. A value that does not fit its shape throws Error (bug,
// InternalFailure).
void append_json(std::string& out, const Shape& shape, const Value& value, bool body_only = false);
std::string to_json(const Shape& shape, const Value& value);

// The member whose wire name (or `name` where `by_name`) is `key`, or nullptr. `hint` is where the last one stood: keys
// mostly come in the model's order.
const Member* next_member(const Shape& structure, std::string_view key, bool by_name, std::size_t& hint);

// Throws the Error for an output that does not fit its own model.
[[noreturn]] void wrong_output(const Shape& shape);

}  // namespace tarn::api
