#include <algorithm>

#include "base/base64.hpp"
#include "base/cipher.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "govern/key_pairs.hpp"
#include "govern/key_records.hpp"

namespace tarn::govern {
namespace {

constexpr auto keeper_period = std::chrono::hours(1);

std::string material_key(const KeyScope& scope, std::string_view key_id, std::string_view material_id) {
  return meta::key({scope.account, scope.region, key_id, material_id});
}

// Binds sealed material to the key that it belongs to.
std::string purpose_of(std::string_view record_key) {
  return "kms.material:" + std::string(record_key);
}

Time day_of_rotation(Time from, int64_t period_days) {
  return from + std::chrono::days(period_days);
}

[[noreturn]] void invalid_ciphertext() {
  throw Error(ErrorKind::caller, "InvalidCiphertextException", "");
}

}  // namespace

std::string record_key(const KeyScope& scope, std::string_view key_id) {
  return meta::key({scope.account, scope.region, key_id});
}

KeyRecord record_from(const Value& value) {
  KeyRecord out;
  out.metadata = api::from<api::kms::KeyMetadata>(value.at("Metadata"));
  out.policy = value.string_or("Policy");
  out.tags = api::from<std::vector<api::kms::Tag>>(value.at("Tags"));
  for (const Value& m : value.at("Materials").as_list())
    out.materials.push_back({m.string_or("Id"), m.at("Created").as_time(), m.string_or("Rotation")});
  out.rotates = value.bool_or("Rotates");
  out.rotation_period_days = value.int_or("RotationPeriodDays", 365);
  if (const Value* next = value.find("NextRotation")) out.next_rotation = next->as_time();
  return out;
}

void put_record(meta::Transaction& t, const KeyRecord& record) {
  Value materials = Value::list();
  for (const KeyMaterial& m : record.materials)
    materials.push_back(Value::map({{"Id", m.id}, {"Created", m.created}, {"Rotation", m.rotation}}));
  Value value = Value::map({{"Metadata", to_value(record.metadata)},
                            {"Policy", record.policy},
                            {"Tags", api::to_value(record.tags)},
                            {"Materials", materials},
                            {"Rotates", record.rotates},
                            {"RotationPeriodDays", record.rotation_period_days}});
  if (record.next_rotation) value.set("NextRotation", *record.next_rotation);
  t.put(key_kind, record_key(record.scope(), record.metadata.key_id), value);
}

std::string new_secret(const KeySpec& spec, Random& random) {
  const bool bytes = spec.family == KeyFamily::symmetric || spec.family == KeyFamily::hmac;
  return bytes ? random.bytes(static_cast<std::size_t>(spec.size_bits) / 8) : make_key_pair(spec);
}

void show_material(KeyRecord& record) {
  record.metadata.current_key_material_id.reset();
  if (record.metadata.key_spec == "SYMMETRIC_DEFAULT" && !record.materials.empty())
    record.metadata.current_key_material_id = record.materials.back().id;
}

Keys::Keys(meta::Metadata& metadata, KeyEncryptionKeys sealing, Clock& clock, Random& random)
    : metadata_(metadata), sealing_(std::move(sealing)), clock_(clock), random_(random) {
  seal_anew();
  keeper_ = std::jthread([this](std::stop_token stop) { keep(std::move(stop)); });
}
Keys::~Keys() = default;

// Opens everything once, so that a wrong key-encryption key shows at the start, and seals by the current one what an
// older one sealed.
void Keys::seal_anew() {
  std::vector<meta::Record> old;
  for (auto& stored : metadata_.list(material_kind, "")) {
    const std::string sealed = base64_decode(stored.value.string_or("Sealed")).value_or("");
    const std::string secret = sealing_.open(sealed, purpose_of(stored.key));
    if (KeyEncryptionKeys::version_of(sealed) == sealing_.current_version()) continue;
    stored.value.set("Sealed", base64_encode(sealing_.seal(secret, purpose_of(stored.key), random_)));
    old.push_back(std::move(stored));
  }
  if (old.empty()) return;
  metadata_.change_quietly([&](meta::Transaction& t) {
    for (const auto& stored : old) t.put(material_kind, stored.key, stored.value);
  });
}

void Keys::keep(std::stop_token stop) {
  while (clock_.wait_until(clock_.now() + keeper_period, stop)) {
    try {
      settle_all();
    } catch (const Error& error) {
      log(LogLevel::warning, "keys were not looked through", Value::map({{"reason", error.message()}}));
    }
  }
}

void Keys::settle_all() {
  for (const std::string& key : metadata_.keys(key_kind, "")) {
    auto parts = meta::key_parts(key);
    load({parts[0], parts[1]}, parts[2]);
  }
}

KeyMaterial Keys::add_material(const KeyRecord& key, std::string_view secret, std::string_view rotation) {
  // Told by the secret, so that imported material is known again.
  const std::string id = hex_encode(digest(DigestKind::sha256, key.metadata.key_id + std::string(secret)));
  const std::string place = material_key(key.scope(), key.metadata.key_id, id);
  const std::string sealed = base64_encode(sealing_.seal(secret, purpose_of(place), random_));
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.put(material_kind, place, Value::map({{"Sealed", sealed}}));
  });
  return {id, clock_.now(), std::string(rotation)};
}

