// Checksums of objects in S3's shapes, which all carry one member for each algorithm.
#pragma once

#include <string>

#include "store/store.hpp"

namespace tarn::gateway::s3 {

// Calls `use(name, member)` with each algorithm's name and the member that holds its checksum.
template <class Shape, class Use>
void each_checksum(Shape& shape, Use use) {
  use("CRC32", shape.checksum_crc32);
  use("CRC32C", shape.checksum_crc32_c);
  use("CRC64NVME", shape.checksum_crc64_nvme);
  use("SHA1", shape.checksum_sha1);
  use("SHA256", shape.checksum_sha256);
  use("SHA512", shape.checksum_sha512);
  use("MD5", shape.checksum_md5);
  use("XXHASH64", shape.checksum_xxhash64);
  use("XXHASH3", shape.checksum_xxhash3);
  use("XXHASH128", shape.checksum_xxhash128);
}

// Sets the member for the checksum's algorithm, and ChecksumType where the shape has it.
template <class Shape>
void put_checksum(Shape& out, const store::Checksum& checksum) {
  if (checksum.algorithm.empty()) return;
  each_checksum(out, [&](const char* algorithm, auto& member) {
    if (checksum.algorithm == algorithm) member = checksum.value;
  });
  if constexpr (requires { out.checksum_type; }) out.checksum_type = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
}

// The checksum that the shape carries; an empty one where it has none.
template <class Shape>
store::Checksum given_checksum(const Shape& in) {
  store::Checksum found;
  each_checksum(in, [&](const char* algorithm, const auto& member) {
    if (member && found.algorithm.empty()) found = {algorithm, *member, false};
  });
  return found;
}

}  // namespace tarn::gateway::s3
