#include "deploy/resources/schema.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include <re2/re2.h>

#include "base/json.hpp"

namespace tarn::deploy {
namespace {

constexpr int max_depth = 64;

const Value* follow(const Value& root, std::string_view reference) {
  if (!reference.starts_with("#/")) return nullptr;
  const Value* node = &root;
  reference.remove_prefix(2);
  while (node && !reference.empty()) {
    const std::size_t end = std::min(reference.find('/'), reference.size());
    node = node->find(reference.substr(0, end));
    reference.remove_prefix(std::min(end + 1, reference.size()));
  }
  return node;
}

const Value& resolve(const Value& root, const Value& schema) {
  const Value* node = &schema;
  for (int hops = 0; hops < 16; ++hops) {
    const Value* reference = node->find("$ref");
    const Value* next = reference && reference->is_string() ? follow(root, reference->as_string()) : nullptr;
    if (!next) break;
    node = next;
  }
  return *node;
}

bool is_number_text(const std::string& text, bool integer) {
  if (text.empty()) return false;
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return false;
  return !integer || std::trunc(number) == number;
}

bool is_scalar(const Value& v) {
  return v.is_string() || v.is_number() || v.is_bool();
}

// Whether `v` is of JSON Schema's `type`, or a scalar whose text is.
bool fits(const Value& v, std::string_view type) {
  if (type == "object") return v.is_map();
  if (type == "array") return v.is_list();
  if (type == "null") return v.is_null();
  if (type == "string") return is_scalar(v);
  if (type == "boolean") return v.is_bool() || (v.is_string() && (v.as_string() == "true" || v.as_string() == "false"));
  const bool integer = type == "integer";
  if (v.is_string()) return is_number_text(v.as_string(), integer);
  return v.is_int() || (v.is_double() && (!integer || std::trunc(v.as_double()) == v.as_double()));
}

bool is_exactly(const Value& v, std::string_view type) {
  if (type == "string") return v.is_string();
  if (type == "boolean") return v.is_bool();
  if (type == "integer") return v.is_int();
  if (type == "number") return v.is_number();
  return fits(v, type);
}

std::vector<std::string_view> types_of(const Value& schema) {
  std::vector<std::string_view> out;
  const Value* type = schema.find("type");
  if (!type) return out;
  if (type->is_string()) out.push_back(type->as_string());
  if (type->is_list())
    for (const Value& one : type->as_list())
      if (one.is_string()) out.push_back(one.as_string());
  return out;
}

// As the validator that CloudFormation uses names them.
std::string_view name_of_type(std::string_view type) {
  if (type == "object") return "JSONObject";
  if (type == "array") return "JSONArray";
  if (type == "string") return "String";
  if (type == "boolean") return "Boolean";
  if (type == "integer") return "Integer";
  if (type == "number") return "Number";
  return "Null";
}
std::string_view name_of_type(const Value& v) {
  if (v.is_map()) return "JSONObject";
  if (v.is_list()) return "JSONArray";
  if (v.is_string()) return "String";
  if (v.is_bool()) return "Boolean";
  if (v.is_int()) return "Integer";
  if (v.is_double()) return "BigDecimal";
  return "Null";
}

std::string text_of(const Value& v) {
  return v.is_string() ? v.as_string() : to_json(v);
}

// Scalars are equal where their texts are.
bool same(const Value& a, const Value& b) {
  return a == b || (is_scalar(a) && is_scalar(b) && text_of(a) == text_of(b));
}

bool equals_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::size_t length_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Absent where the pattern is none that RE2 has: then nothing is asked.
std::optional<bool> finds_pattern(const std::string& pattern, const std::string& text) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<RE2>> compiled;
  std::lock_guard lock(mutex);
  auto& re = compiled[pattern];
  if (!re) {
    RE2::Options options;
    options.set_log_errors(false);
    re = std::make_unique<RE2>(pattern, options);
  }
  if (!re->ok()) return std::nullopt;
  return RE2::PartialMatch(text, *re);
}

double number_of(const Value& v) {
  double number = 0;
  if (v.is_number()) return v.as_double();
  if (v.is_string()) std::from_chars(v.as_string().data(), v.as_string().data() + v.as_string().size(), number);
  return number;
}

std::string plain_number(const Value& v) {
  if (v.is_double() && std::trunc(v.as_double()) == v.as_double()) return std::to_string(v.as_int());
  return to_json(v);
}

class Check {
 public:
  Check(const Value& root, std::vector<PropertyProblem>& problems) : root_(root), problems_(problems) {}

