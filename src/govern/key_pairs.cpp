#include "govern/key_pairs.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "base/error.hpp"

namespace tarn::govern {
namespace {

template <auto free>
struct FreedBy {
  template <class T>
  void operator()(T* p) const {
    free(p);
  }
};
using KeyPair = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Operation = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
using Hashing = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

void require(bool done, const char* what) {
  if (done) return;
  ERR_clear_error();
  throw Error(ErrorKind::bug, "KMSInternalException", std::string("The cryptographic library failed to ") + what + ".");
}

[[noreturn]] void invalid(const std::string& what) {
  ERR_clear_error();
  throw Error(ErrorKind::caller, "ValidationException", what);
}

KeyPair parse_private(std::string_view der) {
  const unsigned char* at = raw(der);
  KeyPair key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  require(key != nullptr, "read a private key");
  return key;
}

const EVP_MD* hash_of(std::string_view algorithm) {
  if (algorithm.ends_with("SHA_1")) return EVP_sha1();
  if (algorithm.ends_with("SHA_224")) return EVP_sha224();
  if (algorithm.ends_with("SHA_256")) return EVP_sha256();
  if (algorithm.ends_with("SHA_384")) return EVP_sha384();
  return EVP_sha512();
}

const char* curve_of(const KeySpec& spec) {
  if (spec.name == "ECC_NIST_P256") return "P-256";
  if (spec.name == "ECC_NIST_P384") return "P-384";
  if (spec.name == "ECC_NIST_P521") return "P-521";
  return "secp256k1";
}

std::string hashed(std::string_view algorithm, std::string_view message) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  require(EVP_Digest(message.data(), message.size(), raw(out), &size, hash_of(algorithm), nullptr) == 1,
          "hash a message");
  out.resize(size);
  return out;
}

std::string digest_to_sign(std::string_view algorithm, std::string_view message, bool is_digest) {
  if (!is_digest) return hashed(algorithm, message);
  if (message.size() != static_cast<std::size_t>(EVP_MD_get_size(hash_of(algorithm))))
    invalid("Digest is invalid length for algorithm " + std::string(algorithm) + ".");
  return std::string(message);
}

void set_padding(EVP_PKEY_CTX* operation, std::string_view algorithm) {
  require(EVP_PKEY_CTX_set_signature_md(operation, hash_of(algorithm)) == 1, "set a hash");
  if (algorithm.starts_with("RSASSA_PSS")) {
    require(EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_PSS_PADDING) == 1, "set a padding");
    require(EVP_PKEY_CTX_set_rsa_pss_saltlen(operation, RSA_PSS_SALTLEN_DIGEST) == 1, "set a salt");
  } else if (algorithm.starts_with("RSASSA_PKCS1")) {
    require(EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_PADDING) == 1, "set a padding");
  }
}

void set_oaep(EVP_PKEY_CTX* operation, std::string_view algorithm) {
  require(EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_OAEP_PADDING) == 1, "set a padding");
  require(EVP_PKEY_CTX_set_rsa_oaep_md(operation, hash_of(algorithm)) == 1, "set a hash");
  require(EVP_PKEY_CTX_set_rsa_mgf1_md(operation, hash_of(algorithm)) == 1, "set a hash");
}

bool is_ed25519(std::string_view algorithm) {
  return algorithm == "ED25519_SHA_512";
}

}  // namespace

std::string make_key_pair(const KeySpec& spec) {
  KeyPair key(spec.family == KeyFamily::rsa
                  ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(spec.size_bits))
              : spec.family == KeyFamily::edwards ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                                  : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve_of(spec)));
  require(key != nullptr, "make a key pair");
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreedBy<PKCS8_PRIV_KEY_INFO_free>> info(EVP_PKEY2PKCS8(key.get()));
  require(info != nullptr, "write a private key");
  int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  require(size > 0, "write a private key");
  std::string out(static_cast<std::size_t>(size), '\0');
  unsigned char* at = raw(out);
  require(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) == size, "write a private key");
  return out;
}

std::string public_key_of(std::string_view private_key) {
  KeyPair key = parse_private(private_key);
  int size = i2d_PUBKEY(key.get(), nullptr);
  require(size > 0, "write a public key");
  std::string out(static_cast<std::size_t>(size), '\0');
  unsigned char* at = raw(out);
  require(i2d_PUBKEY(key.get(), &at) == size, "write a public key");
  return out;
}

