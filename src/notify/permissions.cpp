#include "notify/permissions.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::notify {
namespace {

[[noreturn]] void invalid(const std::string& label, const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidParameterValue",
              "Value " + label + " for parameter Label is invalid. Reason: " + why);
}

Value one_or_many(const ValueList& list) {
  return list.size() == 1 ? list.front() : Value(list);
}

// A policy may have one statement that is no list.
ValueList statements_of(const Value& policy) {
  const Value* statements = policy.find("Statement");
  if (!statements) return {};
  return statements->is_list() ? statements->as_list() : ValueList{*statements};
}

}  // namespace

std::string add_permission(const std::string& policy, std::string_view service, const std::string& resource_arn,
                           const Permission& permission) {
  Value out =
      policy.empty()
          ? Value::map({{"Version", "2012-10-17"}, {"Id", resource_arn + "/" + std::string(service) + "DefaultPolicy"}})
          : parse_json(policy);
  ValueList statements = statements_of(out);
  for (const Value& s : statements)
    if (s.string_or("Sid") == permission.label) invalid(permission.label, "Already exists.");
  ValueList principals, actions;
  for (const std::string& account : permission.accounts)
    principals.push_back(account.starts_with("arn:") ? account : "arn:aws:iam::" + account + ":root");
  for (const std::string& action : permission.actions) actions.push_back(std::string(service) + ":" + action);
  statements.push_back(Value::map({{"Sid", permission.label},
                                   {"Effect", "Allow"},
                                   {"Principal", Value::map({{"AWS", one_or_many(principals)}})},
                                   {"Action", one_or_many(actions)},
                                   {"Resource", resource_arn}}));
  out.set("Statement", statements);
  return to_json(out);
}

std::string remove_permission(const std::string& policy, const std::string& label) {
  Value out = policy.empty() ? Value::map() : parse_json(policy);
  ValueList statements = statements_of(out);
  if (std::erase_if(statements, [&](const Value& s) { return s.string_or("Sid") == label; }) == 0)
    invalid(label, "can't find label on existing policy.");
  if (statements.empty()) return {};
  out.set("Statement", statements);
  return to_json(out);
}

}  // namespace tarn::notify
