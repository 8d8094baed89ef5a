#include "govern/secrets.hpp"

#include <algorithm>
#include <set>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

namespace model = api::secretsmanager;

constexpr std::string_view secret_kind = "secretsmanager.secret", value_kind = "secretsmanager.value";
constexpr std::string_view default_key = "alias/aws/secretsmanager";
constexpr std::size_t max_versions = 100, max_stages_of_version = 20, suffix_length = 6;
constexpr auto youngest_removed = std::chrono::hours(24);

[[noreturn]] void not_found() {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
}
[[noreturn]] void no_value(const std::string& what) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException",
              "Secrets Manager can't find the specified secret value for " + what);
}
[[noreturn]] void marked() {
  throw Error(ErrorKind::caller, "InvalidRequestException",
              "You can't perform this operation on the secret because it was marked for deletion.");
}

std::string key_of(const SecretScope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}

// "name-AbCdEf": this one and no other of the same name, before or after.
std::string resource_of(const SecretRecord& record) {
  return record.arn().substr(record.arn().find(":secret:") + 8);
}

std::string value_key(const SecretRecord& record, std::string_view value_id) {
  const SecretScope scope = record.scope();
  return meta::key({scope.account, scope.region, resource_of(record), value_id});
}

EncryptionContext context_of(const SecretRecord& record, const std::string& version_id) {
  return {{"SecretARN", record.arn()}, {"SecretVersionId", version_id}};
}

Value to_value(const SecretVersion& v) {
  Value out = Value::map({{"Id", v.id},
                          {"Created", v.created},
                          {"Stages", api::to_value(v.stages)},
                          {"Value", v.value_id},
                          {"Key", v.key_id}});
  if (v.accessed) out.set("Accessed", *v.accessed);
  return out;
}

SecretVersion version_from(const Value& v) {
  SecretVersion out;
  out.id = v.string_or("Id");
  out.created = v.at("Created").as_time();
  out.stages = api::from<std::vector<std::string>>(v.at("Stages"));
  out.value_id = v.string_or("Value");
  out.key_id = v.string_or("Key");
  if (const Value* accessed = v.find("Accessed")) out.accessed = accessed->as_time();
  return out;
}

Value to_value(const SecretRecord& r) {
  Value versions = Value::list();
  for (const auto& v : r.versions) versions.push_back(to_value(v));
  Value out = Value::map({{"Secret", to_value(r.description)}, {"Policy", r.policy}, {"Versions", versions}});
  if (r.next_rotation) out.set("NextRotation", *r.next_rotation);
  if (!r.rotation.token.empty())
    out.set("Rotation", Value::map({{"Token", r.rotation.token},
                                    {"Attempts", r.rotation.attempts},
                                    {"Due", r.rotation.due},
                                    {"Tests", r.rotation.tests}}));
  return out;
}

SecretRecord record_from(const Value& v) {
  SecretRecord out;
  out.description = api::from<model::DescribeSecretResponse>(v.at("Secret"));
  out.policy = v.string_or("Policy");
  for (const Value& version : v.at("Versions").as_list()) out.versions.push_back(version_from(version));
  if (const Value* next = v.find("NextRotation")) out.next_rotation = next->as_time();
  if (const Value* rotation = v.find("Rotation"))
    out.rotation = {rotation->string_or("Token"), rotation->int_or("Attempts"), rotation->at("Due").as_time(),
                    rotation->bool_or("Tests")};
  return out;
}

// KMS's errors as Secrets Manager passes them on.
template <class F>
auto by_kms(const char* code, F call) {
  try {
    return call();
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    if (e.code() == "AccessDeniedException")
      throw Error(ErrorKind::denied, "AccessDeniedException", "Access to KMS is not allowed. " + e.message());
    throw Error(ErrorKind::caller, code, e.code() + ": " + e.message());
  }
}

void check_name(const std::string& name) {
  const bool good = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/_+=.@-!").find(char(c)) != std::string_view::npos;
  });
  if (!good)
    throw Error(ErrorKind::caller, "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: "
                "-/_+=.@!");
}