std::string sign(std::string_view private_key, std::string_view algorithm, std::string_view message, bool is_digest) {
  KeyPair key = parse_private(private_key);
  std::string out;
  std::size_t size = 0;
  if (is_ed25519(algorithm)) {
    if (is_digest) invalid("MessageType DIGEST is not supported by " + std::string(algorithm) + ".");
    Hashing hashing(EVP_MD_CTX_new());
    require(EVP_DigestSignInit(hashing.get(), nullptr, nullptr, nullptr, key.get()) == 1, "sign");
    require(EVP_DigestSign(hashing.get(), nullptr, &size, raw(message), message.size()) == 1, "sign");
    out.resize(size);
    require(EVP_DigestSign(hashing.get(), raw(out), &size, raw(message), message.size()) == 1, "sign");
  } else {
    const std::string digest = digest_to_sign(algorithm, message, is_digest);
    Operation operation(EVP_PKEY_CTX_new(key.get(), nullptr));
    require(EVP_PKEY_sign_init(operation.get()) == 1, "sign");
    set_padding(operation.get(), algorithm);
    require(EVP_PKEY_sign(operation.get(), nullptr, &size, raw(digest), digest.size()) == 1, "sign");
    out.resize(size);
    require(EVP_PKEY_sign(operation.get(), raw(out), &size, raw(digest), digest.size()) == 1, "sign");
  }
  out.resize(size);
  return out;
}

bool verify(std::string_view private_key, std::string_view algorithm, std::string_view message, bool is_digest,
            std::string_view signature) {
  KeyPair key = parse_private(private_key);
  bool valid = false;
  if (is_ed25519(algorithm)) {
    if (is_digest) invalid("MessageType DIGEST is not supported by " + std::string(algorithm) + ".");
    Hashing hashing(EVP_MD_CTX_new());
    require(EVP_DigestVerifyInit(hashing.get(), nullptr, nullptr, nullptr, key.get()) == 1, "verify");
    valid = EVP_DigestVerify(hashing.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
  } else {
    const std::string digest = digest_to_sign(algorithm, message, is_digest);
    Operation operation(EVP_PKEY_CTX_new(key.get(), nullptr));
    require(EVP_PKEY_verify_init(operation.get()) == 1, "verify");
    set_padding(operation.get(), algorithm);
    valid = EVP_PKEY_verify(operation.get(), raw(signature), signature.size(), raw(digest), digest.size()) == 1;
  }
  ERR_clear_error();
  return valid;
}

std::string encrypt_for(std::string_view private_key, std::string_view algorithm, std::string_view plain) {
  KeyPair key = parse_private(private_key);
  Operation operation(EVP_PKEY_CTX_new(key.get(), nullptr));
  require(EVP_PKEY_encrypt_init(operation.get()) == 1, "encrypt");
  set_oaep(operation.get(), algorithm);
  const int room = EVP_PKEY_get_size(key.get()) - 2 * EVP_MD_get_size(hash_of(algorithm)) - 2;
  if (static_cast<int>(plain.size()) > room)
    invalid("Plaintext is too long for the algorithm and the key: at most " + std::to_string(room) + " bytes.");
  std::size_t size = 0;
  require(EVP_PKEY_encrypt(operation.get(), nullptr, &size, raw(plain), plain.size()) == 1, "encrypt");
  std::string out(size, '\0');
  require(EVP_PKEY_encrypt(operation.get(), raw(out), &size, raw(plain), plain.size()) == 1, "encrypt");
  out.resize(size);
  return out;
}

std::string decrypt_by(std::string_view private_key, std::string_view algorithm, std::string_view ciphertext) {
  KeyPair key = parse_private(private_key);
  Operation operation(EVP_PKEY_CTX_new(key.get(), nullptr));
  require(EVP_PKEY_decrypt_init(operation.get()) == 1, "decrypt");
  set_oaep(operation.get(), algorithm);
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = out.size();
  if (EVP_PKEY_decrypt(operation.get(), raw(out), &size, raw(ciphertext), ciphertext.size()) != 1) {
    ERR_clear_error();
    throw Error(ErrorKind::caller, "InvalidCiphertextException", "");
  }
  out.resize(size);
  return out;
}

std::string derive_shared_secret(std::string_view private_key, std::string_view public_key) {
  KeyPair key = parse_private(private_key);
  const unsigned char* at = raw(public_key);
  KeyPair peer(d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key.size())));
  if (!peer || at != raw(public_key) + public_key.size() || !EVP_PKEY_is_a(peer.get(), "EC"))
    invalid("PublicKey is no public key of an elliptic curve in DER.");
  if (EVP_PKEY_parameters_eq(key.get(), peer.get()) != 1) invalid("PublicKey is on another curve than the KMS key.");
  Operation operation(EVP_PKEY_CTX_new(key.get(), nullptr));
  require(EVP_PKEY_derive_init(operation.get()) == 1, "derive a secret");
  if (EVP_PKEY_derive_set_peer(operation.get(), peer.get()) != 1) invalid("PublicKey is no point of the curve.");
  std::size_t size = 0;
  require(EVP_PKEY_derive(operation.get(), nullptr, &size) == 1, "derive a secret");
  std::string out(size, '\0');
  require(EVP_PKEY_derive(operation.get(), raw(out), &size) == 1, "derive a secret");
  out.resize(size);
  return out;
}

std::string mac(std::string_view key, std::string_view algorithm, std::string_view message) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  require(HMAC(hash_of(algorithm), key.data(), static_cast<int>(key.size()), raw(message), message.size(), raw(out),
               &size) != nullptr,
          "make a MAC");
  out.resize(size);
  return out;
}

}  // namespace tarn::govern
