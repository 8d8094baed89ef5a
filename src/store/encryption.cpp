#include "store/encryption.hpp"

#include "base/cipher.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "store/coding.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t salt_size_bytes = 16, check_size_bytes = 16;

}  // namespace

NewEncryption encrypt_by_customer_key(std::string_view customer_key, Random& random) {
  NewEncryption out;
  const std::string salt = random.bytes(salt_size_bytes);
  const std::string secret = hmac_sha256(customer_key, salt);
  out.encryption.kind = Encryption::Kind::customer;
  out.encryption.sealed_key = salt + derive_key(secret, "check").substr(0, check_size_bytes);
  out.wrapping_key = derive_key(secret, "wrapping key");
  return out;
}

std::string wrapping_key_of(const Encryption& encryption, std::string_view customer_key) {
  TARN_ASSERT(encryption.sealed_key.size() == salt_size_bytes + check_size_bytes);
  const std::string secret = hmac_sha256(customer_key, encryption.sealed_key.substr(0, salt_size_bytes));
  if (!equal_secrets(derive_key(secret, "check").substr(0, check_size_bytes),
                     encryption.sealed_key.substr(salt_size_bytes)))
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  return derive_key(secret, "wrapping key");
}

std::string encode(const Encryption& e) {
  std::string out;
  put_varint(out, static_cast<uint64_t>(e.kind));
  if (e.kind == Encryption::Kind::own) put_varint(out, e.own_key);
  if (e.kind == Encryption::Kind::customer) put_bytes(out, e.sealed_key);
  if (e.kind != Encryption::Kind::kms) return out;
  put_bytes(out, e.kms_key_arn);
  put_varint(out, e.bucket_key_enabled ? 1 : 0);
  put_bytes(out, e.sealed_key);
  for (const auto& [name, value] : e.context) {
    put_bytes(out, name);
    put_bytes(out, value);
  }
  return out;
}

Encryption decode_encryption(std::string_view bytes) {
  Decoder in(bytes);
  Encryption out;
  const uint64_t kind = in.varint();
  if (kind > static_cast<uint64_t>(Encryption::Kind::customer))
    throw Error(ErrorKind::bug, "InternalError",
                "The object index holds a kind of encryption that this version does not know. Open the data folder "
                "with a newer tarn.");
  out.kind = static_cast<Encryption::Kind>(kind);
  if (out.kind == Encryption::Kind::own) out.own_key = in.varint();
  if (out.kind == Encryption::Kind::customer) out.sealed_key = in.bytes();
  if (out.kind != Encryption::Kind::kms) return out;
  out.kms_key_arn = in.bytes();
  out.bucket_key_enabled = in.varint() == 1;
  out.sealed_key = in.bytes();
  while (!in.done()) {
    std::string name(in.bytes());
    out.context[name] = in.bytes();
  }
  return out;
}

}  // namespace tarn::store
