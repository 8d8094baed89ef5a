#include "govern/object_keys.hpp"

#include "base/cipher.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

constexpr std::string_view purpose = "store.key";

// KMS's errors as S3 passes them on.
template <class F>
auto as_s3(F call) {
  try {
    return call();
  } catch (const Error& error) {
    if (error.code() == "AccessDeniedException") throw Error(ErrorKind::denied, "AccessDenied", error.message());
    for (const char* code : {"NotFoundException", "DisabledException", "KMSInvalidStateException",
                             "InvalidKeyUsageException", "InvalidArnException"})
      if (error.code() == code) throw Error(ErrorKind::caller, std::string("KMS.") + code, error.message());
    throw;
  }
}

KeyScope scope_of(std::string_view arn) {
  KeyRecord named;
  named.metadata.arn = std::string(arn);
  std::string_view rest = arn;
  for (int i = 0; i < 4; i++) rest.remove_prefix(std::min(rest.find(':') + 1, rest.size()));
  named.metadata.aws_account_id = std::string(rest.substr(0, rest.find(':')));
  return named.scope();
}

}  // namespace

std::string ObjectKeys::seal(std::string_view key) {
  return keys_.sealing().seal(key, purpose, keys_.random());
}

std::string ObjectKeys::open(std::string_view sealed) {
  return keys_.sealing().open(sealed, purpose);
}

bool ObjectKeys::is_current(std::string_view sealed) {
  return KeyEncryptionKeys::version_of(sealed) == keys_.sealing().current_version();
}

store::NewEncryption ObjectKeys::make_kms_key(std::string_view account, std::string_view region,
                                              const store::EncryptionWish& wish) {
  return as_s3([&] {
    // A bucket that no account owns holds what tarn keeps for accounts: it was told whose key.
    const bool owned = account.size() == 12;
    const KeyScope scope = owned ? KeyScope{std::string(account), std::string(region)} : scope_of(wish.kms_key_id);
    const KeyRecord key =
        keys_.usable(scope, wish.kms_key_id.empty() ? "alias/aws/s3" : wish.kms_key_id, "ENCRYPT_DECRYPT");
    if (key.metadata.key_spec != "SYMMETRIC_DEFAULT")
      throw Error(ErrorKind::caller, "InvalidKeyUsageException", key.arn() + " is no symmetric key.");
    store::NewEncryption out;
    out.wrapping_key = keys_.random().bytes(cipher_key_size_bytes);
    out.encryption.kind = store::Encryption::Kind::kms;
    out.encryption.kms_key_arn = key.arn();
    out.encryption.context = wish.context;
    out.encryption.bucket_key_enabled = wish.bucket_key_enabled;
    out.encryption.sealed_key = keys_.encrypt(key, out.wrapping_key, wish.context);
    return out;
  });
}

std::string ObjectKeys::open_kms_key(const store::Encryption& encryption) {
  return as_s3([&] {
    return keys_
        .decrypt(scope_of(encryption.kms_key_arn), encryption.kms_key_arn, encryption.sealed_key, encryption.context)
        .plain;
  });
}

}  // namespace tarn::govern