std::optional<KeyRecord> Keys::load(const KeyScope& scope, std::string_view key_id) {
  auto value = metadata_.get(key_kind, record_key(scope, key_id));
  if (!value) return std::nullopt;
  KeyRecord record = record_from(*value);
  const Time now = clock_.now();
  if (record.metadata.key_state == "PendingDeletion" && *record.metadata.deletion_date <= now) {
    metadata_.change("tarn", [&](meta::Transaction& t) {
      t.erase(key_kind, record_key(scope, key_id));
      t.erase_all(grant_kind, meta::prefix({scope.account, scope.region, key_id}));
      for (const auto& alias : t.list(alias_kind, meta::prefix({scope.account, scope.region})))
        if (alias.value.string_or("TargetKeyId") == key_id) t.erase(alias_kind, alias.key);
    });
    metadata_.change_quietly([&](meta::Transaction& t) {
      t.erase_all(material_kind, meta::prefix({scope.account, scope.region, key_id}));
    });
    return std::nullopt;
  }
  if (record.metadata.valid_to && *record.metadata.valid_to <= now && record.metadata.key_state != "PendingDeletion")
    return delete_material(scope, "tarn", key_id);
  if (record.rotates && record.metadata.key_state == "Enabled" && record.next_rotation && *record.next_rotation <= now)
    return rotate(scope, "tarn", key_id, "AUTOMATIC");
  return record;
}

KeyRecord Keys::rotate(const KeyScope& scope, std::string_view actor, std::string_view id, std::string_view rotation) {
  auto value = metadata_.get(key_kind, record_key(scope, id));
  if (!value) throw Error(ErrorKind::missing, "NotFoundException", "Invalid keyId '" + std::string(id) + "'");
  KeyRecord record = record_from(*value);
  const auto seen = record.materials.size();
  KeyMaterial made = add_material(record, random_.bytes(cipher_key_size_bytes), rotation);
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (auto now = t.get(key_kind, record_key(scope, id))) record = record_from(*now);
    if (rotation == "AUTOMATIC" && record.materials.size() != seen) return;  // another thread was faster
    record.materials.push_back(made);
    show_material(record);
    if (rotation == "AUTOMATIC" && record.next_rotation) {
      while (*record.next_rotation <= clock_.now())
        record.next_rotation = day_of_rotation(*record.next_rotation, record.rotation_period_days);
    }
    put_record(t, record);
  });
  return record;
}

