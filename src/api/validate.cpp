#include "api/validate.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "api/pattern.hpp"
#include "api/validation_rules.hpp"
#include "api/wire/json_form.hpp"
#include "api/wire/scalar.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

using Style = ValidationRules::Style;

constexpr std::size_t max_shown_value_size_bytes = 1024;
constexpr std::size_t max_listed_errors = 100;

// Where the walk is, as a chain on the stack; text is made of it only when something is wrong.
struct Place {
  const Place* parent;
  const Member* member;  // of a structure
  std::string_view key;  // of a map
  std::size_t index;     // in a list, from 1

  std::string text() const {
    std::string before = parent ? parent->text() + "." : std::string();
    if (!member) return before + (key.empty() ? std::to_string(index) : std::string(key)) + ".member";
    std::string name(member->name);
    if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] + 32);
    return before + name;
  }

  // The member of the input itself that this place is in.
  const Member* top() const {
    const Place* place = this;
    while (place->parent) place = place->parent;
    return place->member;
  }
};

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string number_text(double number) {
  std::string out;
  if (std::trunc(number) == number && std::abs(number) < 9e15)
    append_number(out, static_cast<int64_t>(number));
  else
    append_number(out, number);
  return out;
}

// As AWS shows it: 'x', '[a, b]', '{k=v}'.
std::string shown(const Value& value) {
  std::string out;
  if (value.is_string()) {
    out = value.as_string();
  } else if (value.is_list()) {
    for (const Value& item : value.as_list()) {
      if (out.size() > max_shown_value_size_bytes) break;
      out += (out.empty() ? "[" : ", ") + shown(item);
    }
    out += out.empty() ? "[]" : "]";
  } else if (value.is_map()) {
    for (const ValueMember& member : value.as_map()) {
      if (out.size() > max_shown_value_size_bytes) break;
      out += (out.empty() ? "{" : ", ") + member.key + "=" + shown(member.value);
    }
    out += out.empty() ? "{}" : "}";
  } else if (value.is_blob()) {
    out = "(" + std::to_string(value.as_blob().bytes.size()) + " bytes)";
  } else {
    out = tarn::to_json(value);
  }
  if (out.size() > max_shown_value_size_bytes) out.replace(max_shown_value_size_bytes, std::string::npos, "...");
  return out;
}

std::string words(std::span<const std::string_view> enumeration) {
  std::string out = "[";
  for (std::string_view word : enumeration) {
    if (out.size() > 1) out += ", ";
    out += word;
  }
  return out + "]";
}

// What a value may break, in the order in which AWS lists a member's constraints.
struct Breach {
  enum class Kind { required, enumeration, maximum, minimum, pattern, one_of } kind;
  std::string constraint;
};

std::string length_or_value(const Shape& shape) {
  const bool number = shape.type == Type::integer || shape.type == Type::long_integer ||
                      shape.type == Type::float_number || shape.type == Type::double_number;
  return number ? "Member must have value " : "Member must have length ";
}

std::string maximum_text(const Shape& shape) {
  return length_or_value(shape) + "less than or equal to " + number_text(shape.maximum);
}
std::string minimum_text(const Shape& shape) {
  return length_or_value(shape) + "greater than or equal to " + number_text(shape.minimum);
}
std::string enumeration_text(const Shape& shape) {
  return "Member must satisfy enum value set: " + words(shape.enumeration);
}
std::string pattern_text(const Shape& shape) {
  return "Member must satisfy regular expression pattern: " + std::string(shape.pattern);
}

double measure(const Shape& shape, const Value& value) {
  switch (shape.type) {
    case Type::string:
      return static_cast<double>(characters(value.as_string()));
    case Type::blob:
      return static_cast<double>(value.as_blob().bytes.size());
    case Type::list:
      return static_cast<double>(value.as_list().size());
    case Type::map:
      return static_cast<double>(value.as_map().size());
    default:
      return value.as_double();
  }
}

std::vector<Breach> breaches(const Shape& shape, const Value& value, bool enumerations_only) {
  std::vector<Breach> out;
  if (shape.type == Type::string && !shape.enumeration.empty() && !is_open_enumeration(shape) &&
      std::find(shape.enumeration.begin(), shape.enumeration.end(), value.as_string()) == shape.enumeration.end())
    out.push_back({Breach::Kind::enumeration, enumeration_text(shape)});
  if (enumerations_only) return out;
  const bool measured = shape.type != Type::structure && shape.type != Type::boolean && shape.type != Type::timestamp;
  if (measured && (shape.has_maximum || shape.has_minimum)) {
    double size = measure(shape, value);
    if (shape.has_maximum && size > shape.maximum) out.push_back({Breach::Kind::maximum, maximum_text(shape)});
    if (shape.has_minimum && size < shape.minimum) out.push_back({Breach::Kind::minimum, minimum_text(shape)});
  }
  if (shape.type == Type::string && !shape.pattern.empty() &&
      match_pattern(shape.pattern, value.as_string()) == PatternMatch::differs)
    out.push_back({Breach::Kind::pattern, pattern_text(shape)});
  return out;
}

