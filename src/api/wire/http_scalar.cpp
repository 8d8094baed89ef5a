#include "api/wire/http_scalar.hpp"

#include <algorithm>

#include "api/wire/json_form.hpp"
#include "api/wire/scalar.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::api {
namespace {

// The items of "a, \"b, c\", d"; HTTP dates contain a comma of their own.
std::vector<std::string> split_list(std::string_view text, bool dates) {
  std::vector<std::string> out;
  std::string item;
  bool quoted = false, was_quoted = false, comma_in_date = false;
  auto finish = [&] {
    if (!was_quoted) {
      std::size_t first = item.find_first_not_of(" \t");
      item = first == std::string::npos ? "" : item.substr(first, item.find_last_not_of(" \t") - first + 1);
    }
    if (!item.empty() || was_quoted) out.push_back(item);
    item.clear();
    was_quoted = comma_in_date = false;
  };
  for (std::size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      item += text[++i];
    } else if (c == '"') {
      if (!quoted && item.find_first_not_of(" \t") == std::string::npos) item.clear();
      quoted = !quoted;
      was_quoted = true;
    } else if (c == ',' && !quoted) {
      if (dates && !comma_in_date) {
        comma_in_date = true;
        item += c;
      } else {
        finish();
      }
    } else if (!was_quoted || quoted) {
      item += c;
    }
  }
  finish();
  return out;
}

TimestampFormat http_format(const Member& member) {
  return timestamp_format(member,
                          member.location == Location::header ? TimestampFormat::rfc822 : TimestampFormat::iso8601);
}

std::string quoted_if_needed(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Value parse_http_value(const Member& member, std::string_view text) {
  const Shape& shape = *member.shape;
  if (member.json_value && member.location == Location::header) {
    auto json = base64_decode(text);
    if (!json) throw Error(ErrorKind::caller, "SerializationException", "the value is not JSON in base64");
    return std::move(*json);
  }
  if (shape.type != Type::list) return parse_scalar(shape, text);
  const Shape& item = *shape.element->shape;
  ValueList out;
  bool dates =
      item.type == Type::timestamp && timestamp_format(*shape.element, http_format(member)) == TimestampFormat::rfc822;
  for (const std::string& part : split_list(text, dates)) out.push_back(parse_scalar(item, part));
  return out;
}

std::string format_http_value(const Member& member, const Value& value) {
  const Shape& shape = *member.shape;
  std::string out;
  TimestampStyle style{http_format(member), false};
  if (member.json_value && value.is_string() && member.location == Location::header) {
    out = base64_encode(value.as_string());
  } else if (shape.type == Type::list) {
    if (!value.is_list()) wrong_output(shape);
    for (const Value& item : value.as_list()) {
      if (!out.empty()) out += ", ";
      std::string text;
      append_scalar(text, *shape.element, item, style);
      out += item.is_string() ? quoted_if_needed(text) : text;
    }
  } else {
    append_scalar(out, member, value, style);
  }
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out;
}

}  // namespace tarn::api
