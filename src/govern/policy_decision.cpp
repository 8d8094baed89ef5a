#include "govern/policy_decision.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::govern {
namespace {

// A policy may have one statement that is no list.
ValueList statements_of(const Value& policy) {
  const Value* statements = policy.is_map() ? policy.find("Statement") : nullptr;
  if (!statements) return {};
  return statements->is_list() ? statements->as_list() : ValueList{*statements};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// "*" stands for any text, "?" for any character.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == text[t] && pattern[p] != '*'))) {
      p++, t++;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

// A text of its own, or any of a list.
template <class Test>
bool any_of(const Value* texts, Test test) {
  if (!texts) return false;
  auto is = [&](const Value& v) {
    return test(v.is_bool() ? std::string(v.as_bool() ? "true" : "false") : v.is_string() ? v.as_string() : "");
  };
  if (!texts->is_list()) return is(*texts);
  return std::any_of(texts->as_list().begin(), texts->as_list().end(), is);
}

bool names(const Value* principal, const std::string& service) {
  if (!principal) return false;
  if (principal->is_string()) return principal->as_string() == "*";
  const bool service_is_named =
      !service.empty() && any_of(principal->find("Service"), [&](const std::string& s) { return s == service; });
  return service_is_named || any_of(principal->find("AWS"), [](const std::string& s) { return s == "*"; });
}

// Absent where the request has no such key.
std::optional<std::string> condition_key(const std::string& name, const PolicyRequest& request) {
  auto found = request.keys.find(lower(name));
  return found == request.keys.end() ? std::nullopt : std::optional(found->second);
}

// The text with its variables ("${aws:username}") replaced; absent where the request lacks one. ${*}, ${?} and ${$} are
// those signs themselves, which matter to patterns: they are given back as they are.
std::optional<std::string> substituted(const std::string& text, const PolicyRequest& request) {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const auto open = text.find("${", at);
    const auto close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) return out + text.substr(at);
    out += text.substr(at, open - at);
    std::string name = text.substr(open + 2, close - open - 2);
    at = close + 1;
    std::optional<std::string> otherwise;  // ${key, 'default'}
    if (const auto comma = name.find(','); comma != name.npos) {
      const auto first = name.find('\'', comma), last = name.rfind('\'');
      if (first != name.npos && last > first) otherwise = name.substr(first + 1, last - first - 1);
      name.resize(comma);
    }
    if (name == "*" || name == "?" || name == "$") {
      out += name;
      continue;
    }
    const auto value = condition_key(name, request);
    if (!value && !otherwise) return std::nullopt;
    out += value ? *value : *otherwise;
  }
}

// -1, 0, 1: whether `have` comes before, is, or comes after `wanted`; absent where one of them is none.
std::optional<int> numeric_order(const std::string& have, const std::string& wanted) {
  double a = 0, b = 0;
  for (auto [text, into] : {std::pair{&have, &a}, std::pair{&wanted, &b}})
    if (auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *into);
        error != std::errc() || end != text->data() + text->size())
      return std::nullopt;
  return a < b ? -1 : a > b ? 1 : 0;
}
std::optional<int> date_order(const std::string& have, const std::string& wanted) {
  const auto a = parse_iso8601(have), b = parse_iso8601(wanted);
  if (!a || !b) return std::nullopt;
  return *a < *b ? -1 : *a > *b ? 1 : 0;
}

// "LessThanEquals" and its like, of numbers and dates.
std::optional<bool> orders(std::string_view relation, const Value& wanted, const std::string& have,
                           std::optional<int> (*order)(const std::string&, const std::string&)) {
  auto any = [&](auto test) {
    return any_of(&wanted, [&](const std::string& w) {
      const auto place = order(have, w);
      return place && test(*place);
    });
  };
  if (relation == "Equals") return any([](int p) { return p == 0; });
  if (relation == "LessThan") return any([](int p) { return p < 0; });
  if (relation == "LessThanEquals") return any([](int p) { return p <= 0; });
  if (relation == "GreaterThan") return any([](int p) { return p > 0; });
  if (relation == "GreaterThanEquals") return any([](int p) { return p >= 0; });
  return std::nullopt;
}

// Absent for an operator that is not known here.
std::optional<bool> compares(std::string_view op, const Value& wanted, const std::string& have,
                             const PolicyRequest& request) {
  auto any = [&](auto test) {
    return any_of(&wanted, [&](const std::string& w) {
      const auto text = substituted(w, request);
      return text && test(*text);
    });
  };
  if (op.starts_with("Numeric")) return orders(op.substr(7), wanted, have, numeric_order);
  if (op.starts_with("Date")) return orders(op.substr(4), wanted, have, date_order);
  if (op == "StringEquals" || op == "Bool") return any([&](const std::string& w) { return w == have; });
  if (op == "StringEqualsIgnoreCase") return any([&](const std::string& w) { return lower(w) == lower(have); });
  if (op == "StringLike" || op == "ArnLike" || op == "ArnEquals")
    return any([&](const std::string& w) { return matches(w, have); });
  return std::nullopt;
}

