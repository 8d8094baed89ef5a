#include "deploy/resources/fit.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::deploy {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

const api::Member* member_for(const api::Shape& shape, std::string_view property, const Renames& renames) {
  const auto renamed = renames.find(property);
  const std::string_view wanted = renamed == renames.end() ? property : std::string_view(renamed->second);
  for (const api::Member& member : shape.members)
    if (member.name == wanted) return &member;
  for (const api::Member& member : shape.members)
    if (same_name(member.name, wanted)) return &member;
  // KMS calls a tag's parts TagKey and TagValue.
  if (property == "Key" || property == "Value")
    for (const api::Member& member : shape.members)
      if (member.name == "Tag" + std::string(property)) return &member;
  return nullptr;
}

[[noreturn]] void no_member(const api::Shape& shape, std::string_view property) {
  throw Error(ErrorKind::unsupported, "NotImplemented",
              "tarn does not have the property " + std::string(property) + " (" + std::string(shape.name) + ").");
}

Value fit_structure(const api::Shape& shape, const Value& value, const Renames& renames) {
  Value out = Value::map();
  for (const auto& [key, item] : value.as_map()) {
    if (item.is_null()) continue;
    const api::Member* member = member_for(shape, key, renames);
    if (!member) no_member(shape, key);
    out.set(member->name, fit(*member->shape, item, renames));
  }
  return out;
}

const Value* part_of_pair(const Value& pair, std::string_view name) {
  for (const auto& [key, value] : pair.as_map())
    if (same_name(key, name)) return &value;
  return nullptr;
}

Value fit_map(const api::Shape& shape, const Value& value, const Renames& renames) {
  Value out = Value::map();
  if (value.is_list()) {  // tags as pairs
    for (const Value& pair : value.as_list()) {
      const Value *key = pair.is_map() ? part_of_pair(pair, "Key") : nullptr,
                  *item = key ? part_of_pair(pair, "Value") : nullptr;
      if (key && key->is_string() && item) out.set(key->as_string(), fit(*shape.element->shape, *item, renames));
    }
    return out;
  }
  for (const auto& [key, item] : value.as_map())
    if (!item.is_null()) out.set(key, fit(*shape.element->shape, item, renames));
  return out;
}

Value fit_list(const api::Shape& shape, const Value& value, const Renames& renames) {
  const api::Shape& element = *shape.element->shape;
  Value out = Value::list();
  if (value.is_map() && element.type == api::Type::structure && member_for(element, "Key", renames)) {  // tags as a map
    for (const auto& [key, item] : value.as_map())
      out.push_back(fit_structure(element, Value::map({{"Key", key}, {"Value", item}}), renames));
    return out;
  }
  if (!value.is_list()) {
    out.push_back(fit(element, value, renames));
    return out;
  }
  // Keys of tags to be removed are pairs without a value in EC2's operations.
  const bool pairs = element.type == api::Type::structure && member_for(element, "Key", renames);
  for (const Value& item : value.as_list())
    out.push_back(fit(element, pairs && item.is_string() ? Value::map({{"Key", item}}) : item, renames));
  return out;
}

Value fit_number(const Value& value, bool integer) {
  double number = 0;
  if (value.is_string()) {
    const std::string& text = value.as_string();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return value;  // the operation says what is wrong
  } else if (value.is_number()) {
    number = value.as_double();
  } else {
    return value;
  }
  if (integer && std::trunc(number) == number && std::abs(number) < 9.2e18) return Value(static_cast<int64_t>(number));
  return Value(number);
}

Value fit_time(const Value& value) {
  if (value.is_string())
    if (auto time = parse_iso8601(value.as_string())) return Value(*time);
  if (value.is_number())
    return Value(
        Time(std::chrono::milliseconds(static_cast<int64_t>(std::clamp(value.as_double(), -1e12, 1e12) * 1000))));
  return value;
}

}  // namespace

Value fit(const api::Shape& shape, const Value& value, const Renames& renames) {
  switch (shape.type) {
    case api::Type::structure:
      return value.is_map() && !shape.document ? fit_structure(shape, value, renames) : value;
    case api::Type::map:
      return value.is_map() || value.is_list() ? fit_map(shape, value, renames) : value;
    case api::Type::list:
      return fit_list(shape, value, renames);
    case api::Type::string:
      if (value.is_string()) return value;
      return Value(to_json(value));  // a policy document, a number, a boolean
    case api::Type::integer:
    case api::Type::long_integer:
      return fit_number(value, true);
    case api::Type::float_number:
    case api::Type::double_number:
      return fit_number(value, false);
    case api::Type::boolean:
      if (value.is_string() && (value.as_string() == "true" || value.as_string() == "false"))
        return Value(value.as_string() == "true");
      return value;
    case api::Type::blob:
      return value.is_string() ? Value(Blob{value.as_string()}) : value;
    case api::Type::timestamp:
      return fit_time(value);
  }
  return value;
}

}  // namespace tarn::deploy
