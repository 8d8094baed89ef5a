// Which key an object gets, and how its data keys pass from one key to another.
#include "base/base64.hpp"
#include "base/cipher.hpp"
#include "base/error.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

std::string data_key(std::string_view wrapping_key, const Extent& extent) {
  auto key = wrapping_key.empty() ? std::nullopt : unwrap_key(wrapping_key, extent.wrapped_key);
  if (!key)
    throw Error(ErrorKind::bug, "InternalError",
                "The key of this object's body is damaged, or was wrapped by another. Restore it from a copy.");
  return std::move(*key);
}

void rewrap(std::vector<Extent>& extents, std::string_view from, std::string_view to) {
  if (from == to) return;
  for (Extent& extent : extents) {
    if (extent.sealed() != !to.empty())
      throw Error(ErrorKind::bug, "InternalError", "A copy between encrypted and plain bodies has to move the bytes.");
    if (extent.sealed()) extent.wrapped_key = wrap_key(to, data_key(from, extent));
  }
}

std::string etag_of(std::string_view md5, const Encryption& encryption, Random& random) {
  if (!encryption.hides_etag()) return hex_encode(md5);
  return hex_encode(digest(DigestKind::md5, std::string(md5) + random.bytes(16)));
}

NewEncryption LocalStore::choose(EncryptionWish wish, std::string_view bucket_name, std::string_view key) const {
  using Kind = Encryption::Kind;
  const std::shared_ptr<const BucketInfo> info = bucket(bucket_name);
  const auto found = info->settings.find(encryption_setting);
  const Value* setting = found == info->settings.end() ? nullptr : &found->second;
  if (wish.kind == Kind::none && setting && setting->string_or("SSEAlgorithm") == "aws:kms") {
    wish.kind = Kind::kms;
    wish.kms_key_id = setting->string_or("KMSMasterKeyID");
    wish.bucket_key_enabled = setting->bool_or("BucketKeyEnabled");
  }
  if (wish.kind == Kind::customer) {
    const Value* blocked = setting ? setting->find("BlockedEncryptionTypes") : nullptr;
    if (blocked && *blocked == Value::list({"SSE-C"})) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
    return encrypt_by_customer_key(wish.customer_key, random_);
  }
  if (wish.kind == Kind::kms) {
    // As S3 has it: by a bucket key, the context names the bucket and no object.
    wish.context.emplace("aws:s3:arn", "arn:aws:s3:::" + info->name +
                                           (wish.bucket_key_enabled ? std::string() : "/" + std::string(key)));
    return keys_.by_kms(info->account, info->region, wish);
  }
  return wish.kind == Kind::own || at_rest_ == AtRest::encrypted ? keys_.own() : NewEncryption{};
}

}  // namespace tarn::store
