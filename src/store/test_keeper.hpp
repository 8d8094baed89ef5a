// Stands in for govern's keeper of keys, which lies above the store: for tests and measurements.
#pragma once

#include "base/cipher.hpp"
#include "base/error.hpp"
#include "store/encryption.hpp"

namespace tarn::store {

class TestKeeper : public KeyKeeper {
 public:
  std::string seal(std::string_view key) override { return tarn::seal(master_, "key", key, random_); }
  std::string open(std::string_view sealed) override {
    auto key = open_sealed(master_, "key", sealed);
    if (!key) throw Error(ErrorKind::bug, "InvalidKeyEncryptionKey", "sealed by another");
    return std::move(*key);
  }
  bool is_current(std::string_view) override { return !seals_anew; }

  NewEncryption make_kms_key(std::string_view, std::string_view, const EncryptionWish& wish) override {
    NewEncryption out;
    out.wrapping_key = random_.bytes(cipher_key_size_bytes);
    out.encryption.kind = Encryption::Kind::kms;
    out.encryption.kms_key_arn = wish.kms_key_id.empty() ? "aws/s3" : wish.kms_key_id;
    out.encryption.context = wish.context;
    out.encryption.bucket_key_enabled = wish.bucket_key_enabled;
    out.encryption.sealed_key = tarn::seal(master_, out.encryption.kms_key_arn, out.wrapping_key, random_);
    return out;
  }
  std::string open_kms_key(const Encryption& encryption) override {
    if (disabled) throw Error(ErrorKind::caller, "KMS.DisabledException", "disabled");
    auto key = open_sealed(master_, encryption.kms_key_arn, encryption.sealed_key);
    if (!key) throw Error(ErrorKind::denied, "AccessDenied", "sealed by another");
    return std::move(*key);
  }

  bool disabled = false;    // no key of KMS opens
  bool seals_anew = false;  // the store is to seal its keys again

 private:
  std::string master_ = std::string(cipher_key_size_bytes, 'm');
  SystemRandom random_;
};

}  // namespace tarn::store