std::optional<SecretValue> value_in(const model::CreateSecretRequest& in) {
  if (in.secret_string && in.secret_binary)
    throw Error(ErrorKind::caller, "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the same secret.");
  if (in.secret_string) return SecretValue{false, *in.secret_string};
  if (in.secret_binary) return SecretValue{true, in.secret_binary->bytes};
  return std::nullopt;
}

std::string random_suffix(Random& random) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < suffix_length) out.push_back(letters[random.next() % letters.size()]);
  return out;
}

Time day_of(Time t) {
  return std::chrono::floor<std::chrono::days>(t);
}

}  // namespace

bool SecretVersion::has(std::string_view stage) const {
  return std::ranges::find(stages, stage) != stages.end();
}

SecretScope SecretRecord::scope() const {
  // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX
  std::string_view rest = arn();
  rest.remove_prefix(std::string_view("arn:aws:secretsmanager:").size());
  const std::size_t region = rest.find(':'), account = rest.find(':', region + 1);
  return {std::string(rest.substr(region + 1, account - region - 1)), std::string(rest.substr(0, region))};
}

SecretVersion* SecretRecord::version(std::string_view id) {
  auto it = std::ranges::find_if(versions, [&](const auto& v) { return v.id == id; });
  return it == versions.end() ? nullptr : &*it;
}

SecretVersion* SecretRecord::staged(std::string_view stage) {
  auto it = std::ranges::find_if(versions, [&](const auto& v) { return v.has(stage); });
  return it == versions.end() ? nullptr : &*it;
}

model::DescribeSecretResponse SecretRecord::described() const {
  auto out = description;
  std::map<std::string, std::vector<std::string>> stages;
  for (const auto& v : versions)
    if (!v.stages.empty()) stages[v.id] = v.stages;
  if (!stages.empty()) out.version_ids_to_stages = std::move(stages);
  return out;
}

void attach_stage(SecretRecord& record, SecretVersion& to, std::string_view stage) {
  SecretVersion* from = record.staged(stage);
  if (from == &to) return;
  if (from) std::erase(from->stages, stage);
  to.stages.emplace_back(stage);
  if (stage != current_stage || !from) return;
  for (auto& v : record.versions) std::erase(v.stages, previous_stage);
  from->stages.emplace_back(previous_stage);
}

Secrets::Secrets(Keys& keys) : keys_(keys), metadata_(keys.metadata()) {}

// ---- looking up ----

bool Secrets::is_gone(const SecretRecord& record) const {
  return record.description.deleted_date && *record.description.deleted_date <= keys_.clock().now();
}

std::optional<SecretRecord> Secrets::load(meta::Reader& reader, std::string_view key) const {
  auto value = reader.get(secret_kind, key);
  if (!value) return std::nullopt;
  auto record = record_from(*value);
  return is_gone(record) ? std::nullopt : std::optional(std::move(record));
}

std::optional<SecretRecord> Secrets::look_up(const SecretScope& scope, std::string_view id) {
  if (!id.starts_with("arn:")) return load(metadata_, key_of(scope, id));
  const std::string own = "arn:aws:secretsmanager:" + scope.region + ":" + scope.account + ":secret:";
  if (!id.starts_with(own)) {
    if (id.find(":secretsmanager:") == id.npos)
      throw Error(ErrorKind::caller, "InvalidParameterException", "Invalid ARN " + std::string(id));
    not_found();
  }
  const std::string_view resource = id.substr(own.size());
  if (resource.size() > suffix_length + 1)
    if (auto record = load(metadata_, key_of(scope, resource.substr(0, resource.size() - suffix_length - 1)));
        record && record->arn() == id)
      return record;
  return load(metadata_, key_of(scope, resource));
}

SecretRecord Secrets::find_even_deleted(const SecretScope& scope, std::string_view id) {
  auto record = look_up(scope, id);
  if (!record) not_found();
  return std::move(*record);
}

SecretRecord Secrets::find(const SecretScope& scope, std::string_view id) {
  SecretRecord record = find_even_deleted(scope, id);
  if (record.description.deleted_date) marked();
  return record;
}

std::vector<SecretRecord> Secrets::list(const SecretScope& scope) {
  std::vector<SecretRecord> out;
  for (const auto& stored : metadata_.list(secret_kind, meta::prefix({scope.account, scope.region}))) {
    auto record = record_from(stored.value);
    if (!is_gone(record)) out.push_back(std::move(record));
  }
  return out;
}

