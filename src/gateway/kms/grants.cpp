#include <algorithm>
#include <map>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/kms/requests.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::grant_kind;
using govern::KeyRecord;
using govern::Keys;

constexpr std::size_t max_grants = 50'000;

std::string grant_key(const govern::KeyScope& scope, std::string_view key_id, std::string_view grant_id) {
  return meta::key({scope.account, scope.region, key_id, grant_id});
}

model::GrantListEntry entry_of(const Value& record) {
  return api::from<model::GrantListEntry>(record.at("Grant"));
}

const std::vector<std::string>& grantable(const KeyRecord& key) {
  static const std::map<std::string, std::vector<std::string>> by_usage{
      {"ENCRYPT_DECRYPT",
       {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}},
      {"SIGN_VERIFY", {"Sign", "Verify", "GetPublicKey"}},
      {"GENERATE_VERIFY_MAC", {"GenerateMac", "VerifyMac"}},
      {"KEY_AGREEMENT", {"DeriveSharedSecret", "GetPublicKey"}}};
  static const std::vector<std::string> none;
  auto found = by_usage.find(key.metadata.key_usage.value_or(""));
  return found == by_usage.end() ? none : found->second;
}

void check_operations(const KeyRecord& key, const std::vector<std::string>& operations) {
  static const std::vector<std::string> always{"CreateGrant", "RetireGrant", "DescribeKey"};
  if (operations.empty()) invalid("Operations must name at least one operation.");
  const bool pair = key.metadata.key_spec->starts_with("RSA");
  for (const std::string& name : operations) {
    const auto& own = grantable(key);
    const bool known = std::ranges::find(own, name) != own.end() || std::ranges::find(always, name) != always.end() ||
                       (pair && name == "GetPublicKey");
    const bool symmetric_only = name.starts_with("GenerateDataKey");
    if (!known || (pair && symmetric_only))
      invalid("Operation " + name + " is not supported by a key of KeySpec " + *key.metadata.key_spec +
              " and KeyUsage " + *key.metadata.key_usage + ".");
  }
}

void check_constraints(const KeyRecord& key, const model::GrantConstraints& constraints) {
  if (constraints.encryption_context_equals && constraints.encryption_context_subset)
    invalid("A grant has EncryptionContextEquals or EncryptionContextSubset, not both.");
  if ((constraints.encryption_context_equals || constraints.encryption_context_subset) &&
      key.metadata.key_spec != "SYMMETRIC_DEFAULT")
    invalid("Encryption context constraints are for symmetric encryption keys only.");
}

bool same_grant(const model::GrantListEntry& a, const model::GrantListEntry& b) {
  auto bare = [](model::GrantListEntry e) {
    e.creation_date.reset();
    e.grant_id.reset();
    std::ranges::sort(*e.operations);
    return e;
  };
  return bare(a) == bare(b);
}

std::string token_of(const std::string& place) {
  return base64_encode(place);
}

model::CreateGrantResponse create(Keys& keys, Context& c, const model::CreateGrantRequest& in) {
  check_grant_tokens(keys, c, in.grant_tokens);
  const KeyRecord key = keys.find(scope_of(c), in.key_id);
  govern::require_enabled(key);
  if (in.grantee_principal.has_value() == in.grantee_service_principal.has_value())
    invalid("A grant names one GranteePrincipal or one GranteeServicePrincipal.");
  if (in.retiring_principal && in.retiring_service_principal)
    invalid("A grant names one RetiringPrincipal or one RetiringServicePrincipal.");
  check_operations(key, in.operations);
  if (in.constraints) check_constraints(key, *in.constraints);
  model::GrantListEntry grant;
  grant.key_id = key.arn();
  grant.name = in.name;
  grant.creation_date = c.now;
  grant.grantee_principal = in.grantee_principal;
  grant.grantee_service_principal = in.grantee_service_principal;
  grant.retiring_principal = in.retiring_principal;
  grant.retiring_service_principal = in.retiring_service_principal;
  grant.issuing_account = "arn:aws:iam::" + c.account() + ":root";
  grant.operations = in.operations;
  grant.constraints = in.constraints;
  end_dry_run(in.dry_run);
  grant.grant_id = keys.random().hex(64);
  keys.metadata().change(c.principal.arn, [&](meta::Transaction& t) {
    const auto present = t.list(grant_kind, meta::prefix({c.account(), c.region, key.metadata.key_id}));
    if (present.size() >= max_grants)
      throw Error(ErrorKind::limit, "LimitExceededException", "The key has 50000 grants already.");
    // A named grant that is there already is told again.
    if (in.name)
      for (const auto& stored : present)
        if (auto old = entry_of(stored.value); same_grant(old, grant)) {
          grant.grant_id = old.grant_id;
          return;
        }
    t.put(grant_kind, grant_key(scope_of(c), key.metadata.key_id, *grant.grant_id),
          Value::map({{"Grant", to_value(grant)}}));
  });
  return {token_of(grant_key(scope_of(c), key.metadata.key_id, *grant.grant_id)), grant.grant_id};
}

