#include "notify/event_pattern.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::notify {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidEventPattern", what);
}

constexpr int max_depth = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

struct Network {
  std::array<unsigned char, 16> address{};
  int family = 0, bits = 0;
};

std::optional<Network> parse_address(const std::string& text) {
  Network out;
  for (int family : {AF_INET, AF_INET6})
    if (::inet_pton(family, text.c_str(), out.address.data()) == 1) {
      out.family = family;
      out.bits = family == AF_INET ? 32 : 128;
      return out;
    }
  return std::nullopt;
}

std::optional<Network> parse_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  auto out = parse_address(text.substr(0, slash));
  if (!out || slash == std::string::npos) return std::nullopt;
  int bits = -1;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + slash + 1, end, bits);
  if (error != std::errc() || rest != end || bits < 0 || bits > out->bits) return std::nullopt;
  out->bits = bits;
  return out;
}

bool contains(const Network& network, const Network& address) {
  if (network.family != address.family) return false;
  for (int bit = 0; bit < network.bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((network.address[byte] & mask) != (address.address[byte] & mask)) return false;
  }
  return true;
}

// '*' stands for any characters; "\*" and "\\" for themselves.
bool matches_wildcard(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p + (escaped ? 1 : 0)] == text[t]) {
      p += escaped ? 2 : 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

struct Matcher {
  enum class Kind { equal, prefix, suffix, equal_ignoring_case, wildcard, anything_but, numeric, cidr, exists } kind;
  Value value;                 // equal
  std::string text;            // prefix ... wildcard; lower-case where it ignores case
  bool ignores_case = false;   // prefix, suffix
  bool wanted = true;          // exists
  std::vector<Matcher> inner;  // anything_but
  std::vector<std::pair<std::string, double>> comparisons;
  Network network;

  bool matches(const Value& v) const;

 private:
  bool matches_text(const std::string& given) const;
  bool matches_number(double number) const;
};

bool Matcher::matches_text(const std::string& given) const {
  switch (kind) {
    case Kind::prefix:
      return (ignores_case ? lower(given) : given).starts_with(text);
    case Kind::suffix:
      return (ignores_case ? lower(given) : given).ends_with(text);
    case Kind::equal_ignoring_case:
      return lower(given) == text;
    case Kind::wildcard:
      return matches_wildcard(text, given);
    case Kind::cidr: {
      auto address = parse_address(given);
      return address && contains(network, *address);
    }
    default:
      return false;
  }
}

bool Matcher::matches_number(double number) const {
  return std::all_of(comparisons.begin(), comparisons.end(), [&](const auto& c) {
    return c.first == "="    ? number == c.second
           : c.first == "<"  ? number < c.second
           : c.first == "<=" ? number <= c.second
           : c.first == ">"  ? number > c.second
                             : number >= c.second;
  });
}

bool Matcher::matches(const Value& v) const {
  switch (kind) {
    case Kind::exists:
      return wanted;
    case Kind::equal:
      return value.is_number() && v.is_number() ? value.as_double() == v.as_double() : value == v;
    case Kind::anything_but:
      return !v.is_map() && std::none_of(inner.begin(), inner.end(), [&](const Matcher& m) { return m.matches(v); });
    case Kind::numeric:
      return v.is_number() && matches_number(v.as_double());
    default:
      return v.is_string() && matches_text(v.as_string());
  }
}

bool is_scalar(const Value& v) {
  return v.is_null() || v.is_bool() || v.is_number() || v.is_string();
}

Matcher equal_to(const Value& v) {
  Matcher out;
  out.kind = Matcher::Kind::equal;
  out.value = v;
  return out;
}

void parse_numeric(const Value& v, Matcher& out) {
  static constexpr std::array<std::string_view, 5> operators{"=", "<", "<=", ">", ">="};
  if (!v.is_list() || (v.as_list().size() != 2 && v.as_list().size() != 4))
    invalid("Value of numeric must be an array of an operator and a number, once or twice");
  const ValueList& parts = v.as_list();
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    if (!parts[i].is_string() || std::find(operators.begin(), operators.end(), parts[i].as_string()) == operators.end())
      invalid("Unrecognized numeric range operator");
    if (!parts[i + 1].is_number()) invalid("Value of " + parts[i].as_string() + " must be numeric");
    out.comparisons.emplace_back(parts[i].as_string(), parts[i + 1].as_double());
  }
  if (parts.size() == 2) return;
  const bool up = out.comparisons[0].first[0] == '>' && out.comparisons[1].first[0] == '<';
  if (!up || out.comparisons[0].second >= out.comparisons[1].second)
    invalid("Bottom must be less than top in a numeric range");
}