std::vector<SecretRecord> Secrets::list_all() {
  std::vector<SecretRecord> out;
  for (const auto& stored : metadata_.list(secret_kind, "")) {
    auto record = record_from(stored.value);
    if (!is_gone(record)) {
      out.push_back(std::move(record));
      continue;
    }
    std::lock_guard alone(writing_);
    if (auto now = metadata_.get(secret_kind, stored.key); now && is_gone(record_from(*now))) forget("tarn", record);
  }
  return out;
}

// ---- values ----

std::string Secrets::seal(const SecretRecord& record, const std::string& version_id, const SecretValue& value) {
  const std::string key_id = record.description.kms_key_id.value_or(std::string(default_key));
  const std::string blob = by_kms("EncryptionFailure", [&] {
    const KeyRecord key = keys_.usable(record.scope(), key_id, "ENCRYPT_DECRYPT");
    if (key.metadata.key_spec != "SYMMETRIC_DEFAULT")
      throw Error(ErrorKind::caller, "InvalidKeyUsageException", key.arn() + " is no symmetric encryption key.");
    return keys_.encrypt(key, value.bytes, context_of(record, version_id));
  });
  const std::string value_id = random().hex(32);
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.put(value_kind, value_key(record, value_id),
          Value::map({{"Sealed", base64_encode(blob)}, {"Binary", value.binary}}));
  });
  return value_id;
}

SecretValue Secrets::open(const SecretRecord& record, const SecretVersion& version) {
  auto stored = metadata_.get(value_kind, value_key(record, version.value_id));
  if (!stored) throw Error(ErrorKind::bug, "InternalServiceError", "The value of " + record.arn() + " is missing.");
  const std::string blob = base64_decode(stored->string_or("Sealed")).value_or("");
  return by_kms("DecryptionFailure", [&] {
    return SecretValue{stored->bool_or("Binary"),
                       keys_.decrypt(record.scope(), std::nullopt, blob, context_of(record, version.id)).plain};
  });
}

void Secrets::forget_value(const SecretRecord& record, const std::string& value_id) {
  metadata_.change_quietly([&](meta::Transaction& t) { t.erase(value_kind, value_key(record, value_id)); });
}

// Days alone are told, so a secret that is read often is written once a day.
void Secrets::note_access(const SecretRecord& record, const std::string& version_id) {
  const Time today = day_of(clock().now());
  SecretRecord seen = record;
  const SecretVersion* version = seen.version(version_id);
  if (seen.description.last_accessed_date == today && (!version || version->accessed == today)) return;
  note(record, [&](SecretRecord& r) {
    r.description.last_accessed_date = today;
    if (SecretVersion* v = r.version(version_id)) v->accessed = today;
  });
}

Secrets::Found Secrets::value(const SecretScope& scope, std::string_view id,
                              const std::optional<std::string>& version_id, const std::optional<std::string>& stage) {
  SecretRecord secret = find(scope, id);
  SecretVersion* version = nullptr;
  if (version_id) {
    version = secret.version(*version_id);
    if (!version) no_value("VersionId: " + *version_id);
    if (stage && !version->has(*stage))
      throw Error(ErrorKind::caller, "InvalidRequestException",
                  "You provided a VersionStage that is not associated to the provided VersionId.");
  } else {
    version = secret.staged(stage.value_or(std::string(current_stage)));
    if (!version) no_value("staging label: " + stage.value_or(std::string(current_stage)));
  }
  if (version->value_id.empty())
    no_value(version_id ? "VersionId: " + *version_id : "staging label: " + stage.value_or(std::string(current_stage)));
  SecretValue value = open(secret, *version);
  note_access(secret, version->id);
  SecretVersion found = *version;
  return {std::move(secret), std::move(found), std::move(value)};
}

// ---- changes ----

SecretRecord Secrets::change_locked(std::string_view actor, const SecretRecord& found,
                                    const std::function<void(SecretRecord&)>& change) {
  SecretRecord before, after;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto record = load(t, key_of(found.scope(), found.name()));
    if (!record || record->arn() != found.arn()) not_found();
    before = *record;
    change(*record);
    t.put(secret_kind, key_of(found.scope(), found.name()), to_value(*record));
    after = std::move(*record);
  });
  forget_values(before, after);
  return after;
}

