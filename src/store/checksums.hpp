// Checksums of a body made of parts, from those of the parts ("Checking object integrity in Amazon S3").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "store/store.hpp"

namespace tarn::store {

// By S3's name ("CRC32C"); absent for an unknown one.
std::optional<DigestKind> checksum_kind(std::string_view algorithm);

// S3's own checksum of a body that came without one, from its CRC64NVME.
Checksum default_checksum(std::string_view crc64nvme);
inline constexpr std::string_view default_checksum_algorithm = "CRC64NVME";

// Whether a checksum of the whole can be told from those of its parts.
bool combinable(DigestKind kind);

// The CRC of two pieces in a row, from the CRC of each (big-endian bytes, as digest() gives them) and the size of the
// second. `kind` is combinable. The method is zlib's crc32_combine: advancing by a zero byte is linear over GF(2), so
// by many is a matrix power.
std::string combine_crc(DigestKind kind, std::string_view first, std::string_view second, uint64_t second_size_bytes);

}  // namespace tarn::store
