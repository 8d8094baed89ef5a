// What IAM says of an account as a whole: its alias, its numbers, everything in it at once.

#include <algorithm>

#include "gateway/iam/aws_policies.hpp"
#include "gateway/iam/records.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

constexpr const char* aliases = "iam.account_alias";

void register_aliases(const Services& s) {
  // An alias is one account's, of all.
  s.operations.add("iam:CreateAccountAlias", [s](Context& c, const Value& in) {
    const std::string alias = in.at("AccountAlias").as_string();
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      for (const auto& old : t.list(aliases, {}))
        if (old.value.at("Alias").as_string() == alias && old.key != c.account())
          throw Error(ErrorKind::conflict, "EntityAlreadyExists", "The account alias " + alias + " already exists.");
      t.put(aliases, c.account(), Value::map({{"Alias", alias}}));
    });
    return Value::map();
  });
  s.operations.add("iam:DeleteAccountAlias", [s](Context& c, const Value& in) {
    const std::string alias = in.at("AccountAlias").as_string();
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      const auto record = t.get(aliases, c.account());
      if (!record || record->at("Alias").as_string() != alias)
        no_such_entity("The account alias with name " + alias + " cannot be found.");
      t.erase(aliases, c.account());
    });
    return Value::map();
  });
  s.operations.add("iam:ListAccountAliases", [s](Context& c, const Value& in) {
    ValueList list;
    if (const auto record = s.metadata.get(aliases, c.account())) list.push_back(record->at("Alias"));
    return page(in, "AccountAliases", list, [](const Value& v) { return v.as_string(); });
  });
}

constexpr const char* password_policies = "iam.password_policy";

// What passwords must be like. No user has one here, since login profiles are refused: it is kept and shown.
void register_password_policy(const Services& s) {
  s.operations.add("iam:UpdateAccountPasswordPolicy", [s](Context& c, const Value& in) {
    Value policy = Value::map({{"MinimumPasswordLength", in.int_or("MinimumPasswordLength", 6)}});
    for (const char* rule : {"RequireSymbols", "RequireNumbers", "RequireUppercaseCharacters",
                             "RequireLowercaseCharacters", "AllowUsersToChangePassword", "HardExpiry"})
      policy.set(rule, in.bool_or(rule));
    policy.set("ExpirePasswords", in.int_or("MaxPasswordAge") > 0);
    for (const char* number : {"MaxPasswordAge", "PasswordReusePrevention"})
      if (const Value* given = in.find(number)) policy.set(number, *given);
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) { t.put(password_policies, c.account(), policy); });
    return Value::map();
  });
  s.operations.add("iam:GetAccountPasswordPolicy", [s](Context& c, const Value&) {
    const auto policy = s.metadata.get(password_policies, c.account());
    if (!policy) no_such_entity("The Password Policy with domain name " + c.account() + " cannot be found.");
    return Value::map({{"PasswordPolicy", *policy}});
  });
  s.operations.add("iam:DeleteAccountPasswordPolicy", [s](Context& c, const Value&) {
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      if (!t.erase(password_policies, c.account()))
        no_such_entity("The account policy with name PasswordPolicy cannot be found.");
    });
    return Value::map();
  });
}

int64_t count(const Services& s, Context& c, std::string_view kind) {
  return static_cast<int64_t>(s.metadata.count(kind, meta::prefix({c.account()})));
}

// The quotas are AWS's defaults.
Value summary(const Services& s, Context& c) {
  int64_t versions = 0;
  for (const auto& policy : s.metadata.list("iam.policy", meta::prefix({c.account()})))
    versions += static_cast<int64_t>(policy.value.at("Versions").as_list().size());
  return Value::map({{"SummaryMap", Value::map({{"Users", count(s, c, user.record)},
                                                {"UsersQuota", 5000},
                                                {"Groups", count(s, c, group.record)},
                                                {"GroupsQuota", 300},
                                                {"Roles", count(s, c, role.record)},
                                                {"RolesQuota", 1000},
                                                {"InstanceProfiles", count(s, c, instance_profile.record)},
                                                {"InstanceProfilesQuota", 1000},
                                                {"Policies", count(s, c, "iam.policy")},
                                                {"PoliciesQuota", 1500},
                                                {"PolicyVersionsInUse", versions},
                                                {"PolicyVersionsInUseQuota", 10000},
                                                {"VersionsPerPolicyQuota", 5},
                                                {"PolicySizeQuota", 6144},
                                                {"UserPolicySizeQuota", 2048},
                                                {"GroupPolicySizeQuota", 5120},
                                                {"RolePolicySizeQuota", 10240},
                                                {"AssumeRolePolicySizeQuota", 2048},
                                                {"AttachedPoliciesPerUserQuota", 10},
                                                {"AttachedPoliciesPerGroupQuota", 10},
                                                {"AttachedPoliciesPerRoleQuota", 10},
                                                {"GroupsPerUserQuota", 10},
                                                {"AccessKeysPerUserQuota", 2},
                                                {"SigningCertificatesPerUserQuota", 2},
                                                {"Providers", count(s, c, "iam.oidc_provider")},
                                                {"ServerCertificates", 0},
                                                {"ServerCertificatesQuota", 20},
                                                {"MFADevices", 0},
                                                {"MFADevicesInUse", 0},
                                                {"AccountMFAEnabled", 0},
                                                {"AccountAccessKeysPresent", 0},
                                                {"AccountPasswordPresent", 0},
                                                {"AccountSigningCertificatesPresent", 0},
                                                {"GlobalEndpointTokenVersion", 1}})}});
}

