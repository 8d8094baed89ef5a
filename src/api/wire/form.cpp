#include "api/wire/form.hpp"

#include <algorithm>
#include <charconv>

#include "api/wire/json_form.hpp"
#include "api/wire/scalar.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::api {
namespace {

bool is_flattened(const Member& member) {
  return member.flattened || member.shape->flattened;
}

std::string form_name(const Member& member, FormStyle style) {
  if (!member.query_name.empty()) return std::string(member.query_name);
  if (style == FormStyle::query) return std::string(member.wire_name);
  std::string name(member.wire_name);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

// Parameters sorted by name, so that all below "Tags.member.1." stand together.
class FormReader {
 public:
  FormReader(Parameters parameters, FormStyle style) : sorted_(std::move(parameters)), style_(style) {
    for (const auto& parameter : sorted_)
      if (std::count(parameter.first.begin(), parameter.first.end(), '.') > limits::max_body_depth)
        throw Error(ErrorKind::caller, "SerializationException", "a parameter's name has too many parts");
    std::stable_sort(sorted_.begin(), sorted_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  Value structure(const Shape& shape, const std::string& prefix) const {
    ValueMap out;
    for (const Member& member : shape.members) {
      std::string name = prefix + form_name(member, style_);
      Value value = this->member(member, name, prefix);
      // Some clients of EC2 keep the model's own spelling where the model names none for the wire.
      if (value.is_null() && style_ == FormStyle::ec2)
        value = this->member(member, prefix + std::string(member.wire_name), prefix);
      if (!value.is_null()) out.push_back({std::string(member.name), std::move(value)});
    }
    return out;
  }

 private:
  using Iterator = Parameters::const_iterator;

  Iterator first_from(std::string_view name) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), name,
                            [](const auto& p, std::string_view n) { return p.first < n; });
  }

  const std::string* find(std::string_view name) const {
    Iterator it = first_from(name);
    return it != sorted_.end() && it->first == name ? &it->second : nullptr;
  }

  bool any_below(const std::string& name) const {
    std::string prefix = name + ".";
    Iterator it = first_from(prefix);
    return it != sorted_.end() && it->first.starts_with(prefix);
  }

  // The numbers that follow "prefix." in the names of parameters, ascending.
  std::vector<uint32_t> indexes(const std::string& name) const {
    std::string prefix = name + ".";
    std::vector<uint32_t> out;
    for (Iterator it = first_from(prefix); it != sorted_.end() && it->first.starts_with(prefix); ++it) {
      const char* begin = it->first.data() + prefix.size();
      const char* end = it->first.data() + it->first.size();
      uint32_t index = 0;
      auto [rest, error] = std::from_chars(begin, end, index);
      if (error == std::errc() && (rest == end || *rest == '.') && (out.empty() || out.back() != index))
        out.push_back(index);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  Value member(const Member& member, const std::string& name, const std::string& prefix) const {
    const Shape& shape = *member.shape;
    switch (shape.type) {
      case Type::structure:
        return any_below(name) ? structure(shape, name + ".") : Value();
      case Type::list:
        return list(member, name, prefix);
      case Type::map:
        return map(member, name);
      default: {
        const std::string* text = find(name);
        return text ? scalar(member, *text) : Value();
      }
    }
  }

  static Value scalar(const Member& member, const std::string& text) {
    try {
      return parse_scalar(*member.shape, text);
    } catch (const Error& error) {
      throw Error(error.kind(), error.code(), std::string(member.name) + ": " + error.message());
    }
  }

  Value items(const Shape& shape, const std::string& name) const {
    ValueList out;
    for (uint32_t index : indexes(name)) {
      std::string item = name + "." + std::to_string(index);
      Value value = member(*shape.element, item, name + ".");
      if (value.is_null() && shape.element->shape->type == Type::structure && find(item)) value = Value::map();
      if (!value.is_null()) out.push_back(std::move(value));
    }
    return out;
  }

  Value list(const Member& member, const std::string& name, const std::string& prefix) const {
    const Shape& shape = *member.shape;
    const bool flat = style_ == FormStyle::ec2 || is_flattened(member);
    std::string base = flat ? name : name + "." + std::string(shape.element->wire_name);
    Value out = items(shape, base);
    // A flattened list may go by its item's name instead of its own.
    if (out.as_list().empty() && flat && style_ == FormStyle::query && shape.element->has_location_name)
      out = items(shape, prefix + std::string(shape.element->wire_name));
    if (out.as_list().empty() && !find(name)) return Value();
    return out;
  }

  Value map(const Member& member, const std::string& name) const {
    const Shape& shape = *member.shape;
    std::string base = is_flattened(member) ? name : name + ".entry";
    Value out = Value::map();
    for (uint32_t index : indexes(base)) {
      std::string entry = base + "." + std::to_string(index) + ".";
      const std::string* key = find(entry + form_name(*shape.key, style_));
      if (!key) continue;
      out.set(*key, this->member(*shape.element, entry + form_name(*shape.element, style_), entry));
    }
    if (out.as_map().empty() && !find(name)) return Value();
    return out;
  }

  Parameters sorted_;
  FormStyle style_;
};

class FormWriter {
 public:
  FormWriter(std::string& out, FormStyle style) : out_(out), style_(style) {}

  void structure(const Shape& shape, const Value& value, const std::string& prefix) {
    if (!value.is_map()) wrong_output(shape);
    std::size_t hint = 0;
    for (const ValueMember& given : value.as_map()) {
      if (given.value.is_null()) continue;
      const Member* member = next_member(shape, given.key, true, hint);
      if (member) this->member(*member, given.value, prefix + form_name(*member, style_), prefix);
    }
  }

 private:
  void parameter(const std::string& name, std::string_view value) {
    out_ += '&';
    append_percent_encoded(out_, name);
    out_ += '=';
    append_percent_encoded(out_, value);
  }

  void member(const Member& member, const Value& value, const std::string& name, const std::string& prefix) {
    const Shape& shape = *member.shape;
    if (shape.type == Type::structure) return structure(shape, value, name + ".");
    if (shape.type == Type::list) return list(member, value, name, prefix);
    if (shape.type == Type::map) return map(member, value, name);
    std::string text;
    append_scalar(text, member, value, {TimestampFormat::iso8601, false});
    parameter(name, text);
  }

  void list(const Member& member, const Value& value, const std::string& name, const std::string& prefix) {
    const Shape& shape = *member.shape;
    if (!value.is_list()) wrong_output(shape);
    if (value.as_list().empty()) {
      if (style_ == FormStyle::query) parameter(name, "");
      return;
    }
    const bool flat = style_ == FormStyle::ec2 || is_flattened(member);
    std::string base = flat ? name : name + "." + std::string(shape.element->wire_name);
    if (flat && style_ == FormStyle::query && shape.element->has_location_name && !member.has_location_name)
      base = prefix + std::string(shape.element->wire_name);
    std::size_t index = 0;
    for (const Value& item : value.as_list())
      this->member(*shape.element, item, base + "." + std::to_string(++index), base + ".");
  }

  void map(const Member& member, const Value& value, const std::string& name) {
    const Shape& shape = *member.shape;
    if (!value.is_map()) wrong_output(shape);
    std::string base = is_flattened(member) ? name : name + ".entry";
    std::size_t index = 0;
    for (const ValueMember& given : value.as_map()) {
      std::string entry = base + "." + std::to_string(++index) + ".";
      parameter(entry + form_name(*shape.key, style_), given.key);
      this->member(*shape.element, given.value, entry + form_name(*shape.element, style_), entry);
    }
  }

  std::string& out_;
  FormStyle style_;
};

}  // namespace

Value parse_form(const Shape& shape, Parameters parameters, FormStyle style) {
  return FormReader(std::move(parameters), style).structure(shape, {});
}

void append_form(std::string& out, const Shape& shape, const Value& input, FormStyle style) {
  FormWriter(out, style).structure(shape, input, {});
}

}  // namespace tarn::api
