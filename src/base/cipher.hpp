// Authenticated encryption: AES-256-GCM (NIST SP 800-38D), and AES key wrap (RFC 3394). Keys are 32 raw bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace tarn {

inline constexpr std::size_t cipher_key_size_bytes = 32;
inline constexpr std::size_t cipher_nonce_size_bytes = 12;
inline constexpr std::size_t cipher_tag_size_bytes = 16;

// Seals or opens many messages under one key. One thread at a time. A nonce must never seal two messages under one key.
class AesGcm {
 public:
  enum class Direction { seal, open };
  AesGcm(std::string_view key, Direction direction);
  ~AesGcm();
  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;

  // Writes `size_bytes` of ciphertext and the tag behind it to `into`, which may be where `plain` stands.
  void seal(std::string_view nonce, std::string_view associated, const char* plain, std::size_t size_bytes, char* into);
  // `size_bytes` counts the ciphertext without the tag that follows it; `into` may be where `sealed` stands. False when
  // it was not sealed so, or was changed since: what stands in `into` then is not to be used.
  bool open(std::string_view nonce, std::string_view associated, const char* sealed, std::size_t size_bytes,
            char* into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One message under a random nonce, which stands before it; the tag stands behind.
std::string seal(std::string_view key, std::string_view associated, std::string_view plain, Random& random);
// Absent when it was not sealed so, or was changed since.
std::optional<std::string> open_sealed(std::string_view key, std::string_view associated, std::string_view sealed);

// A key of 32 bytes under another: 40 bytes.
inline constexpr std::size_t wrapped_key_size_bytes = 40;
std::string wrap_key(std::string_view wrapping_key, std::string_view key);
// Absent when it was wrapped under another key, or changed since.
std::optional<std::string> unwrap_key(std::string_view wrapping_key, std::string_view wrapped);

// A key of its own for each `purpose`, that tells nothing about `secret` (32 random bytes) or the others.
std::string derive_key(std::string_view secret, std::string_view purpose);

}  // namespace tarn
