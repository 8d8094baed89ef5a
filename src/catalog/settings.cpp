#include "catalog/settings.hpp"

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/json.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

constexpr std::string_view policy_kind = "glue.resource_policy";  // account, region, ARN of the resource or nothing

std::string policy_key(const Scope& scope, std::string_view resource_arn) {
  return meta::key({scope.account, scope.region, resource_arn});
}

ResourcePolicy read(const Value& v) {
  Time created{}, updated{};
  api::from_value(v.at("CreateTime"), created);
  api::from_value(v.at("UpdateTime"), updated);
  return {v.at("PolicyInJson").as_string(), v.at("PolicyHash").as_string(), created, updated};
}

void check_policy(const std::string& text) {
  Value policy;
  try {
    policy = parse_json(text);
  } catch (const Error& e) {
    throw_invalid("The policy is no JSON: " + e.message());
  }
  if (!policy.is_map() || !policy.find("Statement")) throw_invalid("The policy has no Statement.");
}

[[noreturn]] void throw_condition(const char* message) {
  throw Error(ErrorKind::conflict, "ConditionCheckFailureException", message);
}

void check_hash(const std::optional<Value>& present, const std::optional<std::string>& hash) {
  if (hash && (!present || present->at("PolicyHash").as_string() != *hash))
    throw_condition("The PolicyHashCondition is not the hash of the present policy.");
}

[[noreturn]] void throw_no_policy() {
  throw_not_found("Policy not found");
}

}  // namespace

std::string Settings::put_policy(const Scope& scope, const glue::PutResourcePolicyRequest& request) {
  check_policy(request.policy_in_json);
  std::string key = policy_key(scope, request.resource_arn.value_or(""));
  std::string hash = base64_encode(digest(DigestKind::md5, request.policy_in_json));
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto present = t.get(policy_kind, key);
    std::string condition = request.policy_exists_condition.value_or("NONE");
    if (condition == "MUST_EXIST" && !present)
      throw_condition("There is no policy yet, and PolicyExistsCondition says MUST_EXIST.");
    if (condition == "NOT_EXIST" && present)
      throw_condition("There is a policy, and PolicyExistsCondition says NOT_EXIST.");
    check_hash(present, request.policy_hash_condition);
    Value v = Value::map({{"PolicyInJson", request.policy_in_json}, {"PolicyHash", hash}});
    v.set("CreateTime", present ? present->at("CreateTime") : Value(clock_.now())).set("UpdateTime", clock_.now());
    t.put(policy_kind, key, v);
  });
  return hash;
}

ResourcePolicy Settings::policy(const Scope& scope, std::string_view resource_arn) const {
  auto value = metadata_.get(policy_kind, policy_key(scope, resource_arn));
  if (!value) throw_no_policy();
  return read(*value);
}

std::vector<ResourcePolicy> Settings::policies(const Scope& scope) const {
  std::vector<ResourcePolicy> out;
  for (const auto& record : metadata_.list(policy_kind, meta::prefix({scope.account, scope.region})))
    out.push_back(read(record.value));
  return out;
}

void Settings::delete_policy(const Scope& scope, const glue::DeleteResourcePolicyRequest& request) {
  std::string key = policy_key(scope, request.resource_arn.value_or(""));
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto present = t.get(policy_kind, key);
    if (!present) throw_no_policy();
    check_hash(present, request.policy_hash_condition);
    t.erase(policy_kind, key);
  });
}

glue::DataCatalogEncryptionSettings Settings::encryption() {
  glue::DataCatalogEncryptionSettings s;
  s.encryption_at_rest.emplace().catalog_encryption_mode = "DISABLED";
  s.connection_password_encryption.emplace().return_connection_password_encrypted = false;
  return s;
}

void Settings::put_encryption(const glue::DataCatalogEncryptionSettings& wanted) {
  bool at_rest = wanted.encryption_at_rest && wanted.encryption_at_rest->catalog_encryption_mode != "DISABLED";
  bool passwords = wanted.connection_password_encryption &&
                   wanted.connection_password_encryption->return_connection_password_encrypted;
  if (at_rest || passwords)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string("tarn does not have ") + (at_rest ? "EncryptionAtRest" : "ConnectionPasswordEncryption") +
                    " of the catalog: put its data folder on an encrypted disk.");
}

}  // namespace tarn::catalog