  void value(const Value& unresolved, const Value& v, const std::string& path, int depth) {
    if (depth > max_depth || is_intrinsic(v)) return;
    const Value& schema = resolve(root_, unresolved);
    if (!schema.is_map()) return;
    const auto types = types_of(schema);
    if (!types.empty() && std::none_of(types.begin(), types.end(), [&](auto t) { return fits(v, t); })) {
      wrong(path,
            "expected type: " + std::string(name_of_type(types.front())) + ", found: " + std::string(name_of_type(v)));
      return;
    }
    if (v.is_map()) object(schema, v, path, depth);
    if (v.is_list()) array(schema, v, path, depth);
    if (is_scalar(v)) scalar(schema, v, path, types);
    choices(schema, v, path, depth);
  }

 private:
  void add(PropertyProblem::Kind kind, const std::string& path, const std::string& message) {
    problems_.push_back({kind, path, "#" + path + ": " + message});
  }
  void wrong(const std::string& path, const std::string& message) { add(PropertyProblem::Kind::wrong, path, message); }

  bool holds(const Value& schema, const Value& v, int depth) {
    std::vector<PropertyProblem> found;
    Check(root_, found).value(schema, v, "", depth + 1);
    return found.empty();
  }

  void object(const Value& schema, const Value& v, const std::string& path, int depth) {
    required(schema, v, path);
    const Value* properties = schema.find("properties");
    const Value* patterns = schema.find("patternProperties");
    const Value* additional = schema.find("additionalProperties");
    for (const auto& [key, item] : v.as_map()) {
      const std::string below = path + "/" + key;
      const Value* own = properties ? properties->find(key) : nullptr;
      if (own) {
        value(*own, item, below, depth + 1);
        continue;
      }
      const Value* by_pattern = nullptr;
      if (patterns && patterns->is_map())
        for (const auto& [pattern, sub] : patterns->as_map())
          if (finds_pattern(pattern, key).value_or(true)) by_pattern = &sub;
      if (by_pattern)
        value(*by_pattern, item, below, depth + 1);
      else if (additional && additional->is_bool() && !additional->as_bool())
        problems_.push_back(
            {PropertyProblem::Kind::unknown, below, "#" + path + ": extraneous key [" + key + "] is not permitted"});
      else if (additional && additional->is_map())
        value(*additional, item, below, depth + 1);
    }
    if (const Value* least = schema.find("minProperties"); least && v.as_map().size() < number_of(*least))
      wrong(path, "minimum size: [" + plain_number(*least) + "], found: [" + std::to_string(v.as_map().size()) + "]");
    if (const Value* most = schema.find("maxProperties"); most && v.as_map().size() > number_of(*most))
      wrong(path, "maximum size: [" + plain_number(*most) + "], found: [" + std::to_string(v.as_map().size()) + "]");
  }

  static std::string joined(const Value& names) {
    std::string out;
    for (const Value& name : names.as_list()) out += (out.empty() ? "" : ", ") + text_of(name);
    return out;
  }
  static std::size_t count_of(const Value& names, const Value& v) {
    if (!names.is_list()) return 0;
    return static_cast<std::size_t>(
        std::count_if(names.as_list().begin(), names.as_list().end(),
                      [&](const Value& name) { return name.is_string() && v.find(name.as_string()); }));
  }

  void required(const Value& schema, const Value& v, const std::string& path) {
    if (const Value* names = schema.find("required"); names && names->is_list())
      for (const Value& name : names->as_list())
        if (name.is_string() && !v.find(name.as_string()))
          problems_.push_back({PropertyProblem::Kind::missing, path + "/" + name.as_string(),
                               "#" + path + ": required key [" + name.as_string() + "] not found"});
    // What Fn::If gives may be nothing.
    const std::size_t doubtful = static_cast<std::size_t>(
        std::count_if(v.as_map().begin(), v.as_map().end(), [](const auto& m) { return m.value.find("Fn::If"); }));
    if (const Value* names = schema.find("requiredXor"); names && names->is_list())
      if (const std::size_t count = count_of(*names, v); count == 0 || count > 1 + doubtful)
        wrong(path, "exactly one of [" + joined(*names) + "] is required");
    if (const Value* names = schema.find("requiredOr"); names && names->is_list() && count_of(*names, v) == 0)
      wrong(path, "at least one of [" + joined(*names) + "] is required");
    if (const Value* rules = schema.find("dependentRequired"); rules && rules->is_map())
      for (const auto& [key, names] : rules->as_map())
        if (v.find(key) && names.is_list() && count_of(names, v) != names.as_list().size())
          wrong(path, "property [" + key + "] requires [" + joined(names) + "]");
    if (const Value* rules = schema.find("dependentExcluded"); rules && rules->is_map())
      for (const auto& [key, names] : rules->as_map())
        if (v.find(key) && names.is_list() && count_of(names, v))
          wrong(path, "property [" + key + "] can't be with [" + joined(names) + "]");
  }

