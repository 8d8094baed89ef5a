#include "gateway/s3/policy_document.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway::s3 {
namespace {

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorKind::caller, "MalformedPolicy", what);
}

// A string, or a list of them, as a list.
std::vector<std::string> strings(const Value* value) {
  std::vector<std::string> out;
  if (!value) return out;
  if (value->is_string()) return {value->as_string()};
  if (value->is_list())
    for (const Value& item : value->as_list())
      if (item.is_string()) out.push_back(item.as_string());
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool is_digits(std::string_view text, std::size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// arn:aws:iam::123456789012:root, …:user/…, …:role/…, arn:aws:sts::…:assumed-role/… or federated-user/…; an account; an
// id of a removed or CloudFront identity.
bool is_aws_principal(std::string_view name) {
  if (name == "*" || is_digits(name, 12)) return true;
  if (name.starts_with("AIDA") || name.starts_with("AROA"))
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == ':'; });
  std::string_view rest = name;
  if (!rest.starts_with("arn:aws:iam::") && !rest.starts_with("arn:aws:sts::")) return false;
  rest.remove_prefix(13);
  const auto colon = rest.find(':');
  if (colon == rest.npos || (!is_digits(rest.substr(0, colon), 12) && rest.substr(0, colon) != "cloudfront"))
    return false;
  rest.remove_prefix(colon + 1);
  if (rest == "root") return true;
  for (std::string_view kind : {"user/", "role/", "assumed-role/", "federated-user/"})
    if (rest.starts_with(kind) && rest.size() > kind.size()) return rest.find('*') == rest.npos;
  return false;
}

void check_principals(const Value& principal) {
  if (!principal.is_map()) return;  // "*"
  for (const auto& [kind, names] : principal.as_map())
    for (const std::string& name : strings(&names)) {
      bool well = !name.empty();
      if (kind == "AWS") well = is_aws_principal(name);
      if (kind == "Service") well = name.ends_with(".amazonaws.com") || name == "*";
      if (kind == "CanonicalUser") well = name.size() == 64;
      if (!well) malformed("Invalid principal in policy");
    }
}

void check_statement(const Value& statement, std::string_view bucket) {
  const std::string own = "arn:aws:s3:::" + std::string(bucket);
  for (const char* element : {"Principal", "NotPrincipal"})
    if (const Value* principal = statement.find(element)) check_principals(*principal);
  for (const char* element : {"Action", "NotAction"})
    for (const std::string& action : strings(statement.find(element))) {
      const std::string name = lower(action);
      if (name != "*" && !name.starts_with("s3:") && !name.starts_with("s3tables:") &&
          !name.starts_with("s3-object-lambda:"))
        malformed("Policy has invalid action");
    }
  for (const char* element : {"Resource", "NotResource"})
    for (const std::string& resource : strings(statement.find(element)))
      if (resource != "*" && resource != own && !resource.starts_with(own + "/") && resource != own + "*")
        malformed("Policy has invalid resource");
  // What acts on objects needs a resource of objects, and the other way round.
  const auto actions = strings(statement.find("Action")), resources = strings(statement.find("Resource"));
  auto object_action = [](const std::string& action) {
    const std::string name = lower(action);
    return name.find('*') == name.npos && (name.find("object") != name.npos || name == "s3:abortmultipartupload" ||
                                           name == "s3:listmultipartuploadparts");
  };
  // Actions of the bucket itself that have "object" in their names.
  auto bucket_action = [](const std::string& action) {
    const std::string name = lower(action);
    return name == "s3:getbucketobjectlockconfiguration" || name == "s3:putbucketobjectlockconfiguration";
  };
  const bool only_bucket =
      !resources.empty() && std::all_of(resources.begin(), resources.end(), [&](const auto& r) { return r == own; });
  if (only_bucket && !actions.empty() &&
      std::all_of(actions.begin(), actions.end(), [&](const auto& a) { return object_action(a) && !bucket_action(a); }))
    malformed("Action does not apply to any resource(s) in statement");
}

const ValueList statements_of(const Value& policy) {
  const Value& statements = policy.at("Statement");
  return statements.is_list() ? statements.as_list() : ValueList{statements};
}

bool names_anybody(const Value& statement) {
  const Value* principal = statement.find("Principal");
  if (!principal) return statement.find("NotPrincipal") != nullptr;
  if (principal->is_string()) return principal->as_string() == "*";
  const auto names = strings(principal->find("AWS"));
  return std::find(names.begin(), names.end(), "*") != names.end();
}

// A range of addresses so wide that it stands for everybody.
bool is_wide_range(const std::string& range) {
  const auto slash = range.find('/');
  if (slash == range.npos) return false;
  const int bits = std::atoi(range.c_str() + slash + 1);
  return range.find(':') == range.npos ? bits < 8 : bits < 32;
}

bool fixes_who(const Value& statement) {
  static constexpr std::array keys = {"aws:sourcearn",
                                      "aws:sourcevpc",
                                      "aws:sourcevpce",
                                      "aws:sourceaccount",
                                      "aws:sourceowner",
                                      "aws:principalorgid",
                                      "aws:principalorgpaths",
                                      "aws:principalaccount",
                                      "aws:principalarn",
                                      "aws:userid",
                                      "aws:sourceorgid",
                                      "aws:sourceorgpaths",
                                      "s3:dataaccesspointarn",
                                      "s3:dataaccesspointaccount",
                                      "s3:x-amz-server-side-encryption-aws-kms-key-id",
                                      "aws:sourceip"};
  const Value* condition = statement.find("Condition");
  if (!condition || !condition->is_map()) return false;
  for (const auto& [op, members] : condition->as_map()) {
    const std::string name = lower(op);
    if (name.find("not") != name.npos || name.ends_with("ifexists") || !members.is_map()) continue;
    for (const auto& [key, values] : members.as_map()) {
      const std::string what = lower(key);
      if (std::find(keys.begin(), keys.end(), what) == keys.end()) continue;
      const auto given = strings(&values);
      const bool fixed = !given.empty() && std::none_of(given.begin(), given.end(), [&](const std::string& v) {
        return what == "aws:sourceip" ? is_wide_range(v) : v == "*" || v.starts_with("*") || v.find("::*") != v.npos;
      });
      if (fixed) return true;
    }
  }
  return false;
}

}  // namespace

void check_bucket_policy(std::string_view document, std::string_view bucket) {
  if (document.size() > limits::max_bucket_policy_size_bytes)
    malformed("Policy exceeds the maximum allowed document size of " +
              std::to_string(limits::max_bucket_policy_size_bytes) + " bytes");
  if (document.empty() || document.front() != '{')
    malformed("Policies must be valid JSON and the first byte must be '{'");
  Value policy;
  try {
    policy = parse_json(document);
    govern::check_policy(document, govern::PolicyKind::resource);
  } catch (const Error& e) {
    malformed(policy.is_map() ? e.message() : "Policies must be valid JSON and the first byte must be '{'");
  }
  for (const Value& statement : statements_of(policy)) check_statement(statement, bucket);
}

bool is_public_policy(std::string_view document) {
  const Value policy = parse_json(document);
  const ValueList statements = statements_of(policy);
  return std::any_of(statements.begin(), statements.end(), [](const Value& statement) {
    return statement.string_or("Effect") == "Allow" && names_anybody(statement) && !fixes_who(statement);
  });
}

}  // namespace tarn::gateway::s3
