#include "deploy/stack_policy.hpp"

#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::deploy {
namespace {

[[noreturn]] void wrong(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationError", "Error validating stack policy: " + what);
}

std::vector<std::string> texts(const Value* v) {
  std::vector<std::string> out;
  if (!v) return out;
  if (v->is_string()) out.push_back(v->as_string());
  if (v->is_list())
    for (const Value& one : v->as_list())
      if (one.is_string()) out.push_back(one.as_string());
  return out;
}

// '*' is any text.
bool fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == text[t] || pattern[p] == '?')) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool fits_any(const std::vector<std::string>& patterns, std::string_view text) {
  for (const std::string& p : patterns)
    if (fits(p, text)) return true;
  return false;
}

bool condition_holds(const Value& condition, std::string_view type) {
  for (const auto& [test, keys] : condition.as_map())
    for (const auto& [key, values] : keys.as_map()) {
      const auto wanted = texts(&values);
      bool any = false;
      for (const std::string& one : wanted) any = any || (test == "StringEquals" ? one == type : fits(one, type));
      if (!any) return false;
    }
  return true;
}

bool concerns(const Value& statement, std::string_view action, std::string_view resource, std::string_view type) {
  if (const Value* actions = statement.find("Action"); actions && !fits_any(texts(actions), action)) return false;
  if (const Value* actions = statement.find("NotAction"); actions && fits_any(texts(actions), action)) return false;
  if (const Value* of = statement.find("Resource"); of && !fits_any(texts(of), resource)) return false;
  if (const Value* of = statement.find("NotResource"); of && fits_any(texts(of), resource)) return false;
  const Value* condition = statement.find("Condition");
  return !condition || condition_holds(*condition, type);
}

ValueList statements_of(const Value& document) {
  const Value& s = document.at("Statement");
  return s.is_list() ? s.as_list() : ValueList{s};
}

void check_condition(const Value& condition) {
  if (!condition.is_map()) wrong("Condition is no object");
  for (const auto& [test, keys] : condition.as_map()) {
    if (test != "StringEquals" && test != "StringLike") wrong("Unknown condition operator " + test);
    if (!keys.is_map()) wrong("Condition is no object");
    for (const auto& [key, values] : keys.as_map())
      if (key != "ResourceType") wrong("Unknown condition key " + key);
  }
}

void check_statement(const Value& s) {
  if (!s.is_map()) wrong("Statement is no object");
  for (const auto& [name, v] : s.as_map())
    if (name != "Effect" && name != "Action" && name != "NotAction" && name != "Principal" && name != "Resource" &&
        name != "NotResource" && name != "Condition" && name != "Sid")
      wrong("Unknown field " + name);
  const std::string effect = s.string_or("Effect");
  if (effect != "Allow" && effect != "Deny") wrong("Effect must be Allow or Deny");
  if (!s.find("Action") && !s.find("NotAction")) wrong("A statement needs an Action");
  for (const char* name : {"Action", "NotAction"})
    for (const std::string& action : texts(s.find(name)))
      if (action != "Update:*" && action != "Update:Modify" && action != "Update:Replace" &&
          action != "Update:Delete" && action != "*")
        wrong("Unknown action " + action);
  if (s.string_or("Principal") != "*") wrong("Principal must be \"*\"");
  if (!s.find("Resource") && !s.find("NotResource")) wrong("A statement needs a Resource");
  for (const char* name : {"Resource", "NotResource"})
    for (const std::string& resource : texts(s.find(name)))
      if (resource != "*" && !resource.starts_with("LogicalResourceId/")) wrong("Invalid resource " + resource);
  if (const Value* condition = s.find("Condition")) check_condition(*condition);
}

}  // namespace

void check_stack_policy(const std::string& policy) {
  if (policy.size() > 16 * 1024) wrong("A stack policy has at most 16384 bytes");
  Value document;
  try {
    document = parse_json(policy);
  } catch (const Error& e) {
    wrong("Invalid JSON: " + e.message());
  }
  if (!document.is_map() || !document.find("Statement")) wrong("It has no Statement");
  for (const Value& s : statements_of(document)) check_statement(s);
}

std::optional<std::string> stack_policy_denial(const std::string& policy, std::string_view action,
                                               const std::string& logical_id, std::string_view type) {
  if (policy.empty()) return std::nullopt;
  const Value document = parse_json(policy);
  const std::string resource = "LogicalResourceId/" + logical_id;
  bool allowed = false;
  int number = 0;
  for (const Value& s : statements_of(document)) {
    ++number;
    if (!concerns(s, action, resource, type)) continue;
    if (s.string_or("Effect") == "Deny")
      return "Action denied by stack policy: Statement [#" + std::to_string(number) + "] does not allow [" +
             std::string(action) + "] for resource [" + resource + "];";
    allowed = true;
  }
  if (allowed) return std::nullopt;
  return "Action denied by stack policy: no statement allows [" + std::string(action) + "] for resource [" + resource +
         "];";
}

}  // namespace tarn::deploy