// What a user, group or role carries, as the details tell it.
Value detail(const EntityType& type, const Value& record) {
  Value out = record.at("Entity");
  Value inline_policies = Value::list(), attached = Value::list();
  if (const Value* all = record.find("Inline"))
    for (const auto& policy : all->as_map())
      inline_policies.push_back(
          Value::map({{"PolicyName", policy.key}, {"PolicyDocument", encode_document(policy.value.as_string())}}));
  if (const Value* arns = record.find("Attached"))
    for (const Value& arn : arns->as_list())
      attached.push_back(
          Value::map({{"PolicyArn", arn}, {"PolicyName", arn.as_string().substr(arn.as_string().rfind('/') + 1)}}));
  out.set(type.member("PolicyList"), std::move(inline_policies));
  out.set("AttachedManagedPolicies", std::move(attached));
  return out;
}

Value user_detail(const Services& s, Context& c, const Value& record) {
  Value out = detail(user, record), groups = Value::list();
  for (const auto& g : s.metadata.list(group.record, meta::prefix({c.account()})))
    if (const Value* members = g.value.find("Members"); members && members->is_list())
      for (const Value& member : members->as_list())
        if (member == out.at("UserName")) groups.push_back(g.value.at("Entity").at("GroupName"));
  return out.set("GroupList", std::move(groups));
}

Value role_detail(const Services& s, Context& c, const Value& record) {
  Value out = detail(role, record), profiles = Value::list();
  out.set("AssumeRolePolicyDocument", encode_document(out.at("AssumeRolePolicyDocument").as_string()));
  for (const auto& p : s.metadata.list(instance_profile.record, meta::prefix({c.account()})))
    if (const Value* roles = p.value.find("Roles"); roles && roles->is_list())
      for (const Value& name : roles->as_list())
        if (name == out.at("RoleName")) profiles.push_back(p.value.at("Entity"));
  return out.set("InstanceProfileList", std::move(profiles)).set("RoleLastUsed", Value::map());
}

Value policy_detail(Value record) {
  Value versions = Value::list();
  const Value default_id = record.at("Policy").at("DefaultVersionId");
  for (Value version : record.at("Versions").as_list()) {
    version.set("IsDefaultVersion", version.at("VersionId") == default_id);
    version.set("Document", encode_document(version.at("Document").as_string()));
    versions.push_back(std::move(version));
  }
  Value out = record.at("Policy");
  out.erase("Tags");
  return out.set("PolicyVersionList", std::move(versions));
}

// Everything, in one order: users, groups, roles, policies. A page may hold some of each.
Value details(const Services& s, Context& c, const Value& in) {
  std::vector<std::string> wanted;
  if (const Value* filter = in.find("Filter"))
    for (const Value& one : filter->as_list()) wanted.push_back(one.as_string());
  auto is_wanted = [&](const char* what) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), what) != wanted.end();
  };
  ValueList all;
  auto take = [&](const char* list, const char* filter, std::string_view kind, auto make) {
    if (!is_wanted(filter)) return;
    for (const auto& record : s.metadata.list(kind, meta::prefix({c.account()})))
      all.push_back(Value::map({{"At", std::to_string(all.size() + 1'000'000)}, {list, make(record.value)}}));
  };
  take("UserDetailList", "User", user.record, [&](const Value& r) { return user_detail(s, c, r); });
  take("GroupDetailList", "Group", group.record, [](const Value& r) { return detail(group, r); });
  take("RoleDetailList", "Role", role.record, [&](const Value& r) { return role_detail(s, c, r); });
  take("Policies", "LocalManagedPolicy", "iam.policy", [](const Value& r) { return policy_detail(r); });
  if (is_wanted("AWSManagedPolicy"))
    for (const AwsPolicy& policy : aws_policies())
      all.push_back(
          Value::map({{"At", std::to_string(all.size() + 1'000'000)}, {"Policies", policy_detail(policy.record())}}));
  Value out = page(in, "Items", all, [](const Value& v) { return v.at("At").as_string(); });
  const Value items = out.at("Items");
  out.erase("Items");
  for (const char* list : {"UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"}) {
    Value& into = out[list];
    into = Value::list();
    for (const Value& item : items.as_list())
      if (const Value* one = item.find(list)) into.push_back(*one);
  }
  return out;
}

}  // namespace

void register_account(const Services& s) {
  register_aliases(s);
  register_password_policy(s);
  s.operations.add("iam:GetAccountSummary", [s](Context& c, const Value&) { return summary(s, c); });
  s.operations.add("iam:GetAccountAuthorizationDetails",
                   [s](Context& c, const Value& in) { return details(s, c, in); });
}

}  // namespace tarn::gateway::iam
