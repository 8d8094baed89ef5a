// The keys of KMS: their records, their sealed material, and what they do ("AWS KMS Developer Guide").
//
// A record tells what a key is, and is public; the material stands apart, sealed by the KeyEncryptionKeys, and never
// enters the change log. A key has one material or, rotated, several: the newest encrypts, all of them decrypt. A key
// whose waiting period is over is gone at that moment, and its material is erased soon after.
//
// Thread-safe. Errors carry KMS's codes: NotFoundException, DisabledException, KMSInvalidStateException,
// InvalidKeyUsageException, InvalidCiphertextException, IncorrectKeyException, AccessDeniedException (AWS's own keys).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/kms.hpp"
#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "govern/ciphertext.hpp"
#include "govern/key_encryption.hpp"
#include "meta/metadata.hpp"

namespace tarn::govern {

struct KeyScope {
  std::string account, region;
};

struct KeyMaterial {
  std::string id;  // 64 hexadecimal digits
  Time created;
  std::string rotation;  // how it came: "AUTOMATIC", "ON_DEMAND"; empty for the first
};

struct KeyRecord {
  api::kms::KeyMetadata metadata;
  std::string policy;
  std::vector<api::kms::Tag> tags;
  std::vector<KeyMaterial> materials;  // oldest first; none while import is pending
  bool rotates = false;
  int64_t rotation_period_days = 365;
  std::optional<Time> next_rotation;

  const std::string& arn() const { return *metadata.arn; }
  KeyScope scope() const;
  bool is_aws_managed() const { return metadata.key_manager == "AWS"; }
};

class Keys {
 public:
  Keys(meta::Metadata& metadata, KeyEncryptionKeys sealing, Clock& clock, Random& random);
  ~Keys();

  // ---- records ----
  KeyRecord create(const KeyScope& scope, std::string_view actor, const api::kms::CreateKeyRequest& input);
  // `id` is a key's id or ARN, an alias's name or ARN. The keys that AWS itself manages (alias/aws/s3 ...) are made
  // when they are first named.
  KeyRecord find(const KeyScope& scope, std::string_view id);
  // Like find(), but for what changes a key: takes no alias, and refuses AWS's own keys.
  KeyRecord find_own(const KeyScope& scope, std::string_view id);
  // Changes the record of a customer's key in one atomic step; `change` may throw. Returns it as it then is.
  KeyRecord change(const KeyScope& scope, std::string_view actor, std::string_view id,
                   const std::function<void(KeyRecord&)>& change);
  // By id, those after `after`.
  std::vector<KeyRecord> list(const KeyScope& scope, std::string_view after, std::size_t limit);

  // ---- material ----
  // Gives the key a new material, which encrypts from now on. `rotation` says how it came.
  KeyRecord rotate(const KeyScope& scope, std::string_view actor, std::string_view id, std::string_view rotation);
  // Sets the only material of a key whose origin is EXTERNAL, or takes it away. The one that it had before must come
  // again: Error (caller, IncorrectKeyMaterialException).
  KeyRecord import_material(const KeyScope& scope, std::string_view actor, std::string_view id,
                            std::string_view material, std::optional<Time> expires);
  KeyRecord delete_material(const KeyScope& scope, std::string_view actor, std::string_view id);
  // The secret bytes themselves; of the newest one when no `material_id` is given.
  std::string material(const KeyRecord& key, std::string_view material_id = {}) const;
  const KeyEncryptionKeys& sealing() const { return sealing_; }

  // ---- use ----
  // The key, when it is enabled and made for `usage`; else DisabledException, KMSInvalidStateException,
  // InvalidKeyUsageException.
  KeyRecord usable(const KeyScope& scope, std::string_view id, std::string_view usage);
  std::string encrypt(const KeyRecord& key, std::string_view plain, const EncryptionContext& context) const;
  struct Decrypted {
    KeyRecord key;
    std::string material_id, plain;
  };
  // `id`, where given, must name the key that made the blob (IncorrectKeyException).
  Decrypted decrypt(const KeyScope& scope, const std::optional<std::string>& id, std::string_view blob,
                    const EncryptionContext& context);

  meta::Metadata& metadata() { return metadata_; }
  Random& random() { return random_; }
  Clock& clock() { return clock_; }

 private:
  std::optional<KeyRecord> load(const KeyScope& scope, std::string_view key_id);
  KeyRecord find_in(const KeyScope& scope, std::string_view id, bool aliases);
  KeyRecord make_managed(const KeyScope& scope, std::string_view alias);
  KeyRecord store_new(std::string_view actor, KeyRecord record, const std::function<void(meta::Transaction&)>& also);
  KeyMaterial add_material(const KeyRecord& key, std::string_view secret, std::string_view rotation);
  void seal_anew();
  void keep(std::stop_token stop);
  void settle_all();

  meta::Metadata& metadata_;
  KeyEncryptionKeys sealing_;
  Clock& clock_;
  Random& random_;
  std::jthread keeper_;
};

// The ARN of an alias, and its record's kind: {"TargetKeyId", "CreationDate", "LastUpdatedDate"} under account, region,
// name.
std::string alias_arn(const KeyScope& scope, std::string_view alias);
inline constexpr std::string_view alias_kind = "kms.alias";
inline constexpr std::string_view grant_kind = "kms.grant";
// The state in which a key may still be described, but not used: DisabledException, KMSInvalidStateException.
void require_enabled(const KeyRecord& key);
void require_not_pending_deletion(const KeyRecord& key);

}  // namespace tarn::govern
