#include "store/checksums.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::store {
namespace {

// A polynomial over GF(2), its bits reflected as in the CRCs: the highest bit is the coefficient of 1, the next that of
// x.
struct Polynomial {
  uint64_t reflected;
  int bits;
};

Polynomial polynomial_of(DigestKind kind) {
  switch (kind) {
    case DigestKind::crc32:
      return {0xEDB88320u, 32};
    case DigestKind::crc32c:
      return {0x82F63B78u, 32};
    default:
      TARN_ASSERT(kind == DigestKind::crc64nvme);
      return {0x9A6C9329AC4BC9B5ull, 64};
  }
}

// a * b mod the polynomial.
uint64_t multiply(const Polynomial& polynomial, uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (uint64_t power = 1ull << (polynomial.bits - 1); power != 0; power >>= 1) {
    if (a & power) product ^= b;
    b = b & 1 ? b >> 1 ^ polynomial.reflected : b >> 1;
  }
  return product;
}

}  // namespace

std::optional<DigestKind> checksum_kind(std::string_view algorithm) {
  if (algorithm == "CRC32") return DigestKind::crc32;
  if (algorithm == "CRC32C") return DigestKind::crc32c;
  if (algorithm == "CRC64NVME") return DigestKind::crc64nvme;
  if (algorithm == "SHA1") return DigestKind::sha1;
  if (algorithm == "SHA256") return DigestKind::sha256;
  if (algorithm == "SHA512") return DigestKind::sha512;
  if (algorithm == "MD5") return DigestKind::md5;
  if (algorithm == "XXHASH64") return DigestKind::xxhash64;
  if (algorithm == "XXHASH3") return DigestKind::xxhash3;
  if (algorithm == "XXHASH128") return DigestKind::xxhash128;
  return std::nullopt;
}

Checksum default_checksum(std::string_view crc64nvme) {
  return {std::string(default_checksum_algorithm), base64_encode(crc64nvme), false};
}

bool combinable(DigestKind kind) {
  return kind == DigestKind::crc32 || kind == DigestKind::crc32c || kind == DigestKind::crc64nvme;
}

std::string combine_crc(DigestKind kind, std::string_view first, std::string_view second, uint64_t second_size_bytes) {
  const Polynomial polynomial = polynomial_of(kind);
  const auto size = static_cast<std::size_t>(polynomial.bits / 8);
  TARN_ASSERT(first.size() == size && second.size() == size);
  uint64_t crc = 0, other = 0;
  for (unsigned char byte : first) crc = crc << 8 | byte;
  for (unsigned char byte : second) other = other << 8 | byte;

  // Each byte that follows multiplies what came before by x^8.
  uint64_t step = 1ull << (polynomial.bits - 1 - 8);
  for (uint64_t n = second_size_bytes; n != 0; n >>= 1, step = multiply(polynomial, step, step)) {
    if (n & 1) crc = multiply(polynomial, step, crc);
  }
  crc ^= other;
  std::string out;
  for (std::size_t i = size; i-- > 0;) out += static_cast<char>(crc >> (8 * i));
  return out;
}

}  // namespace tarn::store