Matcher parse_matcher(const Value& v, bool within_anything_but = false);

void parse_text(const std::string& name, const Value& v, Matcher& out) {
  using Kind = Matcher::Kind;
  out.kind = name == "prefix"     ? Kind::prefix
             : name == "suffix"   ? Kind::suffix
             : name == "wildcard" ? Kind::wildcard
                                  : Kind::equal_ignoring_case;
  const Value* folded = name == "prefix" || name == "suffix" ? v.find("equals-ignore-case") : nullptr;
  const Value& text = folded ? *folded : v;
  if (!text.is_string()) invalid(name + " match pattern must be a string");
  if (out.kind == Kind::wildcard && text.as_string().find("**") != std::string::npos)
    invalid("Consecutive wildcard characters are not allowed");
  out.ignores_case = folded != nullptr;
  out.text = folded || out.kind == Kind::equal_ignoring_case ? lower(text.as_string()) : text.as_string();
}

// Values, or one object whose value may be a list: {"prefix": ["a", "b"]}.
void parse_anything_but(const Value& v, Matcher& out) {
  out.kind = Matcher::Kind::anything_but;
  if (v.is_map()) {
    if (v.as_map().size() != 1) invalid("anything-but must have one matcher");
    const auto& [name, values] = v.as_map().front();
    const ValueList one{values};
    for (const Value& value : values.is_list() ? values.as_list() : one)
      out.inner.push_back(parse_matcher(Value::map({{name, value}}), true));
  } else if (v.is_list()) {
    for (const Value& item : v.as_list()) {
      if (!item.is_string() && !item.is_number())
        invalid("Inside anything but list, start|null|boolean is not supported.");
      out.inner.push_back(equal_to(item));
    }
  } else if (v.is_string() || v.is_number()) {
    out.inner.push_back(equal_to(v));
  }
  if (out.inner.empty()) invalid("Value of anything-but must be an array or single string/number value.");
}

Matcher parse_matcher(const Value& v, bool within_anything_but) {
  if (is_scalar(v)) return equal_to(v);
  if (!v.is_map() || v.as_map().size() != 1)
    invalid("Match value must be String, number, true, false, null, or an object of one matcher");
  const auto& [name, value] = v.as_map().front();
  Matcher out;
  out.kind = Matcher::Kind::equal;
  if (name == "prefix" || name == "suffix" || name == "equals-ignore-case" || name == "wildcard") {
    parse_text(name, value, out);
  } else if (within_anything_but) {
    invalid("Unsupported anything-but pattern: " + name);
  } else if (name == "anything-but") {
    parse_anything_but(value, out);
  } else if (name == "numeric") {
    out.kind = Matcher::Kind::numeric;
    parse_numeric(value, out);
  } else if (name == "exists") {
    out.kind = Matcher::Kind::exists;
    if (!value.is_bool()) invalid("exists match pattern must be either true or false.");
    out.wanted = value.as_bool();
  } else if (name == "cidr") {
    out.kind = Matcher::Kind::cidr;
    auto network = value.is_string() ? parse_network(value.as_string()) : std::nullopt;
    if (!network) invalid("Malformed CIDR, one '/' required");
    out.network = *network;
  } else {
    invalid("Unrecognized match type " + name);
  }
  return out;
}

}  // namespace

struct EventPattern::Node {
  struct Field {
    std::string name;
    std::vector<Matcher> matchers;
    std::unique_ptr<Node> inside;  // in place of matchers
  };
  std::vector<Field> fields;
  std::vector<std::vector<std::unique_ptr<Node>>> alternatives;  // of each "$or"