KeyRecord Keys::import_material(const KeyScope& scope, std::string_view actor, std::string_view id,
                                std::string_view secret, std::optional<Time> expires) {
  const KeyRecord found = find_own(scope, id);
  const KeyMaterial made = add_material(found, secret, "");
  try {
    return change(scope, actor, id, [&](KeyRecord& record) {
      if (!record.materials.empty() && record.materials.back().id != made.id)
        throw Error(ErrorKind::caller, "IncorrectKeyMaterialException",
                    "The key material is not the one that was imported into this key before.");
      if (record.materials.empty()) record.materials.push_back(made);
      record.metadata.key_state = "Enabled";
      record.metadata.enabled = true;
      record.metadata.valid_to = expires;
      record.metadata.expiration_model = expires ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE";
      show_material(record);
    });
  } catch (const Error& error) {
    if (error.code() == "IncorrectKeyMaterialException")
      metadata_.change_quietly(
          [&](meta::Transaction& t) { t.erase(material_kind, material_key(scope, found.metadata.key_id, made.id)); });
    throw;
  }
}

KeyRecord Keys::delete_material(const KeyScope& scope, std::string_view actor, std::string_view id) {
  KeyRecord record;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto value = t.get(key_kind, record_key(scope, id));
    if (!value) throw Error(ErrorKind::missing, "NotFoundException", "Invalid keyId '" + std::string(id) + "'");
    record = record_from(*value);
    record.metadata.enabled = false;
    if (record.metadata.key_state != "PendingDeletion") record.metadata.key_state = "PendingImport";
    record.metadata.valid_to.reset();
    record.metadata.expiration_model.reset();
    record.metadata.current_key_material_id.reset();
    put_record(t, record);
  });
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.erase_all(material_kind, meta::prefix({scope.account, scope.region, id}));
  });
  return record;
}

std::string Keys::material(const KeyRecord& key, std::string_view material_id) const {
  if (material_id.empty()) {
    TARN_ASSERT(!key.materials.empty());
    material_id = key.materials.back().id;
  }
  const std::string place = material_key(key.scope(), key.metadata.key_id, material_id);
  auto stored = metadata_.get(material_kind, place);
  if (!stored) throw Error(ErrorKind::bug, "KMSInternalException", "The material of " + key.arn() + " is missing.");
  return sealing_.open(base64_decode(stored->string_or("Sealed")).value_or(""), purpose_of(place));
}

std::string Keys::encrypt(const KeyRecord& key, std::string_view plain, const EncryptionContext& context) const {
  const std::string head = ciphertext_head(*key.metadata.aws_account_id, key.metadata.key_id, key.materials.back().id);
  return head + tarn::seal(material(key), associated_data(head, context), plain, random_);
}

Keys::Decrypted Keys::decrypt(const KeyScope& scope, const std::optional<std::string>& id, std::string_view blob,
                              const EncryptionContext& context) {
  std::optional<KeyRecord> named;
  if (id) named = find(scope, *id);
  auto parsed = parse_ciphertext(blob);
  if (!parsed) invalid_ciphertext();
  if (named && named->metadata.key_id != parsed->key_id)
    throw Error(ErrorKind::caller, "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.");
  if (parsed->account != scope.account)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or "
                "you are not allowed to access.");
  if (!named) named = load(scope, parsed->key_id);
  if (!named)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or "
                "you are not allowed to access.");
  require_enabled(*named);
  const auto& materials = named->materials;
  if (std::ranges::none_of(materials, [&](const KeyMaterial& m) { return m.id == parsed->material_id; }))
    invalid_ciphertext();
  const std::string head = ciphertext_head(parsed->account, parsed->key_id, parsed->material_id);
  auto plain = open_sealed(material(*named, parsed->material_id), associated_data(head, context), parsed->sealed);
  if (!plain) invalid_ciphertext();
  return {std::move(*named), parsed->material_id, std::move(*plain)};
}

}  // namespace tarn::govern
