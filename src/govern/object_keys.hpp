// What the store needs of keys: its own ones sealed, and those of KMS made and opened.
#pragma once

#include "govern/keys.hpp"
#include "store/encryption.hpp"

namespace tarn::govern {

// Thread-safe. `keys` must outlive it.
class ObjectKeys : public store::KeyKeeper {
 public:
  explicit ObjectKeys(Keys& keys) : keys_(keys) {}

  std::string seal(std::string_view key) override;
  std::string open(std::string_view sealed) override;
  bool is_current(std::string_view sealed) override;
  store::NewEncryption make_kms_key(std::string_view account, std::string_view region,
                                    const store::EncryptionWish& wish) override;
  std::string open_kms_key(const store::Encryption& encryption) override;

 private:
  Keys& keys_;
};

}  // namespace tarn::govern
