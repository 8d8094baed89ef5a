#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "gateway/secretsmanager/requests.hpp"
#include "gateway/secretsmanager/secretsmanager.hpp"

namespace tarn::gateway::secretsmanager {
namespace {

using api::Context;
using govern::SecretRecord;
using govern::Secrets;

constexpr std::size_t max_tags = 50;

model::CreateSecretResponse create(Secrets& secrets, Context& c, const model::CreateSecretRequest& in) {
  refuse(in.add_replica_regions.has_value(), "CreateSecret", "AddReplicaRegions");
  refuse(in.force_overwrite_replica_secret.value_or(false), "CreateSecret", "ForceOverwriteReplicaSecret");
  refuse(in.type.has_value(), "CreateSecret", "Type");
  refuse(in.cross_account_primary_arn.has_value(), "CreateSecret", "CrossAccountPrimaryArn");
  if (in.tags) check_tags(*in.tags);
  const SecretRecord made = secrets.create(scope_of(c), c.principal.arn, in);
  model::CreateSecretResponse out;
  out.arn = made.arn();
  out.name = made.name();
  if (in.secret_string || in.secret_binary) out.version_id = in.client_request_token.value_or(made.versions.back().id);
  return out;
}

// A place in the list that stays what it is when others come and go.
std::string place_of(const SecretRecord& secret, const std::string& sort_by) {
  const auto& d = secret.description;
  auto time = [](const std::optional<Time>& t) {
    std::string digits = std::to_string(t.value_or(Time()).time_since_epoch().count());
    return std::string(20 - digits.size(), '0') + digits;
  };
  std::string first;
  if (sort_by == "created-date") first = time(d.created_date);
  if (sort_by == "last-accessed-date") first = time(d.last_accessed_date);
  if (sort_by == "last-changed-date") first = time(d.last_changed_date);
  return first + "/" + secret.name();
}

model::ListSecretsResponse list(Secrets& secrets, Context& c, const model::ListSecretsRequest& in) {
  const std::string sort_by = in.sort_by.value_or("created-date");
  const bool descending = in.sort_order.value_or("desc") == "desc";
  std::vector<std::pair<std::string, SecretRecord>> found;
  for (SecretRecord& secret : filtered(secrets, scope_of(c), in.filters, in.include_planned_deletion.value_or(false)))
    found.emplace_back(place_of(secret, sort_by), std::move(secret));
  std::ranges::sort(found,
                    [&](const auto& a, const auto& b) { return descending ? a.first > b.first : a.first < b.first; });
  const std::string after = after_of(in.next_token);
  if (!after.empty())
    std::erase_if(found, [&](const auto& s) { return descending ? s.first >= after : s.first <= after; });
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));
  model::ListSecretsResponse out;
  if (found.size() > limit) {
    found.resize(limit);
    out.next_token = token_after(found.back().first);
  }
  auto& entries = out.secret_list.emplace();
  for (const auto& [place, secret] : found) {
    auto entry = api::from<model::SecretListEntry>(to_value(secret.description));
    entry.secret_versions_to_stages = secret.described().version_ids_to_stages;
    entries.push_back(std::move(entry));
  }
  return out;
}

model::UpdateSecretResponse update(Secrets& secrets, Context& c, const model::UpdateSecretRequest& in) {
  refuse(in.type.has_value(), "UpdateSecret", "Type");
  if (in.secret_string && in.secret_binary)
    invalid_parameter("You can't specify both a binary secret value and a string secret value in the same secret.");
  SecretRecord secret = secrets.find(scope_of(c), in.secret_id);
  model::UpdateSecretResponse out;
  out.arn = secret.arn();
  out.name = secret.name();
  if (in.secret_string || in.secret_binary) {
    const govern::SecretValue value = in.secret_string ? govern::SecretValue{false, *in.secret_string}
                                                       : govern::SecretValue{true, in.secret_binary->bytes};
    out.version_id = in.client_request_token.value_or(secrets.random().uuid());
    secrets.put_value(scope_of(c), c.principal.arn, secret.arn(), *out.version_id, value, {});
  }
  if (in.description || in.kms_key_id)
    secrets.update(scope_of(c), c.principal.arn, secret.arn(), in.description, in.kms_key_id);
  return out;
}

