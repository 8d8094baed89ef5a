// The store's own keys: those that wrap the data keys of SSE-S3. They stand in the index, sealed by the KeyKeeper; the
// newest wraps, all of them unwrap. Thread-safe once opened.
#pragma once

#include <map>
#include <string>

#include "base/random.hpp"
#include "store/encryption.hpp"
#include "store/index.hpp"

namespace tarn::store {

class StoreKeys {
 public:
  // Without a keeper there are no keys, and only bodies in the clear can be read. A first key is made where there is
  // none; keys that an older key of the keeper's sealed are sealed anew.
  StoreKeys(Index& index, KeyKeeper* keeper, Random& random);

  bool has_keeper() const { return keeper_ != nullptr; }
  // The newest of the store's own keys; kind none when there is no keeper.
  NewEncryption own() const;
  // By a key of KMS: the wish, made true. Error (unsupported, NotImplemented) without a keeper.
  NewEncryption by_kms(std::string_view account, std::string_view region, const EncryptionWish& wish) const;
  // The wrapping key of something stored. `customer_key` is what the reader brought along, often nothing; an SSE-C
  // object without it throws Error (caller, InvalidRequest), another than the right one AccessDenied.
  std::string wrapping_key(const Encryption& encryption, std::string_view customer_key) const;

 private:
  KeyKeeper* keeper_;
  std::map<uint64_t, std::string> keys_;
};

}  // namespace tarn::store