  void array(const Value& schema, const Value& v, const std::string& path, int depth) {
    const ValueList& items = v.as_list();
    if (const Value* sub = schema.find("items"); sub && sub->is_map())
      for (std::size_t i = 0; i < items.size(); ++i) value(*sub, items[i], path + "/" + std::to_string(i), depth + 1);
    if (const Value* least = schema.find("minItems"); least && items.size() < number_of(*least))
      wrong(path, "expected minimum item count: " + plain_number(*least) + ", found: " + std::to_string(items.size()));
    if (const Value* most = schema.find("maxItems"); most && items.size() > number_of(*most))
      wrong(path, "expected maximum item count: " + plain_number(*most) + ", found: " + std::to_string(items.size()));
    if (!schema.bool_or("uniqueItems")) return;
    std::set<std::string> seen;
    for (const Value& item : items)
      if (!is_intrinsic(item) && !seen.insert(to_json(item)).second) {
        wrong(path, "array items are not unique");
        return;
      }
  }

  void scalar(const Value& schema, const Value& v, const std::string& path,
              const std::vector<std::string_view>& types) {
    const std::string text = text_of(v);
    if (const Value* allowed = schema.find("enum"); allowed && allowed->is_list())
      if (std::none_of(allowed->as_list().begin(), allowed->as_list().end(),
                       [&](const Value& one) { return same(one, v); }))
        wrong(path, text + " is not a valid enum value");
    if (const Value* allowed = schema.find("enumCaseInsensitive"); allowed && allowed->is_list())
      if (std::none_of(allowed->as_list().begin(), allowed->as_list().end(),
                       [&](const Value& one) { return equals_without_case(text_of(one), text); }))
        wrong(path, text + " is not a valid enum value");
    if (const Value* only = schema.find("const"); only && !same(*only, v))
      wrong(path, text + " is not equal to " + text_of(*only));
    const bool as_text = std::find(types.begin(), types.end(), "string") != types.end() || types.empty();
    if (as_text) string(schema, text, path);
    if (as_text && !v.is_number()) return;
    if (const Value* least = schema.find("minimum"); least && number_of(v) < number_of(*least))
      wrong(path, text + " is not greater or equal to " + plain_number(*least));
    if (const Value* most = schema.find("maximum"); most && number_of(v) > number_of(*most))
      wrong(path, text + " is not less or equal to " + plain_number(*most));
  }

  void string(const Value& schema, const std::string& text, const std::string& path) {
    const std::size_t length = length_of(text);
    if (const Value* least = schema.find("minLength"); least && length < number_of(*least))
      wrong(path, "expected minLength: " + plain_number(*least) + ", actual: " + std::to_string(length));
    if (const Value* most = schema.find("maxLength"); most && length > number_of(*most))
      wrong(path, "expected maxLength: " + plain_number(*most) + ", actual: " + std::to_string(length));
    if (const Value* pattern = schema.find("pattern"); pattern && pattern->is_string())
      if (!finds_pattern(pattern->as_string(), text).value_or(true))
        wrong(path, "failed validation constraint for keyword [pattern]: string [" + text +
                        "] does not match pattern " + pattern->as_string());
  }

  void choices(const Value& schema, const Value& v, const std::string& path, int depth) {
    if (const Value* all = schema.find("allOf"); all && all->is_list())
      for (const Value& one : all->as_list()) value(one, v, path, depth + 1);
    auto matches = [&](const Value& list) {
      return std::count_if(list.as_list().begin(), list.as_list().end(),
                           [&](const Value& one) { return holds(one, v, depth); });
    };
    if (const Value* any = schema.find("anyOf"); any && any->is_list() && matches(*any) == 0)
      wrong(path, "no subschema matched out of the total " + std::to_string(any->as_list().size()) + " subschemas");
    if (const Value* one = schema.find("oneOf"); one && one->is_list()) {
      // Two may fit where an intrinsic function hides which is meant.
      const auto count = matches(*one);
      if (count == 0 || (count > 1 && !hides(v)))
        wrong(path, std::to_string(count) + " subschemas matched instead of one");
    }
    if (const Value* no = schema.find("not"); no && !hides(v) && holds(*no, v, depth))
      wrong(path, "subject must not be valid against schema");
  }

  static bool hides(const Value& v) {
    if (is_intrinsic(v)) return true;
    if (v.is_map())
      return std::any_of(v.as_map().begin(), v.as_map().end(), [](const auto& m) { return hides(m.value); });
    return v.is_list() && std::any_of(v.as_list().begin(), v.as_list().end(), hides);
  }

