// Checksums of objects in S3's shapes, which all carry one member for each algorithm.
#pragma once

#include <string>

#include "base/error.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// Sets the member for the checksum's algorithm, and ChecksumType where the shape has it.
template <class Shape>
void put_checksum(Shape& out, const store::Checksum& checksum) {
  if (checksum.algorithm.empty()) return;
  if (checksum.algorithm == "CRC32")
    out.checksum_crc32 = checksum.value;
  else if (checksum.algorithm == "CRC32C")
    out.checksum_crc32_c = checksum.value;
  else if (checksum.algorithm == "CRC64NVME")
    out.checksum_crc64_nvme = checksum.value;
  else if (checksum.algorithm == "SHA1")
    out.checksum_sha1 = checksum.value;
  else if (checksum.algorithm == "SHA256")
    out.checksum_sha256 = checksum.value;
  if constexpr (requires { out.checksum_type; }) out.checksum_type = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
}

// The checksum that the shape carries; an empty one where it has none.
template <class Shape>
store::Checksum given_checksum(const Shape& in) {
  if (in.checksum_crc32) return {"CRC32", *in.checksum_crc32};
  if (in.checksum_crc32_c) return {"CRC32C", *in.checksum_crc32_c};
  if (in.checksum_crc64_nvme) return {"CRC64NVME", *in.checksum_crc64_nvme};
  if (in.checksum_sha1) return {"SHA1", *in.checksum_sha1};
  if (in.checksum_sha256) return {"SHA256", *in.checksum_sha256};
  if (in.checksum_sha512 || in.checksum_md5 || in.checksum_xxhash64 || in.checksum_xxhash3 || in.checksum_xxhash128)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn's checksums are CRC32, CRC32C, CRC64NVME, SHA1 and SHA256.");
  return {};
}

}  // namespace tarn::gateway::s3
