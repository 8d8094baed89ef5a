#include <algorithm>

#include "base/error.hpp"
#include "gateway/secretsmanager/requests.hpp"
#include "govern/policy.hpp"
#include "govern/policy_decision.hpp"

namespace tarn::gateway::secretsmanager {
namespace {

using api::Context;
using govern::SecretRecord;
using govern::Secrets;

void check_document(const std::string& policy) {
  try {
    govern::check_policy(policy, govern::PolicyKind::resource);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "MalformedPolicyDocumentException", e.message());
  }
}

// Whether it lets anybody do anything with the secret.
bool is_public(const std::string& policy, const std::string& arn) {
  const auto operations = api::find_service("secretsmanager")->operations;
  return std::ranges::any_of(operations, [&](const api::Operation& operation) {
    return govern::policy_allows(policy, {"", "secretsmanager:" + std::string(operation.name), arn, {}});
  });
}

model::PutResourcePolicyResponse put(Secrets& secrets, Context& c, const model::PutResourcePolicyRequest& in) {
  refuse(in.policy_name.has_value(), "PutResourcePolicy", "PolicyName");
  check_document(in.resource_policy);
  const SecretRecord secret = secrets.change(scope_of(c), c.principal.arn, in.secret_id, [&](SecretRecord& record) {
    if (in.block_public_policy.value_or(false) && is_public(in.resource_policy, record.arn()))
      throw Error(ErrorKind::caller, "PublicPolicyException",
                  "You can't attach a policy that allows broad access to the secret.");
    record.policy = in.resource_policy;
  });
  model::PutResourcePolicyResponse out;
  out.arn = secret.arn();
  out.name = secret.name();
  return out;
}

model::ValidateResourcePolicyResponse validate(Secrets& secrets, Context& c,
                                               const model::ValidateResourcePolicyRequest& in) {
  std::string arn = "arn:aws:secretsmanager:" + c.region + ":" + c.account() + ":secret:any-AbCdEf";
  if (in.secret_id) arn = secrets.find(scope_of(c), *in.secret_id).arn();
  check_document(in.resource_policy);
  model::ValidateResourcePolicyResponse out;
  out.validation_errors.emplace();
  if (is_public(in.resource_policy, arn))
    out.validation_errors->push_back({"PUBLIC_POLICY", "The policy allows broad access to the secret."});
  out.policy_validation_passed = out.validation_errors->empty();
  return out;
}

}  // namespace

void register_policies(api::Operations& operations, Secrets& secrets) {
  namespace op = model::op;
  operations.on<op::PutResourcePolicy>([&](Context& c, const auto& in) { return put(secrets, c, in); });
  operations.on<op::GetResourcePolicy>([&](Context& c, const auto& in) {
    refuse(in.policy_name.has_value(), "GetResourcePolicy", "PolicyName");
    const SecretRecord secret = secrets.find(scope_of(c), in.secret_id);
    model::GetResourcePolicyResponse out;
    out.arn = secret.arn();
    out.name = secret.name();
    if (!secret.policy.empty()) out.resource_policy = secret.policy;
    return out;
  });
  operations.on<op::DeleteResourcePolicy>([&](Context& c, const auto& in) {
    refuse(in.policy_name.has_value(), "DeleteResourcePolicy", "PolicyName");
    const SecretRecord secret =
        secrets.change(scope_of(c), c.principal.arn, in.secret_id, [](SecretRecord& record) { record.policy.clear(); });
    model::DeleteResourcePolicyResponse out;
    out.arn = secret.arn();
    out.name = secret.name();
    return out;
  });
  operations.on<op::ValidateResourcePolicy>([&](Context& c, const auto& in) { return validate(secrets, c, in); });
}

}  // namespace tarn::gateway::secretsmanager
