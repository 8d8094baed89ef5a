#include "store/store_keys.hpp"

#include "base/cipher.hpp"
#include "base/error.hpp"
#include "store/coding.hpp"
#include "store/records.hpp"

namespace tarn::store {

StoreKeys::StoreKeys(Index& index, KeyKeeper* keeper, Random& random) : keeper_(keeper) {
  if (!keeper_) return;
  Batch batch(index);
  bool changed = false;
  auto put = [&](uint64_t number, const std::string& key) {
    batch.put(Family::records, store_key_key(number), keeper_->seal(key));
    changed = true;
  };
  auto cursor = index.cursor(Family::records, after_prefix(store_key_keys));
  for (bool at = cursor->seek(store_key_keys); at; at = cursor->next()) {
    const uint64_t number = Decoder(cursor->key().substr(store_key_keys.size())).ordered();
    const std::string& key = keys_[number] = keeper_->open(cursor->value());
    if (!keeper_->is_current(cursor->value())) put(number, key);
  }
  if (keys_.empty()) put(1, keys_[1] = random.bytes(cipher_key_size_bytes));
  if (changed) index.commit(batch);
}

NewEncryption StoreKeys::by_kms(std::string_view account, std::string_view region, const EncryptionWish& wish) const {
  if (!keeper_)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "Encryption by a key of KMS: the store was opened without keys.");
  return keeper_->make_kms_key(account, region, wish);
}

NewEncryption StoreKeys::own() const {
  if (!keeper_) return {};
  NewEncryption out;
  out.encryption.kind = Encryption::Kind::own;
  out.encryption.own_key = keys_.rbegin()->first;
  out.wrapping_key = keys_.rbegin()->second;
  return out;
}

std::string StoreKeys::wrapping_key(const Encryption& encryption, std::string_view customer_key) const {
  switch (encryption.kind) {
    case Encryption::Kind::none:
      return "";
    case Encryption::Kind::own: {
      auto key = keys_.find(encryption.own_key);
      if (key == keys_.end())
        throw Error(ErrorKind::bug, "InternalError",
                    "The object is encrypted by a key that this store does not have. Open it with its key-encryption "
                    "key.");
      return key->second;
    }
    case Encryption::Kind::kms:
      if (!keeper_)
        throw Error(ErrorKind::bug, "InternalError",
                    "The object is encrypted by a key of KMS, and the store was opened without keys.");
      return keeper_->open_kms_key(encryption);
    case Encryption::Kind::customer:
      if (customer_key.empty())
        throw Error(ErrorKind::caller, "InvalidRequest",
                    "The object was stored using a form of Server Side Encryption. The correct parameters must be "
                    "provided to retrieve the object.");
      return wrapping_key_of(encryption, customer_key);
  }
  TARN_ASSERT(false);
  return "";
}

}  // namespace tarn::store