// `unknown` is what an operator that is not known counts as.
bool holds(std::string op, const std::string& key, const Value& wanted, const PolicyRequest& request, bool unknown) {
  const auto have = condition_key(key, request);
  if (op == "Null") return any_of(&wanted, [&](const std::string& w) { return (w == "true") == !have.has_value(); });
  // Of a set: each of its values, or any; none at all satisfies the first.
  const bool all = op.starts_with("ForAllValues:");
  if (all || op.starts_with("ForAnyValue:")) {
    const std::string inner = op.substr(op.find(':') + 1);
    const auto list = request.lists.find(lower(key));
    std::vector<std::string> values = list != request.lists.end() ? list->second : std::vector<std::string>{};
    if (values.empty() && have) values.push_back(*have);
    auto one = [&](const std::string& value) {
      PolicyRequest of_one = request;
      of_one.keys[lower(key)] = value;
      return holds(inner, key, wanted, of_one, unknown);
    };
    return all ? std::all_of(values.begin(), values.end(), one) : std::any_of(values.begin(), values.end(), one);
  }
  const bool if_exists = op.ends_with("IfExists");
  if (if_exists) op.resize(op.size() - 8);
  const std::size_t negation = op.find("Not");
  if (negation != op.npos) op.erase(negation, 3);
  if (!have) return if_exists || negation != op.npos;
  const auto same = compares(op, wanted, *have, request);
  return same ? *same == (negation == op.npos) : unknown;
}

bool conditions_hold(const Value* condition, const PolicyRequest& request, bool unknown) {
  if (!condition) return true;
  if (!condition->is_map()) return unknown;
  for (const auto& [op, keys] : condition->as_map()) {
    if (!keys.is_map()) return unknown;
    for (const auto& [key, wanted] : keys.as_map())
      if (!holds(op, key, wanted, request, unknown)) return false;
  }
  return true;
}

// Action, resource and conditions: all but whom it is about.
bool is_about_what(const Value& statement, const PolicyRequest& request) {
  auto action = [&](const std::string& pattern) { return matches(lower(pattern), lower(request.action)); };
  auto resource = [&](const std::string& pattern) {
    const auto text = substituted(pattern, request);
    return text && matches(*text, request.resource_arn);
  };
  const Value *not_action = statement.find("NotAction"), *not_resource = statement.find("NotResource");
  return (not_action ? !any_of(not_action, action) : any_of(statement.find("Action"), action)) &&
         (not_resource ? !any_of(not_resource, resource) : any_of(statement.find("Resource"), resource)) &&
         conditions_hold(statement.find("Condition"), request, statement.string_or("Effect") != "Allow");
}

bool is_about(const Value& statement, const PolicyRequest& request) {
  if (!statement.is_map()) return false;
  const Value* not_principal = statement.find("NotPrincipal");
  return (not_principal ? !names(not_principal, request.service)
                        : names(statement.find("Principal"), request.service)) &&
         is_about_what(statement, request);
}

// Every text in the value that may hold variables.
void gather_variables(const Value& value, std::set<std::string>& out) {
  if (value.is_list())
    for (const Value& item : value.as_list()) gather_variables(item, out);
  else if (value.is_map())
    for (const auto& member : value.as_map()) gather_variables(member.value, out);
  if (!value.is_string()) return;
  const std::string& text = value.as_string();
  for (auto open = text.find("${"); open != text.npos; open = text.find("${", open + 2)) {
    const auto end = text.find_first_of(",}", open);
    const std::string name = end == text.npos ? "" : text.substr(open + 2, end - open - 2);
    if (name.size() > 1) out.insert(name);
  }
}

}  // namespace

bool policy_allows(std::string_view policy, const PolicyRequest& request) {
  if (policy.empty()) return false;
  bool allowed = false;
  try {
    for (const Value& statement : statements_of(parse_json(policy))) {
      if (!is_about(statement, request)) continue;
      if (statement.string_or("Effect") != "Allow") return false;
      allowed = true;
    }
  } catch (const Error&) {
    return false;
  }
  return allowed;
}

Decided decide(std::span<const std::string> policies, const PolicyRequest& request) {
  std::vector<std::size_t> allowing, denying;
  for (std::size_t i = 0; i < policies.size(); i++) {
    bool allows = false, denies = false;
    try {
      for (const Value& statement : statements_of(parse_json(policies[i])))
        if (statement.is_map() && is_about_what(statement, request))
          (statement.string_or("Effect") == "Allow" ? allows : denies) = true;
    } catch (const Error&) {
      continue;
    }
    if (allows) allowing.push_back(i);
    if (denies) denying.push_back(i);
  }
  if (!denying.empty()) return {Decision::explicit_deny, std::move(denying)};
  if (!allowing.empty()) return {Decision::allowed, std::move(allowing)};
  return {};
}

std::set<std::string> condition_keys(std::string_view policy) {
  std::set<std::string> out;
  try {
    for (const Value& statement : statements_of(parse_json(policy))) {
      gather_variables(statement, out);
      const Value* condition = statement.is_map() ? statement.find("Condition") : nullptr;
      if (!condition || !condition->is_map()) continue;
      for (const auto& op : condition->as_map())
        if (op.value.is_map())
          for (const auto& key : op.value.as_map()) out.insert(key.key);
    }
  } catch (const Error&) {
    return {};
  }
  return out;
}

}  // namespace tarn::govern
