#include "orchestrate/states/choice.hpp"

#include <map>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace tarn::states {
namespace {

// "StringLessThanEqualsPath" taken apart: what is compared, how, and whether with a path.
struct Comparison {
  char type = 0;         // s, n, b, t; i: one of the Is...
  std::string_view how;  // "Equals", "LessThan", "Matches", "Present"
  bool with_path = false;
};

std::optional<Comparison> parse_comparison(std::string_view name) {
  Comparison out;
  if (name.starts_with("Is")) {
    out = {'i', name.substr(2), false};
    for (std::string_view what : {"Null", "Present", "Numeric", "String", "Boolean", "Timestamp"})
      if (out.how == what) return out;
    return std::nullopt;
  }
  if (name.ends_with("Path")) {
    out.with_path = true;
    name.remove_suffix(4);
  }
  for (auto [prefix, type] :
       {std::pair{"String", 's'}, std::pair{"Numeric", 'n'}, std::pair{"Boolean", 'b'}, std::pair{"Timestamp", 't'}}) {
    if (!name.starts_with(prefix)) continue;
    out.type = type;
    out.how = name.substr(std::string_view(prefix).size());
    if (out.how == "Equals") return out;
    if (out.how == "Matches" && type == 's' && !out.with_path) return out;
    for (std::string_view how : {"LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"})
      if (out.how == how && type != 'b') return out;
  }
  return std::nullopt;
}

bool is_test(std::string_view what, const Value& v) {
  if (what == "Null") return v.is_null();
  if (what == "Numeric") return v.is_number();
  if (what == "String") return v.is_string();
  if (what == "Boolean") return v.is_bool();
  return v.is_string() && parse_timestamp(v.as_string());  // Timestamp
}

// Below, equal, above; absent where the two are not both of that type.
std::optional<int> order(char type, const Value& a, const Value& b) {
  auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (type == 'n' && a.is_number() && b.is_number()) return sign(a.as_double(), b.as_double());
  if (type == 'b' && a.is_bool() && b.is_bool()) return sign(a.as_bool(), b.as_bool());
  if (!a.is_string() || !b.is_string()) return std::nullopt;
  if (type == 's') return sign(a.as_string(), b.as_string());
  if (type != 't') return std::nullopt;
  const auto x = parse_timestamp(a.as_string()), y = parse_timestamp(b.as_string());
  if (!x || !y) return std::nullopt;
  return sign(*x, *y);
}

bool compare(const Comparison& c, const Value& variable, const Value& operand) {
  if (c.how == "Matches")
    return variable.is_string() && operand.is_string() && string_matches(variable.as_string(), operand.as_string());
  const auto o = order(c.type, variable, operand);
  if (!o) return false;
  if (c.how == "Equals") return *o == 0;
  if (c.how == "LessThan") return *o < 0;
  if (c.how == "GreaterThan") return *o > 0;
  return c.how == "LessThanEquals" ? *o <= 0 : *o >= 0;
}

bool one_holds(const Value& rule, const Data& data) {
  const auto name = comparison_of(rule);
  const auto comparison = name ? parse_comparison(*name) : std::nullopt;
  if (!comparison) throw Error(ErrorKind::caller, "States.Runtime", "The choice rule has no comparison.");
  const std::string& path = rule.at("Variable").as_string();
  const std::optional<Value> variable = read_path(path, data);
  const Value& operand = rule.at(*name);
  if (comparison->how == "Present" && comparison->type == 'i') return variable.has_value() == operand.as_bool();
  if (!variable)
    throw Error(ErrorKind::caller, "States.Runtime",
                "Invalid path '" + path + "': The choice state's condition path references an invalid value.");
  if (comparison->type == 'i') return is_test(comparison->how, *variable) == operand.as_bool();
  if (!comparison->with_path) return compare(*comparison, *variable, operand);
  const std::optional<Value> other = read_path(operand.as_string(), data);
  if (!other)
    throw Error(
        ErrorKind::caller, "States.Runtime",
        "Invalid path '" + operand.as_string() + "': The choice state's condition path references an invalid value.");
  return compare(*comparison, *variable, *other);
}

}  // namespace

bool choice_holds(const Value& rule, const Data& data) {
  if (const Value* parts = rule.find("And")) {
    for (const Value& part : parts->as_list())
      if (!choice_holds(part, data)) return false;
    return true;
  }
  if (const Value* parts = rule.find("Or")) {
    for (const Value& part : parts->as_list())
      if (choice_holds(part, data)) return true;
    return false;
  }
  if (const Value* part = rule.find("Not")) return !choice_holds(*part, data);
  return one_holds(rule, data);
}

std::optional<std::string> comparison_of(const Value& rule) {
  std::optional<std::string> out;
  for (const ValueMember& m : rule.as_map()) {
    if (!parse_comparison(m.key)) continue;
    if (out) return std::nullopt;
    out = m.key;
  }
  return out;
}

char operand_of(std::string_view comparison) {
  const auto c = parse_comparison(comparison);
  return !c ? 0 : c->with_path ? 'p' : c->type == 'i' ? 'b' : c->type;
}

bool string_matches(std::string_view text, std::string_view pattern) {
  // Greedy with one place to go back to: the last '*'.
  std::size_t t = 0, p = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && pattern[p + (escaped ? 1 : 0)] == text[t]) {
      p += escaped ? 2 : 1;
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<Time> parse_timestamp(std::string_view text) {
  if (text.size() < 20 || text[10] != 'T') return std::nullopt;
  const bool zoned = text.back() == 'Z' || text.find_first_of("+-", 19) != std::string_view::npos;
  return zoned ? parse_iso8601(text) : std::nullopt;
}

}  // namespace tarn::states