model::ListGrantsResponse list(Keys& keys, Context& c, const model::ListGrantsRequest& in) {
  const KeyRecord key = keys.find(scope_of(c), in.key_id);
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  const std::string after = after_of(in.marker);
  model::ListGrantsResponse out;
  auto& grants = out.grants.emplace();
  for (const auto& r :
       keys.metadata().list(grant_kind, meta::prefix({c.account(), c.region, key.metadata.key_id}),
                            after.empty() ? std::string() : grant_key(scope_of(c), key.metadata.key_id, after))) {
    auto grant = entry_of(r.value);
    if (in.grant_id && grant.grant_id != in.grant_id) continue;
    if (in.grantee_principal && grant.grantee_principal != in.grantee_principal) continue;
    if (in.grantee_service_principal && grant.grantee_service_principal != in.grantee_service_principal) continue;
    grants.push_back(std::move(grant));
    if (grants.size() > limit) break;
  }
  if (in.grant_id && grants.empty() && after.empty())
    throw Error(ErrorKind::caller, "InvalidGrantIdException", "Grant ID " + *in.grant_id + " not found");
  cut(out, grants, limit, [](const auto& g) { return *g.grant_id; });
  return out;
}

model::ListGrantsResponse list_retirable(Keys& keys, Context& c, const model::ListRetirableGrantsRequest& in) {
  if (in.retiring_principal.has_value() == in.retiring_service_principal.has_value())
    invalid("ListRetirableGrants names one RetiringPrincipal or one RetiringServicePrincipal.");
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  // A marker is the place of the last grant that was given.
  model::ListGrantsResponse out;
  auto& grants = out.grants.emplace();
  std::string last;
  out.truncated = false;
  for (const auto& r : keys.metadata().list(grant_kind, meta::prefix({c.account(), c.region}), after_of(in.marker))) {
    auto grant = entry_of(r.value);
    if (in.retiring_principal ? grant.retiring_principal != in.retiring_principal
                              : grant.retiring_service_principal != in.retiring_service_principal)
      continue;
    if (grants.size() == limit) {
      out.truncated = true;
      out.next_marker = marker_of(last);
      break;
    }
    last = r.key;
    grants.push_back(std::move(grant));
  }
  return out;
}

void erase(Keys& keys, Context& c, const std::string& place, const std::optional<bool>& dry_run) {
  auto missing = [] { throw Error(ErrorKind::missing, "NotFoundException", "Grant not found"); };
  if (!keys.metadata().get(grant_kind, place)) missing();
  end_dry_run(dry_run);
  keys.metadata().change(c.principal.arn, [&](meta::Transaction& t) {
    if (!t.erase(grant_kind, place)) missing();
  });
}

void retire(Keys& keys, Context& c, const model::RetireGrantRequest& in) {
  if (in.grant_token) {
    if (in.key_id || in.grant_id) invalid("RetireGrant takes a GrantToken, or a KeyId and a GrantId.");
    check_grant_tokens(keys, c, std::vector<std::string>{*in.grant_token});
    return erase(keys, c, *base64_decode(*in.grant_token), in.dry_run);
  }
  if (!in.key_id || !in.grant_id) invalid("RetireGrant takes a GrantToken, or a KeyId and a GrantId.");
  if (!in.key_id->starts_with("arn:")) invalid("RetireGrant takes the ARN of a key.");
  const KeyRecord key = keys.find(scope_of(c), *in.key_id);
  erase(keys, c, grant_key(scope_of(c), key.metadata.key_id, *in.grant_id), in.dry_run);
}

}  // namespace

void register_grants(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::CreateGrant>([&](Context& c, const model::CreateGrantRequest& in) { return create(keys, c, in); });
  operations.on<op::ListGrants>([&](Context& c, const model::ListGrantsRequest& in) { return list(keys, c, in); });
  operations.on<op::ListRetirableGrants>(
      [&](Context& c, const model::ListRetirableGrantsRequest& in) { return list_retirable(keys, c, in); });
  operations.on<op::RetireGrant>([&](Context& c, const model::RetireGrantRequest& in) {
    retire(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::RevokeGrant>([&](Context& c, const model::RevokeGrantRequest& in) {
    const KeyRecord key = keys.find(scope_of(c), in.key_id);
    erase(keys, c, grant_key(scope_of(c), key.metadata.key_id, in.grant_id), in.dry_run);
    return api::Empty{};
  });
}

}  // namespace tarn::gateway::kms
