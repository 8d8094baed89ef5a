#include "store/checksums.hpp"

#include <array>

#include "base/error.hpp"

namespace tarn::store {
namespace {

// Column i is what the bit i becomes.
using Matrix = std::array<uint64_t, 64>;

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

uint64_t times(const Matrix& matrix, uint64_t vector) {
  uint64_t sum = 0;
  for (int i = 0; vector != 0; i++, vector >>= 1) {
    if (vector & 1) sum ^= matrix[static_cast<std::size_t>(i)];
  }
  return sum;
}

Matrix square(const Matrix& matrix) {
  Matrix out{};
  for (std::size_t i = 0; i < out.size(); i++) out[i] = times(matrix, matrix[i]);
  return out;
}

}  // namespace

std::optional<DigestKind> checksum_kind(std::string_view algorithm) {
  if (algorithm == "CRC32") return DigestKind::crc32;
  if (algorithm == "CRC32C") return DigestKind::crc32c;
  if (algorithm == "CRC64NVME") return DigestKind::crc64nvme;
  if (algorithm == "SHA1") return DigestKind::sha1;
  if (algorithm == "SHA256") return DigestKind::sha256;
  return std::nullopt;
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

  Matrix step{};  // by one zero bit
  step[0] = polynomial.reflected;
  for (std::size_t i = 1; i < static_cast<std::size_t>(polynomial.bits); i++) step[i] = 1ull << (i - 1);
  for (int i = 0; i < 3; i++) step = square(step);  // by one zero byte
  for (uint64_t n = second_size_bytes; n != 0; n >>= 1, step = square(step)) {
    if (n & 1) crc = times(step, crc);
  }
  crc ^= other;
  std::string out;
  for (std::size_t i = size; i-- > 0;) out += static_cast<char>(crc >> (8 * i));
  return out;
}

}  // namespace tarn::store
