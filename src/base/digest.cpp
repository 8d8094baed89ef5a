#include "base/digest.hpp"

#include <isa-l/crc.h>
#include <isa-l/crc64.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include <array>

#include "base/error.hpp"

namespace tarn {
namespace {

const EVP_MD* openssl_digest(DigestKind kind) {
  switch (kind) {
    case DigestKind::md5:
      return EVP_md5();
    case DigestKind::sha1:
      return EVP_sha1();
    case DigestKind::sha256:
      return EVP_sha256();
    case DigestKind::sha512:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

std::string big_endian(uint64_t value, int size_bytes) {
  std::string out;
  for (int i = size_bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i));
  return out;
}

constexpr std::array<uint64_t, 256> make_crc64nvme_table() {
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < 256; i++) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x9A6C9329AC4BC9B5ull : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr auto crc64nvme_table = make_crc64nvme_table();

}  // namespace

struct Digest::State {
  DigestKind kind;
  EVP_MD_CTX* context = nullptr;
  uint64_t crc = 0;

  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(DigestKind kind) : state_(new State{kind, nullptr, 0}) {
  if (const EVP_MD* md = openssl_digest(kind)) {
    state_->context = EVP_MD_CTX_new();
    TARN_ASSERT(state_->context && EVP_DigestInit_ex(state_->context, md, nullptr) == 1);
  } else if (kind == DigestKind::crc32c) {
    state_->crc = 0xffffffffu;
  } else if (kind == DigestKind::crc64nvme) {
    state_->crc = ~0ull;
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
      for (unsigned char c : bytes) state_->crc = crc64nvme_table[(state_->crc ^ c) & 255] ^ state_->crc >> 8;
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

static std::string hmac(const EVP_MD* md, std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(md, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
       out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha256(), key, bytes);
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha1(), key, bytes);
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tarn
