// Compressed text as a stream: gzip (RFC 1952), Zstandard (RFC 8878) and bzip2, recognised by how they begin, each with
// several members one behind the other.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tarn::catalog::crawl {

enum class Compression { none, gzip, zstd, bzip2 };

Compression compression_of(std::string_view first_bytes);
// "none", "gzip", "zstd", "bzip2": the words of Glue's table parameter compressionType.
const char* name_of(Compression compression);

// Not thread-safe.
class Decompressor {
 public:
  using Reader = std::function<std::size_t(char* into, std::size_t size_bytes)>;  // 0 at the end
  virtual ~Decompressor() = default;
  // Reads up to `size_bytes` decompressed bytes; 0 at the end. Corrupt or cut data throws Error (caller, InvalidData).
  virtual std::size_t read(char* into, std::size_t size_bytes) = 0;
};

std::unique_ptr<Decompressor> open_decompressor(Compression compression, Decompressor::Reader compressed);

}  // namespace tarn::catalog::crawl