void Secrets::forget_values(const SecretRecord& before, const SecretRecord& after) {
  std::set<std::string> gone;
  for (const auto& v : before.versions) gone.insert(v.value_id);
  for (const auto& v : after.versions) gone.erase(v.value_id);
  gone.erase("");
  for (const auto& value_id : gone) forget_value(before, value_id);
}

SecretRecord Secrets::change(const SecretScope& scope, std::string_view actor, std::string_view id,
                             const std::function<void(SecretRecord&)>& change) {
  std::lock_guard alone(writing_);
  return change_locked(actor, find(scope, id), [&](SecretRecord& record) {
    change(record);
    record.description.last_changed_date = clock().now();
  });
}

void Secrets::note(const SecretRecord& secret, const std::function<void(SecretRecord&)>& change) {
  std::lock_guard alone(writing_);
  SecretRecord before, after;
  metadata_.change_quietly([&](meta::Transaction& t) {
    auto record = load(t, key_of(secret.scope(), secret.name()));
    if (!record || record->arn() != secret.arn() || record->description.deleted_date) return;
    before = *record;
    change(*record);
    t.put(secret_kind, key_of(secret.scope(), secret.name()), to_value(*record));
    after = std::move(*record);
  });
  forget_values(before, after);
}

bool Secrets::is_repetition(const SecretRecord& record, const std::string& token, const SecretValue& value) {
  SecretRecord seen = record;
  const SecretVersion* version = seen.version(token);
  if (!version || version->value_id.empty()) return false;
  if (open(seen, *version) == value) return true;
  throw Error(ErrorKind::conflict, "ResourceExistsException",
              "You can't use ClientRequestToken " + token +
                  " because that value is already in use for a version of secret " + record.arn() + ".");
}

void Secrets::add_version(SecretRecord& record, const std::string& id, const std::string& value_id,
                          const std::vector<std::string>& stages) {
  const Time now = clock().now();
  if (!record.version(id)) {
    auto removable = [&](const SecretVersion& v) { return v.stages.empty() && v.created + youngest_removed < now; };
    while (record.versions.size() >= max_versions) {
      auto oldest = std::ranges::find_if(record.versions, removable);
      if (oldest == record.versions.end())
        throw Error(ErrorKind::limit, "LimitExceededException",
                    "The secret has 100 versions, and none of them is deprecated and older than a day.");
      record.versions.erase(oldest);
    }
    record.versions.push_back({.id = id, .created = now, .stages = {}, .value_id = {}, .key_id = {}});
  }
  SecretVersion& version = *record.version(id);
  version.value_id = value_id;
  version.key_id = record.description.kms_key_id.value_or("");
  for (const auto& stage : stages) attach_stage(record, version, stage);
  if (version.stages.size() > max_stages_of_version)
    throw Error(ErrorKind::limit, "LimitExceededException", "A version can have up to 20 staging labels.");
}

SecretRecord Secrets::create(const SecretScope& scope, std::string_view actor, const model::CreateSecretRequest& in) {
  check_name(in.name);
  const auto value = value_in(in);
  const std::string token = in.client_request_token.value_or(random().uuid());
  std::lock_guard alone(writing_);
  if (auto stored = metadata_.get(secret_kind, key_of(scope, in.name))) {
    SecretRecord record = record_from(*stored);
    if (is_gone(record)) {
      forget("tarn", record);
    } else if (record.description.deleted_date) {
      throw Error(ErrorKind::caller, "InvalidRequestException",
                  "You can't create this secret because a secret with this name is already scheduled for deletion.");
    } else if (value && record.version(token) && is_repetition(record, token, *value)) {
      return record;
    } else {
      throw Error(ErrorKind::conflict, "ResourceExistsException",
                  "The operation failed because the secret " + in.name + " already exists.");
    }
  }
  SecretRecord record;
  auto& d = record.description;
  d.arn = "arn:aws:secretsmanager:" + scope.region + ":" + scope.account + ":secret:" + in.name + "-" +
          random_suffix(random());
  d.name = in.name;
  d.description = in.description;
  if (in.kms_key_id && !in.kms_key_id->empty() && *in.kms_key_id != default_key) d.kms_key_id = in.kms_key_id;
  if (in.tags && !in.tags->empty()) d.tags = in.tags;
  d.created_date = d.last_changed_date = clock().now();
  if (value)
    add_version(record, token, seal(record, token, *value), {std::string(current_stage)});
  else if (d.kms_key_id)
    by_kms("EncryptionFailure", [&] { return keys_.usable(scope, *d.kms_key_id, "ENCRYPT_DECRYPT"); });
  metadata_.change(actor, [&](meta::Transaction& t) { t.put(secret_kind, key_of(scope, in.name), to_value(record)); });
  return record;
}

