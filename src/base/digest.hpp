// Digests and checksums over streams of bytes. Results are raw bytes (not hex), checksums big-endian, as S3's headers
// encode them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tarn {

enum class DigestKind { md5, sha1, sha256, sha512, crc32, crc32c, crc64nvme, xxhash64, xxhash3, xxhash128 };

// Not thread-safe; one stream each.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::string_view bytes);
  // The digest of all that was fed. Call once, last.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest(DigestKind kind, std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view bytes);
// Compares secrets in time that does not depend on where they differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace tarn