model::DeleteSecretResponse remove(Secrets& secrets, Context& c, const model::DeleteSecretRequest& in) {
  const bool force = in.force_delete_without_recovery.value_or(false);
  if (force && in.recovery_window_in_days)
    invalid_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  const int64_t days = in.recovery_window_in_days.value_or(30);
  if (days < 7 || days > 30) invalid_parameter("RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
  model::DeleteSecretResponse out;
  out.deletion_date = force ? c.now : c.now + std::chrono::days(days);
  try {
    const SecretRecord gone =
        force ? secrets.erase(scope_of(c), c.principal.arn, in.secret_id)
              : secrets.mark_deleted(scope_of(c), c.principal.arn, in.secret_id, *out.deletion_date);
    out.arn = gone.arn();
    out.name = gone.name();
  } catch (const Error& e) {
    // What is to be gone for good may be gone already.
    if (!force || e.code() != "ResourceNotFoundException") throw;
    (in.secret_id.starts_with("arn:") ? out.arn : out.name) = in.secret_id;
  }
  return out;
}

api::Empty tag(Secrets& secrets, Context& c, const model::TagResourceRequest& in) {
  check_tags(in.tags);
  secrets.change(scope_of(c), c.principal.arn, in.secret_id, [&](SecretRecord& secret) {
    auto tags = secret.description.tags.value_or(std::vector<model::Tag>());
    for (const auto& t : in.tags) {
      auto same = std::ranges::find_if(tags, [&](const auto& other) { return other.key == t.key; });
      if (same == tags.end())
        tags.push_back({t.key, t.value.value_or("")});
      else
        same->value = t.value.value_or("");
    }
    check_tags(tags);
    secret.description.tags = std::move(tags);
  });
  return {};
}

api::Empty untag(Secrets& secrets, Context& c, const model::UntagResourceRequest& in) {
  secrets.change(scope_of(c), c.principal.arn, in.secret_id, [&](SecretRecord& secret) {
    auto& tags = secret.description.tags;
    if (!tags) return;
    std::erase_if(*tags, [&](const auto& t) { return std::ranges::find(in.tag_keys, *t.key) != in.tag_keys.end(); });
    if (tags->empty()) tags.reset();
  });
  return {};
}

}  // namespace

void invalid_parameter(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterException", what);
}
void invalid_request(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidRequestException", what);
}
void refuse(bool sent, const char* operation, const char* member) {
  if (sent)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string(operation) + " with " + member + ": tarn does not have it.");
}

void check_tags(const std::vector<model::Tag>& tags) {
  std::set<std::string> seen;
  for (const auto& t : tags) {
    if (!t.key) invalid_parameter("A tag needs a key.");
    if (t.key->starts_with("aws:")) invalid_parameter("Tag keys that begin with aws: are reserved.");
    if (!seen.insert(*t.key).second) invalid_parameter("The tag key " + *t.key + " is given twice.");
  }
  if (tags.size() > max_tags) invalid_parameter("A secret can have up to 50 tags.");
}

void register_secrets(api::Operations& operations, Secrets& secrets) {
  namespace op = model::op;
  operations.on<op::CreateSecret>([&](Context& c, const auto& in) { return create(secrets, c, in); });
  operations.on<op::DescribeSecret>(
      [&](Context& c, const auto& in) { return secrets.find_even_deleted(scope_of(c), in.secret_id).described(); });
  operations.on<op::ListSecrets>([&](Context& c, const auto& in) { return list(secrets, c, in); });
  operations.on<op::UpdateSecret>([&](Context& c, const auto& in) { return update(secrets, c, in); });
  operations.on<op::DeleteSecret>([&](Context& c, const auto& in) { return remove(secrets, c, in); });
  operations.on<op::RestoreSecret>([&](Context& c, const auto& in) {
    const SecretRecord secret = secrets.restore(scope_of(c), c.principal.arn, in.secret_id);
    return model::RestoreSecretResponse{secret.arn(), secret.name()};
  });
  operations.on<op::TagResource>([&](Context& c, const auto& in) { return tag(secrets, c, in); });
  operations.on<op::UntagResource>([&](Context& c, const auto& in) { return untag(secrets, c, in); });
}

}  // namespace tarn::gateway::secretsmanager

namespace tarn::gateway {

void register_secretsmanager(api::Operations& operations, govern::Secrets& secrets, orchestrate::Rotations& rotations) {
  namespace model = api::secretsmanager;
  secretsmanager::register_secrets(operations, secrets);
  secretsmanager::register_values(operations, secrets);
  secretsmanager::register_policies(operations, secrets);
  operations.on<model::op::RotateSecret>([&](api::Context& c, const auto& in) {
    const auto secret = rotations.rotate(c, in);
    model::RotateSecretResponse out;
    out.arn = secret.arn();
    out.name = secret.name();
    if (!secret.rotation.token.empty())
      out.version_id = secret.rotation.token;
    else if (in.client_request_token)
      out.version_id = in.client_request_token;
    return out;
  });
  operations.on<model::op::CancelRotateSecret>([&](api::Context& c, const auto& in) {
    auto secret = rotations.cancel(c, in.secret_id);
    model::CancelRotateSecretResponse out;
    out.arn = secret.arn();
    out.name = secret.name();
    if (const auto* pending = secret.staged(govern::pending_stage)) out.version_id = pending->id;
    return out;
  });
}

}  // namespace tarn::gateway
