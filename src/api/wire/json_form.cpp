#include "api/wire/json_form.hpp"

#include <cmath>

#include "api/wire/scalar.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

// Where the walk is, as a chain on the stack; text is made of it only when something is wrong.
struct Path {
  const Path* parent;
  std::string_view name;  // empty: an item of a list
  std::size_t index;
  bool by_name;  // members go by the model's names, not by the wire's

  std::string text() const {
    if (!parent) return {};
    std::string before = parent->text();
    if (!before.empty()) before += '.';
    return before + (name.empty() ? std::to_string(index + 1) : std::string(name));
  }
};

[[noreturn]] void refuse(const Path* path, std::string message) {
  if (path->parent) message += " (at '" + path->text() + "')";
  throw Error(ErrorKind::caller, "SerializationException", std::move(message));
}

// AWS's JSON services name the token that they found.
[[noreturn]] void refuse_type(const Path* path, const Value& found, const char* wanted) {
  if (found.is_list()) refuse(path, "Start of list found where not expected");
  if (found.is_map()) refuse(path, "Start of structure or map found where not expected.");
  const char* token = found.is_string()   ? "STRING_VALUE"
                      : found.is_number() ? "NUMBER_VALUE"
                      : found.is_bool()   ? (found.as_bool() ? "TRUE_VALUE" : "FALSE_VALUE")
                      : found.is_null()   ? "NULL_VALUE"
                                          : "BINARY_VALUE";
  refuse(path, std::string(token) + " can not be converted to " + wanted);
}

Value convert(const Shape& shape, Value data, const Path* path);

Value convert_structure(const Shape& shape, Value data, const Path* path) {
  if (shape.document) return data;
  if (!data.is_map()) refuse_type(path, data, "a structure");
  ValueMap out;
  out.reserve(data.as_map().size());
  std::size_t hint = 0;
  for (ValueMember& given : data.as_map()) {
    const Member* member = next_member(shape, given.key, path->by_name, hint);
    if (!member || given.value.is_null()) continue;
    Path inner{path, member->name, 0, path->by_name};
    out.push_back({std::string(member->name), convert(*member->shape, std::move(given.value), &inner)});
  }
  return out;
}

Value convert_list(const Shape& shape, Value data, const Path* path) {
  if (!data.is_list()) refuse_type(path, data, "a list");
  std::size_t index = 0;
  for (Value& item : data.as_list()) {
    Path inner{path, {}, index++, path->by_name};
    if (!item.is_null()) item = convert(*shape.element->shape, std::move(item), &inner);
  }
  return data;
}

Value convert_map(const Shape& shape, Value data, const Path* path) {
  if (!data.is_map()) refuse_type(path, data, "a map");
  for (ValueMember& entry : data.as_map()) {
    Path inner{path, entry.key, 0, path->by_name};
    if (!entry.value.is_null()) entry.value = convert(*shape.element->shape, std::move(entry.value), &inner);
  }
  return data;
}

Value convert_integer(Value data, const Path* path) {
  if (data.is_int()) return data;
  if (!data.is_double()) refuse_type(path, data, "Integer");
  double number = data.as_double();
  if (std::trunc(number) != number || !(std::abs(number) < 9.2e18))
    refuse(path, "the number is not an integer of 64 bits");
  return static_cast<int64_t>(number);
}

Value convert_float(Value data, const Path* path) {
  if (data.is_number()) return data.as_double();
  if (data.is_string())
    if (auto number = parse_number(data.as_string())) return *number;
  refuse_type(path, data, "Double");
}

Value convert_timestamp(Value data, const Path* path) {
  if (data.is_time()) return data;
  std::optional<Time> time;
  if (data.is_number())
    time = time_of_seconds(data.as_double());
  else if (data.is_string())
    time = parse_timestamp(data.as_string());
  else
    refuse_type(path, data, "a timestamp");
  if (!time) refuse(path, "the value is not a timestamp");
  return *time;
}

Value convert_blob(Value data, const Path* path) {
  if (data.is_blob()) return data;
  if (!data.is_string()) refuse_type(path, data, "a blob");
  auto bytes = base64_decode(data.as_string());
  if (!bytes) refuse(path, "the value is not base64");
  return Blob{std::move(*bytes)};
}

Value convert(const Shape& shape, Value data, const Path* path) {
  switch (shape.type) {
    case Type::structure:
      return convert_structure(shape, std::move(data), path);
    case Type::list:
      return convert_list(shape, std::move(data), path);
    case Type::map:
      return convert_map(shape, std::move(data), path);
    case Type::string:
      if (!data.is_string()) refuse_type(path, data, "a String");
      return data;
    case Type::boolean:
      if (!data.is_bool()) refuse_type(path, data, "a Boolean");
      return data;
    case Type::integer:
    case Type::long_integer:
      return convert_integer(std::move(data), path);
    case Type::float_number:
    case Type::double_number:
      return convert_float(std::move(data), path);
    case Type::timestamp:
      return convert_timestamp(std::move(data), path);
    case Type::blob:
      return convert_blob(std::move(data), path);
  }
  return data;
}

