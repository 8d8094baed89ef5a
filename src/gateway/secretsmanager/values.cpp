#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "gateway/secretsmanager/requests.hpp"
#include "govern/passwords.hpp"

namespace tarn::gateway::secretsmanager {
namespace {

using api::Context;
using govern::SecretRecord;
using govern::Secrets;
using govern::SecretValue;
using govern::SecretVersion;

// GetSecretValueResponse and SecretValueEntry have the same members.
template <class Output>
Output shown(const Secrets::Found& found) {
  Output out;
  out.arn = found.secret.arn();
  out.name = found.secret.name();
  out.version_id = found.version.id;
  if (found.value.binary)
    out.secret_binary = Blob{found.value.bytes};
  else
    out.secret_string = found.value.bytes;
  if (!found.version.stages.empty()) out.version_stages = found.version.stages;
  out.created_date = found.version.created;
  return out;
}

model::BatchGetSecretValueResponse get_many(Secrets& secrets, Context& c, const model::BatchGetSecretValueRequest& in) {
  if (in.secret_id_list.has_value() == in.filters.has_value())
    invalid_parameter("You must specify either SecretIdList or Filters, and not both.");
  if (in.secret_id_list && in.max_results) invalid_parameter("MaxResults goes with Filters only.");
  model::BatchGetSecretValueResponse out;
  out.secret_values.emplace();
  out.errors.emplace();
  std::vector<std::string> ids = in.secret_id_list.value_or(std::vector<std::string>());
  if (in.filters) {
    const auto limit = static_cast<std::size_t>(in.max_results.value_or(20));
    const std::string after = after_of(in.next_token);
    for (const SecretRecord& secret : filtered(secrets, scope_of(c), in.filters, false)) {
      if (secret.name() <= after) continue;
      if (ids.size() == limit) {
        out.next_token = token_after(ids.back());
        break;
      }
      ids.push_back(secret.name());
    }
  }
  for (const std::string& id : ids) {
    try {
      out.secret_values->push_back(
          shown<model::SecretValueEntry>(secrets.value(scope_of(c), id, std::nullopt, std::nullopt)));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug) throw;
      out.errors->push_back({id, e.code(), e.message()});
    }
  }
  return out;
}

model::PutSecretValueResponse put(Secrets& secrets, Context& c, const model::PutSecretValueRequest& in) {
  refuse(in.rotation_token.has_value(), "PutSecretValue", "RotationToken");
  if (in.secret_string && in.secret_binary)
    invalid_parameter("You can't specify both a binary secret value and a string secret value in the same secret.");
  if (!in.secret_string && !in.secret_binary) invalid_request("You must provide either SecretString or SecretBinary.");
  const SecretValue value =
      in.secret_string ? SecretValue{false, *in.secret_string} : SecretValue{true, in.secret_binary->bytes};
  auto stages = in.version_stages.value_or(std::vector<std::string>());
  if (std::set<std::string>(stages.begin(), stages.end()).size() != stages.size())
    invalid_parameter("A staging label is given twice.");
  model::PutSecretValueResponse out;
  out.version_id = in.client_request_token.value_or(secrets.random().uuid());
  SecretRecord secret =
      secrets.put_value(scope_of(c), c.principal.arn, in.secret_id, *out.version_id, value, std::move(stages));
  out.arn = secret.arn();
  out.name = secret.name();
  out.version_stages = secret.version(*out.version_id)->stages;
  return out;
}

model::ListSecretVersionIdsResponse list_versions(Secrets& secrets, Context& c,
                                                  const model::ListSecretVersionIdsRequest& in) {
  const SecretRecord secret = secrets.find_even_deleted(scope_of(c), in.secret_id);
  const auto limit = static_cast<std::size_t>(in.max_results.value_or(100));
  const std::string after = after_of(in.next_token);
  model::ListSecretVersionIdsResponse out;
  out.arn = secret.arn();
  out.name = secret.name();
  auto& entries = out.versions.emplace();
  bool begun = after.empty();
  for (const SecretVersion& v : secret.versions) {
    const bool told = begun && (!v.stages.empty() || in.include_deprecated.value_or(false));
    begun = begun || v.id == after;
    if (!told) continue;
    if (entries.size() == limit) {
      out.next_token = token_after(*entries.back().version_id);
      break;
    }
    model::SecretVersionsListEntry entry;
    entry.version_id = v.id;
    if (!v.stages.empty()) entry.version_stages = v.stages;
    entry.last_accessed_date = v.accessed;
    entry.created_date = v.created;
    if (!v.value_id.empty()) entry.kms_key_ids = {v.key_id.empty() ? "DefaultEncryptionKey" : v.key_id};
    entries.push_back(std::move(entry));
  }
  return out;
}

SecretVersion& version_of(SecretRecord& secret, const std::string& id) {
  if (SecretVersion* version = secret.version(id)) return *version;
  throw Error(ErrorKind::missing, "ResourceNotFoundException",
              "Secrets Manager can't find the specified secret version: " + id + ".");
}

void move_stage(SecretRecord& secret, const model::UpdateSecretVersionStageRequest& in) {
  SecretVersion* holder = secret.staged(in.version_stage);
  SecretVersion* to = in.move_to_version_id ? &version_of(secret, *in.move_to_version_id) : nullptr;
  if (in.remove_from_version_id) {
    if (&version_of(secret, *in.remove_from_version_id) != holder)
      invalid_parameter("The staging label " + in.version_stage + " is currently not attached to version " +
                        *in.remove_from_version_id + ". RemoveFromVersionId must name the version that has it.");
  } else if (!to) {
    invalid_parameter("You must specify RemoveFromVersionId, MoveToVersionId, or both.");
  } else if (holder && holder != to) {
    invalid_parameter("The parameter RemoveFromVersionId can't be empty. Staging label " + in.version_stage +
                      " is currently attached to version " + holder->id +
                      ", so you must explicitly reference that version in RemoveFromVersionId.");
  }
  if (to) {
    attach_stage(secret, *to, in.version_stage);
    if (to->stages.size() > 20)
      throw Error(ErrorKind::limit, "LimitExceededException", "A version can have up to 20 staging labels.");
    return;
  }
  if (in.version_stage == govern::current_stage)
    invalid_parameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.");
  std::erase(holder->stages, in.version_stage);
}

model::GetRandomPasswordResponse password(Secrets& secrets, const model::GetRandomPasswordRequest& in) {
  govern::PasswordRules rules;
  rules.length = static_cast<std::size_t>(in.password_length.value_or(32));
  rules.exclude_characters = in.exclude_characters.value_or("");
  rules.numbers = !in.exclude_numbers.value_or(false);
  rules.punctuation = !in.exclude_punctuation.value_or(false);
  rules.uppercase = !in.exclude_uppercase.value_or(false);
  rules.lowercase = !in.exclude_lowercase.value_or(false);
  rules.space = in.include_space.value_or(false);
  rules.each_type = in.require_each_included_type.value_or(true);
  return {govern::random_password(rules, secrets.random())};
}

}  // namespace

void register_values(api::Operations& operations, Secrets& secrets) {
  namespace op = model::op;
  operations.on<op::GetSecretValue>([&](Context& c, const auto& in) {
    return shown<model::GetSecretValueResponse>(
        secrets.value(scope_of(c), in.secret_id, in.version_id, in.version_stage));
  });
  operations.on<op::BatchGetSecretValue>([&](Context& c, const auto& in) { return get_many(secrets, c, in); });
  operations.on<op::PutSecretValue>([&](Context& c, const auto& in) { return put(secrets, c, in); });
  operations.on<op::ListSecretVersionIds>([&](Context& c, const auto& in) { return list_versions(secrets, c, in); });
  operations.on<op::UpdateSecretVersionStage>([&](Context& c, const auto& in) {
    const SecretRecord secret = secrets.change(scope_of(c), c.principal.arn, in.secret_id,
                                               [&](SecretRecord& record) { move_stage(record, in); });
    return model::UpdateSecretVersionStageResponse{secret.arn(), secret.name()};
  });
  operations.on<op::GetRandomPassword>([&](Context&, const auto& in) { return password(secrets, in); });
}

}  // namespace tarn::gateway::secretsmanager