SecretRecord Secrets::put_value(const SecretScope& scope, std::string_view actor, std::string_view id,
                                const std::string& token, const SecretValue& value, std::vector<std::string> stages) {
  std::lock_guard alone(writing_);
  SecretRecord record = find(scope, id);
  if (is_repetition(record, token, value)) return record;
  if (stages.empty()) stages.emplace_back(current_stage);
  const bool first = std::ranges::none_of(record.versions, [](const auto& v) { return !v.value_id.empty(); });
  if (first && !record.staged(current_stage) && std::ranges::find(stages, current_stage) == stages.end())
    stages.emplace_back(current_stage);
  const std::string value_id = seal(record, token, value);
  try {
    return change_locked(actor, record, [&](SecretRecord& r) {
      add_version(r, token, value_id, stages);
      r.description.last_changed_date = clock().now();
    });
  } catch (const Error&) {
    forget_value(record, value_id);
    throw;
  }
}

SecretRecord Secrets::update(const SecretScope& scope, std::string_view actor, std::string_view id,
                             const std::optional<std::string>& description, const std::optional<std::string>& key_id) {
  std::lock_guard alone(writing_);
  SecretRecord wanted = find(scope, id);
  if (description) wanted.description.description = *description;
  if (key_id) {
    const auto before = wanted.description.kms_key_id;
    wanted.description.kms_key_id.reset();
    if (!key_id->empty() && *key_id != default_key) {
      by_kms("EncryptionFailure", [&] { return keys_.usable(scope, *key_id, "ENCRYPT_DECRYPT"); });
      wanted.description.kms_key_id = *key_id;
    }
    if (wanted.description.kms_key_id != before)
      for (auto& v : wanted.versions) {
        if (v.value_id.empty() || !(v.has(current_stage) || v.has(pending_stage) || v.has(previous_stage))) continue;
        v.value_id = seal(wanted, v.id, open(wanted, v));
        v.key_id = wanted.description.kms_key_id.value_or("");
      }
  }
  return change_locked(actor, wanted, [&](SecretRecord& r) {
    r = wanted;
    r.description.last_changed_date = clock().now();
  });
}

// ---- deletion ----

SecretRecord Secrets::mark_deleted(const SecretScope& scope, std::string_view actor, std::string_view id, Time at) {
  std::lock_guard alone(writing_);
  return change_locked(actor, find(scope, id), [&](SecretRecord& r) {
    r.description.deleted_date = at;
    r.rotation = {};
  });
}

SecretRecord Secrets::restore(const SecretScope& scope, std::string_view actor, std::string_view id) {
  std::lock_guard alone(writing_);
  return change_locked(actor, find_even_deleted(scope, id),
                       [](SecretRecord& r) { r.description.deleted_date.reset(); });
}

SecretRecord Secrets::erase(const SecretScope& scope, std::string_view actor, std::string_view id) {
  std::lock_guard alone(writing_);
  SecretRecord record = find_even_deleted(scope, id);
  forget(actor, record);
  return record;
}

void Secrets::forget(std::string_view actor, const SecretRecord& record) {
  const SecretScope scope = record.scope();
  metadata_.change(actor, [&](meta::Transaction& t) { t.erase(secret_kind, key_of(scope, record.name())); });
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.erase_all(value_kind, meta::prefix({scope.account, scope.region, resource_of(record)}));
  });
}

}  // namespace tarn::govern