// All constraints of a list's items or a map's keys or values, as AWS names them together.
std::string all_constraints(const Shape& shape) {
  std::string out = "[";
  auto add = [&](const std::string& text) { out += (out.size() > 1 ? ", " : "") + text; };
  if (shape.has_maximum) add(maximum_text(shape));
  if (shape.has_minimum) add(minimum_text(shape));
  if (!shape.enumeration.empty()) add(enumeration_text(shape));
  if (!shape.pattern.empty()) add(pattern_text(shape));
  return out + "]";
}

bool has_type(const Shape& shape, const Value& value) {
  switch (shape.type) {
    case Type::structure:
      return shape.document || value.is_map();
    case Type::list:
      return value.is_list();
    case Type::map:
      return value.is_map();
    case Type::string:
      return value.is_string();
    case Type::integer:
    case Type::long_integer:
      return value.is_int();
    case Type::float_number:
    case Type::double_number:
      return value.is_number();
    case Type::boolean:
      return value.is_bool();
    case Type::blob:
      return value.is_blob();
    case Type::timestamp:
      return value.is_time();
  }
  return false;
}

const char* type_word(const Shape& shape) {
  static constexpr const char* names[] = {"a structure", "a list",     "a map",      "a string",
                                          "an integer",  "an integer", "a number",   "a number",
                                          "a boolean",   "a blob",     "a timestamp"};
  return names[static_cast<std::size_t>(shape.type)];
}

class Validator {
 public:
  explicit Validator(const ValidationRules& rules) : rules_(rules) {}

  void input(const Shape& shape, const Value& value) {
    if (!value.is_map() && !value.is_null())
      throw Error(ErrorKind::caller, "SerializationException", "the input must be a structure");
    static const Value nothing = Value::map();
    structure(shape, value.is_null() ? nothing : value, nullptr);
    if (found_.empty()) return;
    std::string all = std::to_string(found_.size()) +
                      (found_.size() == 1 ? " validation error" : " validation errors") + " detected: ";
    for (std::size_t i = 0; i < found_.size(); i++) all += (i ? "; " : "") + found_[i];
    throw Error(ErrorKind::caller, std::string(rules_.code), std::move(all));
  }

 private:
  void structure(const Shape& shape, const Value& value, const Place* at) {
    if (shape.document) return;
    for (const Member& member : shape.members) {
      if (!member.required || member.streaming || member.idempotency_token || member.shape->event_stream) continue;
      const Value* given = value.find(member.name);
      if (given && !given->is_null()) continue;
      Place place{at, &member, {}, 0};
      report({Breach::Kind::required, "Member must not be null"}, member, nullptr, place);
    }
    std::size_t hint = 0, set = 0;
    for (const ValueMember& given : value.as_map()) {
      if (given.value.is_null()) continue;
      const Member* member = next_member(shape, given.key, true, hint);
      if (!member) continue;
      set++;
      Place place{at, member, {}, 0};
      this->value(*member, given.value, place);
    }
    if (shape.is_union && set != 1 && at && rules_.style == Style::listed)
      report({Breach::Kind::one_of, "Exactly one member must be set"}, nearest_member(*at), &value, *at);
  }

  void value(const Member& member, const Value& value, const Place& at) {
    const Shape& shape = *member.shape;
    if (!has_type(shape, value))
      throw Error(ErrorKind::caller, "SerializationException", "'" + at.text() + "' must be " + type_word(shape));
    for (const Breach& breach : breaches(shape, value, rules_.style != Style::listed))
      report(breach, member, &value, at);
    switch (shape.type) {
      case Type::structure:
        structure(shape, value, &at);
        break;
      case Type::list:
        items(member, value, at);
        break;
      case Type::map:
        entries(member, value, at);
        break;
      default:
        break;
    }
  }

  static const Member& nearest_member(const Place& at) {
    const Place* place = &at;
    while (!place->member) place = place->parent;
    return *place->member;
  }

  // Constraints of scalar items are told of the list as a whole; structures are walked into.
  void items(const Member& list, const Value& value, const Place& at) {
    const Member& item = *list.shape->element;
    const bool deep = is_deep(*item.shape);
    std::size_t index = 0;
    for (const Value& one : value.as_list()) {
      Place place{&at, nullptr, {}, ++index};
      if (one.is_null()) continue;
      if (deep) {
        this->value(item, one, place);
        continue;
      }
      check_type(*item.shape, one, place);
      if (breaches(*item.shape, one, rules_.style != Style::listed).empty()) continue;
      report_all("Member must satisfy constraint: " + all_constraints(*item.shape), list, value, at);
      return;
    }
  }

