#include "base/digest.hpp"

#include <isa-l/crc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <xxhash.h>
#include <zlib.h>

#include "base/crc64nvme.hpp"
#include "base/error.hpp"

namespace tarn {
namespace {

// Fetched once: OpenSSL 3 looks what EVP_sha256() names up anew, with locks, for every digest.
const EVP_MD* openssl_digest(DigestKind kind) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (kind) {
    case DigestKind::md5:
      return md5;
    case DigestKind::sha1:
      return sha1;
    case DigestKind::sha256:
      return sha256;
    case DigestKind::sha512:
      return sha512;
    default:
      return nullptr;
  }
}

std::string big_endian(uint64_t value, int size_bytes) {
  std::string out;
  for (int i = size_bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i));
  return out;
}

}  // namespace

struct Digest::State {
  DigestKind kind;
  EVP_MD_CTX* context = nullptr;
  uint64_t crc = 0;
  XXH64_state_t* xxhash64 = nullptr;
  XXH3_state_t* xxhash3 = nullptr;

  ~State() {
    EVP_MD_CTX_free(context);
    XXH64_freeState(xxhash64);
    XXH3_freeState(xxhash3);
  }
};

Digest::Digest(DigestKind kind) : state_(new State{kind, nullptr, 0}) {
  if (const EVP_MD* md = openssl_digest(kind)) {
    state_->context = EVP_MD_CTX_new();
    TARN_ASSERT(state_->context && EVP_DigestInit_ex(state_->context, md, nullptr) == 1);
  } else if (kind == DigestKind::crc32c) {
    state_->crc = 0xffffffffu;
  } else if (kind == DigestKind::crc64nvme) {
    state_->crc = ~0ull;
  } else if (kind == DigestKind::xxhash64) {
    TARN_ASSERT((state_->xxhash64 = XXH64_createState()) && XXH64_reset(state_->xxhash64, 0) == XXH_OK);
  } else if (kind == DigestKind::xxhash3 || kind == DigestKind::xxhash128) {
    TARN_ASSERT((state_->xxhash3 = XXH3_createState()));
    TARN_ASSERT((kind == DigestKind::xxhash3 ? XXH3_64bits_reset : XXH3_128bits_reset)(state_->xxhash3) == XXH_OK);
  }
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) {
  auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  switch (state_->kind) {
    case DigestKind::crc32:
      state_->crc = crc32_z(state_->crc, data, bytes.size());
      break;
    case DigestKind::crc32c:
      while (!bytes.empty()) {  // isa-l counts in int
        auto part = bytes.substr(0, 1u << 30);
        state_->crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(part.data())),
                                  static_cast<int>(part.size()), static_cast<unsigned>(state_->crc));
        bytes.remove_prefix(part.size());
      }
      break;
    case DigestKind::crc64nvme:
      state_->crc = crc64nvme(state_->crc, bytes);
      break;
    case DigestKind::xxhash64:
      TARN_ASSERT(XXH64_update(state_->xxhash64, bytes.data(), bytes.size()) == XXH_OK);
      break;
    case DigestKind::xxhash3:
      TARN_ASSERT(XXH3_64bits_update(state_->xxhash3, bytes.data(), bytes.size()) == XXH_OK);
      break;
    case DigestKind::xxhash128:
      TARN_ASSERT(XXH3_128bits_update(state_->xxhash3, bytes.data(), bytes.size()) == XXH_OK);
      break;
    default:
      TARN_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
  }
}

std::string Digest::finish() {
  switch (state_->kind) {
    case DigestKind::crc32:
      return big_endian(state_->crc, 4);
    case DigestKind::crc32c:
      return big_endian(~state_->crc & 0xffffffffu, 4);
    case DigestKind::crc64nvme:
      return big_endian(~state_->crc, 8);
    case DigestKind::xxhash64:
      return big_endian(XXH64_digest(state_->xxhash64), 8);
    case DigestKind::xxhash3:
      return big_endian(XXH3_64bits_digest(state_->xxhash3), 8);
    case DigestKind::xxhash128: {
      const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxhash3);
      return big_endian(hash.high64, 8) + big_endian(hash.low64, 8);
    }
    default:
      break;
  }
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  TARN_ASSERT(EVP_DigestFinal_ex(state_->context, out, &size) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

std::string digest(DigestKind kind, std::string_view bytes) {
  Digest d(kind);
  d.update(bytes);
  return d.finish();
}

// RFC 2104, for digests of blocks of 64 bytes. OpenSSL 3's own HMAC() builds a context by names each time: 8 us where
// two digests take 2.
static std::string hmac(DigestKind kind, std::string_view key, std::string_view bytes) {
  constexpr std::size_t block_size_bytes = 64;
  std::string inner = key.size() > block_size_bytes ? digest(kind, key) : std::string(key);
  inner.resize(block_size_bytes, '\0');
  std::string outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  Digest inside(kind), outside(kind);
  inside.update(inner);
  inside.update(bytes);
  outside.update(outer);
  outside.update(inside.finish());
  return outside.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(DigestKind::sha256, key, bytes);
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(DigestKind::sha1, key, bytes);
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tarn
