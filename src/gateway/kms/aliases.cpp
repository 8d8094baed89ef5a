#include "base/error.hpp"
#include "gateway/kms/requests.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::alias_kind;
using govern::Keys;

std::string alias_key(const Context& c, std::string_view name) {
  return meta::key({c.account(), c.region, name});
}

void require_own_name(const std::string& name) {
  if (!name.starts_with("alias/") || name == "alias/")
    invalid(
        "Invalid identifier. Alias must start with the prefix \"alias/\". Please see "
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  if (name.starts_with("alias/aws/"))
    throw Error(ErrorKind::denied, "NotAuthorizedException", "Aliases that begin with alias/aws/ are AWS's own.");
  if (name.find(':') != name.npos) invalid(name + " contains invalid characters for an alias");
}

[[noreturn]] void no_such_alias(const Context& c, const std::string& name) {
  throw Error(ErrorKind::missing, "NotFoundException",
              "Alias " + govern::alias_arn(scope_of(c), name) + " is not found.");
}

void create(Keys& keys, Context& c, const model::CreateAliasRequest& in) {
  require_own_name(in.alias_name);
  const auto key = keys.find_own(scope_of(c), in.target_key_id);
  govern::require_not_pending_deletion(key);
  keys.metadata().change(c.principal.arn, [&](meta::Transaction& t) {
    if (t.get(alias_kind, alias_key(c, in.alias_name)))
      throw Error(ErrorKind::conflict, "AlreadyExistsException",
                  "An alias with the name " + govern::alias_arn(scope_of(c), in.alias_name) + " already exists");
    t.put(alias_kind, alias_key(c, in.alias_name),
          Value::map({{"TargetKeyId", key.metadata.key_id}, {"CreationDate", c.now}, {"LastUpdatedDate", c.now}}));
  });
}

void update(Keys& keys, Context& c, const model::UpdateAliasRequest& in) {
  require_own_name(in.alias_name);
  const auto key = keys.find_own(scope_of(c), in.target_key_id);
  govern::require_not_pending_deletion(key);
  auto present = keys.metadata().get(alias_kind, alias_key(c, in.alias_name));
  if (!present) no_such_alias(c, in.alias_name);
  const auto old = keys.find(scope_of(c), present->at("TargetKeyId").as_string());
  if (old.metadata.key_usage != key.metadata.key_usage || old.metadata.key_spec != key.metadata.key_spec)
    invalid("Alias " + govern::alias_arn(scope_of(c), in.alias_name) + " cannot be changed from " + old.arn() + " to " +
            key.arn() + " because their key usage or key spec differs.");
  keys.metadata().change(c.principal.arn, [&](meta::Transaction& t) {
    auto record = t.get(alias_kind, alias_key(c, in.alias_name));
    if (!record) no_such_alias(c, in.alias_name);
    record->set("TargetKeyId", key.metadata.key_id);
    record->set("LastUpdatedDate", c.now);
    t.put(alias_kind, alias_key(c, in.alias_name), *record);
  });
}

void remove(Keys& keys, Context& c, const model::DeleteAliasRequest& in) {
  require_own_name(in.alias_name);
  keys.metadata().change(c.principal.arn, [&](meta::Transaction& t) {
    if (!t.erase(alias_kind, alias_key(c, in.alias_name))) no_such_alias(c, in.alias_name);
  });
}

model::ListAliasesResponse list(Keys& keys, Context& c, const model::ListAliasesRequest& in) {
  const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
  const std::string after = after_of(in.marker);
  std::string only;
  if (in.key_id) only = keys.find(scope_of(c), *in.key_id).metadata.key_id;
  model::ListAliasesResponse out;
  auto& entries = out.aliases.emplace();
  for (const auto& r : keys.metadata().list(alias_kind, meta::prefix({c.account(), c.region}),
                                            after.empty() ? std::string() : alias_key(c, after))) {
    const std::string target = r.value.at("TargetKeyId").as_string();
    if (!only.empty() && target != only) continue;
    model::AliasListEntry entry;
    entry.alias_name = meta::key_parts(r.key).back();
    entry.alias_arn = govern::alias_arn(scope_of(c), *entry.alias_name);
    entry.target_key_id = target;
    entry.creation_date = r.value.at("CreationDate").as_time();
    entry.last_updated_date = r.value.at("LastUpdatedDate").as_time();
    entries.push_back(std::move(entry));
    if (entries.size() > limit) break;
  }
  cut(out, entries, limit, [](const auto& e) { return *e.alias_name; });
  return out;
}

}  // namespace

void register_aliases(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::CreateAlias>([&](Context& c, const model::CreateAliasRequest& in) {
    create(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::UpdateAlias>([&](Context& c, const model::UpdateAliasRequest& in) {
    update(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::DeleteAlias>([&](Context& c, const model::DeleteAliasRequest& in) {
    remove(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::ListAliases>([&](Context& c, const model::ListAliasesRequest& in) { return list(keys, c, in); });
}

}  // namespace tarn::gateway::kms