  void entries(const Member& map, const Value& value, const Place& at) {
    const Shape &key = *map.shape->key->shape, &inner = *map.shape->element->shape;
    const bool deep = is_deep(inner);
    bool bad_key = false, bad_value = false;
    for (const ValueMember& entry : value.as_map()) {
      bad_key |= !breaches(key, Value(entry.key), rules_.style != Style::listed).empty();
      if (entry.value.is_null()) continue;
      Place place{&at, nullptr, entry.key, 0};
      if (deep) {
        this->value(*map.shape->element, entry.value, place);
      } else {
        check_type(inner, entry.value, place);
        bad_value |= !breaches(inner, entry.value, rules_.style != Style::listed).empty();
      }
    }
    if (bad_key) report_all("Map keys must satisfy constraint: " + all_constraints(key), map, value, at);
    if (bad_value) report_all("Map value must satisfy constraint: " + all_constraints(inner), map, value, at);
  }

  static bool is_deep(const Shape& shape) {
    return shape.type == Type::structure || shape.type == Type::list || shape.type == Type::map;
  }

  static void check_type(const Shape& shape, const Value& value, const Place& at) {
    if (!has_type(shape, value))
      throw Error(ErrorKind::caller, "SerializationException", "'" + at.text() + "' must be " + type_word(shape));
  }

  void report_all(const std::string& constraint, const Member& member, const Value& value, const Place& at) {
    report({Breach::Kind::enumeration, constraint}, member, &value, at);
  }

  void report(const Breach& breach, const Member& member, const Value* value, const Place& at) {
    if (rules_.style == Style::s3) refuse_as_s3(breach, member, value, at);
    if (rules_.style == Style::missing_parameter) refuse_parameter(breach, member, value);
    if (found_.size() >= max_listed_errors) return;
    const bool secret = member.sensitive || member.shape->sensitive;
    std::string shown_value = !value ? " null" : secret ? "" : " '" + shown(*value) + "'";
    found_.push_back("Value" + shown_value + " at '" + at.text() +
                     "' failed to satisfy constraint: " + breach.constraint);
  }

  [[noreturn]] void refuse_parameter(const Breach& breach, const Member& member, const Value* value) const {
    if (breach.kind == Breach::Kind::required)
      throw Error(ErrorKind::caller, "MissingParameter",
                  "The request must contain the parameter " + std::string(member.wire_name));
    throw Error(ErrorKind::caller, std::string(rules_.code),
                "Value (" + shown(*value) + ") for parameter " + std::string(member.wire_name) + " is invalid. " +
                    breach.constraint);
  }

  [[noreturn]] static void refuse_as_s3(const Breach& breach, const Member& member, const Value* value,
                                        const Place& at) {
    const Member& top = *at.top();
    const bool in_body = top.location == Location::body;
    const std::string name(member.wire_name);
    if (breach.kind == Breach::Kind::required) {
      if (in_body && !at.parent) throw Error(ErrorKind::caller, "MissingRequestBodyError", "Request Body is empty");
      if (top.location == Location::header)
        throw Error(ErrorKind::caller, "InvalidRequest", "Missing required header for this request: " + name);
      if (!in_body)
        throw Error(ErrorKind::caller, "InvalidArgument", "Missing required parameter: " + name)
            .with("ArgumentName", name);
    }
    if (in_body)
      throw Error(ErrorKind::caller, "MalformedXML",
                  "The XML you provided was not well-formed or did not validate against our published schema: " +
                      at.text() + ": " + breach.constraint);
    if (name == "x-amz-storage-class")
      throw Error(ErrorKind::caller, "InvalidStorageClass", "The storage class you specified is not valid");
    if (name == "x-amz-server-side-encryption")
      throw Error(ErrorKind::caller, "InvalidEncryptionAlgorithmError",
                  "The encryption request you specified is not valid. Supported value: AES256.")
          .with("ArgumentName", name)
          .with("ArgumentValue", value ? shown(*value) : "");
    throw Error(ErrorKind::caller, "InvalidArgument", "Invalid value for " + name + ": " + breach.constraint)
        .with("ArgumentName", name)
        .with("ArgumentValue", value ? shown(*value) : "");
  }

  const ValidationRules& rules_;
  std::vector<std::string> found_;
};

}  // namespace

void validate(const Service& service, const Operation& operation, const Value& input) {
  if (!operation.input) return;
  Validator(validation_rules(service)).input(*operation.input, input);
}

}  // namespace tarn::api