  const Value& root_;
  std::vector<PropertyProblem>& problems_;
};

Value coerced_scalar(const Value& v, const std::vector<std::string_view>& types) {
  if (types.empty()) return v;
  for (std::string_view type : types)
    if (is_exactly(v, type)) return v;
  for (std::string_view type : types) {
    if (!fits(v, type)) continue;
    if (type == "string") return v.is_bool() ? Value(v.as_bool() ? "true" : "false") : Value(to_json(v));
    if (type == "boolean") return Value(v.as_string() == "true");
    if (type == "integer" || type == "number") {
      const double number = number_of(v);
      if (std::trunc(number) == number && std::abs(number) < 9e15) return Value(static_cast<int64_t>(number));
      return Value(number);
    }
  }
  return v;
}

// The schema of the choice that `v` fits, where the schema itself says nothing of what `v` is made of.
const Value& chosen(const Value& root, const Value& schema, const Value& v) {
  for (const char* kind : {"oneOf", "anyOf"})
    if (const Value* list = schema.find(kind); list && list->is_list() && !schema.find("properties"))
      for (const Value& one : list->as_list()) {
        const Value& sub = resolve(root, one);
        const auto types = types_of(sub);
        if (types.empty() ? sub.find("properties") && v.is_map()
                          : std::any_of(types.begin(), types.end(), [&](auto t) { return fits(v, t); }))
          return sub;
      }
  return schema;
}

Value coerce_value(const Value& root, const Value& unresolved, const Value& v, int depth) {
  if (depth > max_depth) return v;
  const Value& schema = chosen(root, resolve(root, unresolved), v);
  if (v.is_map()) {
    const Value* properties = schema.find("properties");
    const Value* patterns = schema.find("patternProperties");
    const Value* additional = schema.find("additionalProperties");
    Value out = Value::map();
    for (const auto& [key, item] : v.as_map()) {
      const Value* sub = properties ? properties->find(key) : nullptr;
      if (!sub && patterns && patterns->is_map())
        for (const auto& [pattern, one] : patterns->as_map())
          if (finds_pattern(pattern, key).value_or(true)) sub = &one;
      if (!sub && additional && additional->is_map()) sub = additional;
      out.set(key, sub ? coerce_value(root, *sub, item, depth + 1) : item);
    }
    return out;
  }
  if (v.is_list()) {
    const Value* items = schema.find("items");
    Value out = Value::list();
    for (const Value& item : v.as_list())
      out.push_back(items && items->is_map() ? coerce_value(root, *items, item, depth + 1) : item);
    return out;
  }
  return is_scalar(v) ? coerced_scalar(v, types_of(schema)) : v;
}

std::vector<std::string> steps(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end) out.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

// Whether one of two paths lies in the other; "*" and numbers stand for any item of a list.
bool related(std::string_view schema_path, std::string_view path) {
  auto own = steps(schema_path), other = steps(path);
  if (!own.empty() && own.front() == "properties") own.erase(own.begin());
  auto is_item = [](const std::string& s) {
    return s == "*" || std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  std::erase_if(own, is_item);
  std::erase_if(other, is_item);
  const std::size_t n = std::min(own.size(), other.size());
  return n && std::equal(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(n), other.begin());
}

bool names_related(const Value& document, std::string_view list, std::string_view path) {
  const Value* paths = document.find(list);
  return paths && paths->is_list() &&
         std::any_of(paths->as_list().begin(), paths->as_list().end(),
                     [&](const Value& p) { return p.is_string() && related(p.as_string(), path); });
}

}  // namespace

bool is_intrinsic(const Value& value) {
  if (value.is_string()) return value.as_string().find("{{resolve:") != std::string::npos;
  if (!value.is_map() || value.as_map().size() != 1) return false;
  const auto& [key, argument] = value.as_map().front();
  // A condition is named; an object of that name is a policy's.
  return key == "Ref" || key.starts_with("Fn::") || (key == "Condition" && argument.is_string());
}

std::vector<PropertyProblem> Schema::check(const Value& properties) const {
  std::vector<PropertyProblem> problems;
  Check(document_, problems).value(document_, properties.is_null() ? Value::map() : properties, "", 0);
  return problems;
}

Value Schema::coerce(const Value& properties) const {
  return properties.is_map() ? coerce_value(document_, document_, properties, 0) : Value::map();
}

Replacement Schema::replacement(std::string_view path) const {
  if (names_related(document_, "createOnlyProperties", path)) return Replacement::always;
  if (names_related(document_, "conditionalCreateOnlyProperties", path)) return Replacement::conditionally;
  return Replacement::never;
}

bool Schema::is_read_only(std::string_view attribute) const {
  std::string path = "/properties/" + std::string(attribute);
  std::replace(path.begin(), path.end(), '.', '/');
  const Value* paths = document_.find("readOnlyProperties");
  return paths && paths->is_list() &&
         std::any_of(paths->as_list().begin(), paths->as_list().end(),
                     [&](const Value& p) { return p.is_string() && p.as_string() == path; });
}

}  // namespace tarn::deploy
