#include "govern/policy_decision.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

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

// Absent for an operator that is not known here.
std::optional<bool> compares(std::string_view op, const Value& wanted, const std::string& have) {
  auto any = [&](auto test) { return any_of(&wanted, test); };
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
  const bool if_exists = op.ends_with("IfExists");
  if (if_exists) op.resize(op.size() - 8);
  const std::size_t negation = op.find("Not");
  if (negation != op.npos) op.erase(negation, 3);
  if (!have) return if_exists || negation != op.npos;
  const auto same = compares(op, wanted, *have);
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

bool is_about(const Value& statement, const PolicyRequest& request) {
  if (!statement.is_map()) return false;
  auto action = [&](const std::string& pattern) { return matches(lower(pattern), lower(request.action)); };
  auto resource = [&](const std::string& pattern) { return matches(pattern, request.resource_arn); };
  const Value *not_principal = statement.find("NotPrincipal"), *not_action = statement.find("NotAction"),
              *not_resource = statement.find("NotResource");
  return (not_principal ? !names(not_principal, request.service)
                        : names(statement.find("Principal"), request.service)) &&
         (not_action ? !any_of(not_action, action) : any_of(statement.find("Action"), action)) &&
         (not_resource ? !any_of(not_resource, resource) : any_of(statement.find("Resource"), resource)) &&
         conditions_hold(statement.find("Condition"), request, statement.string_or("Effect") != "Allow");
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

}  // namespace tarn::govern