void append_structure(std::string& out, const Shape& shape, const Value& value, bool body_only) {
  if (shape.document) {
    out += tarn::to_json(value);
    return;
  }
  if (!value.is_map()) wrong_output(shape);
  out += '{';
  bool first = true;
  std::size_t hint = 0;
  for (const ValueMember& given : value.as_map()) {
    if (given.value.is_null()) continue;
    const Member* member = next_member(shape, given.key, true, hint);
    if (!member || member->streaming || member->shape->event_stream) continue;
    if (body_only && member->location != Location::body) continue;
    if (!first) out += ',';
    first = false;
    append_json_string(out, member->wire_name);
    out += ':';
    if (member->shape->type == Type::timestamp && (given.value.is_time() || given.value.is_number())) {
      TimestampFormat format = timestamp_format(*member, TimestampFormat::unix_timestamp);
      if (format != TimestampFormat::unix_timestamp) out += '"';
      append_timestamp(out, given.value.as_time(), {format, false});
      if (format != TimestampFormat::unix_timestamp) out += '"';
    } else {
      append_json(out, *member->shape, given.value);
    }
  }
  out += '}';
}

void append_map(std::string& out, const Shape& shape, const Value& value) {
  if (!value.is_map()) wrong_output(shape);
  out += '{';
  bool first = true;
  for (const ValueMember& entry : value.as_map()) {
    if (!first) out += ',';
    first = false;
    append_json_string(out, entry.key);
    out += ':';
    append_json(out, *shape.element->shape, entry.value);
  }
  out += '}';
}

void append_list(std::string& out, const Shape& shape, const Value& value) {
  if (!value.is_list()) wrong_output(shape);
  out += '[';
  bool first = true;
  for (const Value& item : value.as_list()) {
    if (!first) out += ',';
    first = false;
    append_json(out, *shape.element->shape, item);
  }
  out += ']';
}

void append_leaf(std::string& out, const Shape& shape, const Value& value) {
  switch (shape.type) {
    case Type::string:
      if (!value.is_string()) wrong_output(shape);
      return append_json_string(out, value.as_string());
    case Type::boolean:
      if (!value.is_bool()) wrong_output(shape);
      out += value.as_bool() ? "true" : "false";
      return;
    case Type::integer:
    case Type::long_integer:
      if (!value.is_int()) wrong_output(shape);
      return append_number(out, value.as_int());
    case Type::float_number:
    case Type::double_number:
      if (!value.is_number()) wrong_output(shape);
      if (std::isfinite(value.as_double())) return append_number(out, value.as_double());
      out += '"';
      append_number(out, value.as_double());
      out += '"';
      return;
    case Type::timestamp: {
      if (!value.is_time() && !value.is_number()) wrong_output(shape);
      bool quoted =
          shape.timestamp_format == TimestampFormat::iso8601 || shape.timestamp_format == TimestampFormat::rfc822;
      if (quoted) out += '"';
      append_timestamp(out, value.as_time(),
                       {quoted ? shape.timestamp_format : TimestampFormat::unix_timestamp, false});
      if (quoted) out += '"';
      return;
    }
    default:
      if (!value.is_blob()) wrong_output(shape);
      out += '"';
      out += base64_encode(value.as_blob().bytes);
      out += '"';
  }
}

}  // namespace

void wrong_output(const Shape& shape) {
  throw Error(ErrorKind::bug, "InternalFailure",
              "tarn made an answer that does not fit the model's " + std::string(shape.name));
}

const Member* next_member(const Shape& structure, std::string_view key, bool by_name, std::size_t& hint) {
  const std::size_t count = structure.members.size();
  for (std::size_t i = 0; i < count; i++) {
    std::size_t at = hint + i < count ? hint + i : hint + i - count;
    const Member& member = structure.members[at];
    if ((by_name ? member.name : member.wire_name) == key) {
      hint = at + 1 == count ? 0 : at + 1;
      return &member;
    }
  }
  return nullptr;
}

Value from_data(const Shape& shape, Value data, bool by_name) {
  Path root{nullptr, {}, 0, by_name};
  return convert(shape, std::move(data), &root);
}

Value from_json(const Shape& shape, std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Value::map();
  return from_data(shape, parse_json(text));
}

void append_json(std::string& out, const Shape& shape, const Value& value, bool body_only) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  switch (shape.type) {
    case Type::structure:
      return append_structure(out, shape, value, body_only);
    case Type::map:
      return append_map(out, shape, value);
    case Type::list:
      return append_list(out, shape, value);
    default:
      return append_leaf(out, shape, value);
  }
}

std::string to_json(const Shape& shape, const Value& value) {
  std::string out;
  append_json(out, shape, value);
  return out;
}

}  // namespace tarn::api
