#include "govern/policy.hpp"

#include <set>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::govern {
namespace {

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorKind::caller, "MalformedPolicyDocument", what);
}

bool is_strings(const Value& v) {
  if (v.is_string()) return true;
  if (!v.is_list() || v.as_list().empty()) return false;
  for (const Value& item : v.as_list())
    if (!item.is_string()) return false;
  return true;
}

void check_one_of(const Value& statement, const char* element, const char* negated, const std::string& where,
                  bool wanted) {
  const Value* plain = statement.find(element);
  const Value* inverse = statement.find(negated);
  if (plain && inverse) malformed(where + " has both " + element + " and " + negated + ".");
  if (!wanted && (plain || inverse))
    malformed(where + " has prohibited field " + std::string(plain ? element : negated) + ".");
  if (wanted && !plain && !inverse) malformed(where + " is missing required field " + element + ".");
}

void check_principal(const Value& principal, const std::string& where) {
  if (principal.is_string() && principal.as_string() == "*") return;
  static const std::set<std::string> kinds{"AWS", "Service", "Federated", "CanonicalUser"};
  if (!principal.is_map() || principal.as_map().empty()) malformed(where + ": Principal is \"*\" or an object.");
  for (const auto& [kind, names] : principal.as_map()) {
    if (!kinds.contains(kind)) malformed(where + ": Invalid principal in policy: " + kind + ".");
    if (!is_strings(names)) malformed(where + ": Principal." + kind + " is a string or a list of strings.");
  }
}

void check_condition(const Value& condition, const std::string& where) {
  if (!condition.is_map()) malformed(where + ": Condition is an object.");
  for (const auto& [op, keys] : condition.as_map()) {
    if (!keys.is_map()) malformed(where + ": Condition." + op + " is an object of keys and values.");
    for (const auto& [key, values] : keys.as_map()) {
      const bool scalar = values.is_string() || values.is_bool() || values.is_number();
      if (!scalar && !values.is_list())
        malformed(where + ": Condition." + op + "." + key + " is a value or a list of values.");
    }
  }
}

void check_actions(const Value& actions, const std::string& where) {
  if (!is_strings(actions)) malformed(where + ": Action is a string or a list of strings.");
  const ValueList one{actions};
  for (const Value& action : actions.is_list() ? actions.as_list() : one) {
    const auto& text = action.as_string();
    auto colon = text.find(':');
    if (text != "*" && (colon == std::string::npos || colon == 0 || colon + 1 == text.size()))
      malformed(where + ": Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: " + text);
  }
}

void check_statement(const Value& s, PolicyKind kind, const std::string& where) {
  static const std::set<std::string> known{"Sid",         "Effect",    "Action",       "NotAction", "Resource",
                                           "NotResource", "Principal", "NotPrincipal", "Condition"};
  if (!s.is_map()) malformed(where + " is no object.");
  for (const auto& [name, value] : s.as_map())
    if (!known.contains(name)) malformed(where + " has unknown field " + name + ".");
  const Value* effect = s.find("Effect");
  if (!effect || !effect->is_string() || (effect->as_string() != "Allow" && effect->as_string() != "Deny"))
    malformed(where + ": Effect is Allow or Deny.");
  check_one_of(s, "Action", "NotAction", where, true);
  check_one_of(s, "Resource", "NotResource", where, kind != PolicyKind::trust);
  check_one_of(s, "Principal", "NotPrincipal", where, kind != PolicyKind::identity);
  for (const char* name : {"Action", "NotAction"})
    if (const Value* v = s.find(name)) check_actions(*v, where);
  for (const char* name : {"Resource", "NotResource"})
    if (const Value* v = s.find(name); v && !is_strings(*v))
      malformed(where + ": " + name + " is a string or a list of strings.");
  for (const char* name : {"Principal", "NotPrincipal"})
    if (const Value* v = s.find(name)) check_principal(*v, where);
  if (const Value* condition = s.find("Condition")) check_condition(*condition, where);
}

}  // namespace

void check_policy(std::string_view document, PolicyKind kind) {
  Value policy;
  try {
    policy = parse_json(document);
  } catch (const Error& e) {
    malformed("The policy is no JSON: " + e.message());
  }
  if (!policy.is_map()) malformed("Syntax errors in policy: it is no object.");
  if (const Value* version = policy.find("Version"))
    if (!version->is_string() || (version->as_string() != "2012-10-17" && version->as_string() != "2008-10-17"))
      malformed("The policy's Version must be 2012-10-17 or 2008-10-17.");
  for (const auto& [name, value] : policy.as_map())
    if (name != "Version" && name != "Id" && name != "Statement")
      malformed("Syntax errors in policy: unknown field " + name + ".");
  const Value* statements = policy.find("Statement");
  if (!statements) malformed("Syntax errors in policy: Statement is missing.");
  if (statements->is_map()) return check_statement(*statements, kind, "Statement 1");
  if (!statements->is_list() || statements->as_list().empty())
    malformed("Syntax errors in policy: Statement is empty.");
  int number = 0;
  for (const Value& s : statements->as_list()) check_statement(s, kind, "Statement " + std::to_string(++number));
}

}  // namespace tarn::govern