  static std::unique_ptr<Node> parse(const Value& v, int depth);
  bool matches(const Value& event) const;
  static bool matches(const Field& field, const Value& event);
  std::size_t keys() const;
  double combinations(int depth) const;
};

std::unique_ptr<EventPattern::Node> EventPattern::Node::parse(const Value& v, int depth) {
  if (!v.is_map()) invalid("Filter is not an object");
  if (v.as_map().empty()) invalid("Empty objects are not allowed");
  if (depth > max_depth) invalid("The pattern is nested too deeply");
  auto out = std::make_unique<Node>();
  for (const auto& [name, value] : v.as_map()) {
    if (name == "$or" && value.is_list() && value.as_list().size() > 1) {
      auto& any = out->alternatives.emplace_back();
      for (const Value& one : value.as_list()) any.push_back(parse(one, depth + 1));
      continue;
    }
    Field field;
    field.name = name;
    if (value.is_map()) {
      field.inside = parse(value, depth + 1);
    } else {
      if (!value.is_list()) invalid("\"" + name + "\" must be an object or an array");
      if (value.as_list().empty()) invalid("Empty arrays are not allowed");
      for (const Value& one : value.as_list()) field.matchers.push_back(parse_matcher(one));
    }
    out->fields.push_back(std::move(field));
  }
  return out;
}

// Of an array one item is enough, and of an array within it too.
template <class Matches>
bool any_item(const Value& v, const Matches& matches) {
  if (!v.is_list()) return matches(v);
  return std::any_of(v.as_list().begin(), v.as_list().end(),
                     [&](const Value& item) { return any_item(item, matches); });
}

bool EventPattern::Node::matches(const Field& field, const Value& event) {
  const Value* given = event.find(field.name);
  if (field.inside) {
    if (given && given->is_list())
      return any_item(*given, [&](const Value& item) { return field.inside->matches(item); });
    static const Value nothing = Value::map();
    return field.inside->matches(given && given->is_map() ? *given : nothing);
  }
  return std::any_of(field.matchers.begin(), field.matchers.end(), [&](const Matcher& m) {
    if (m.kind == Matcher::Kind::exists) return m.wanted == (given != nullptr && !given->is_map());
    return given && any_item(*given, [&](const Value& item) { return m.matches(item); });
  });
}

bool EventPattern::Node::matches(const Value& event) const {
  return std::all_of(fields.begin(), fields.end(), [&](const Field& f) { return matches(f, event); }) &&
         std::all_of(alternatives.begin(), alternatives.end(), [&](const auto& any) {
           return std::any_of(any.begin(), any.end(), [&](const auto& one) { return one->matches(event); });
         });
}

std::size_t EventPattern::Node::keys() const {
  std::size_t out = 0;
  for (const Field& f : fields) out += f.inside ? f.inside->keys() : 1;
  for (const auto& any : alternatives)
    for (const auto& one : any) out += one->keys();
  return out;
}

double EventPattern::Node::combinations(int depth) const {
  double out = 1;
  for (const Field& f : fields)
    out *= f.inside ? f.inside->combinations(depth + 1) : static_cast<double>(f.matchers.size()) * depth;
  for (const auto& any : alternatives) {
    double sum = 0;
    for (const auto& one : any) sum += one->combinations(depth);
    out *= sum;
  }
  return out;
}

EventPattern::EventPattern(std::string_view json) {
  try {
    root_ = Node::parse(parse_json(json), 1);
  } catch (const Error& e) {
    if (e.code() == "InvalidEventPattern") throw;
    invalid("Filter is not valid JSON: " + e.message());
  }
}
EventPattern::~EventPattern() = default;
EventPattern::EventPattern(EventPattern&&) noexcept = default;
EventPattern& EventPattern::operator=(EventPattern&&) noexcept = default;

bool EventPattern::matches(const Value& event) const {
  return root_->matches(event);
}
std::size_t EventPattern::keys() const {
  return root_->keys();
}
double EventPattern::combinations() const {
  return root_->combinations(1);
}
bool EventPattern::nested() const {
  return std::any_of(root_->fields.begin(), root_->fields.end(), [](const auto& f) { return f.inside != nullptr; });
}

}  // namespace tarn::notify
