// How the bytes of a blob are sealed: in pieces, so that a range can be read without the rest.
//
// Each piece of piece_size_bytes (the last may be shorter) is AES-256-GCM under the blob's data key, its nonce the
// piece's number, its tag behind it. A data key seals one blob and nothing else, so no nonce comes twice, and a piece
// opens nowhere but in its own place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/cipher.hpp"

namespace tarn::store {

inline constexpr std::size_t piece_size_bytes = 64 << 10;  // docs/decisions/0007-encryption-at-rest.md has the measures
inline constexpr std::size_t sealed_piece_size_bytes = piece_size_bytes + cipher_tag_size_bytes;

// How many bytes a blob of that size takes once sealed.
constexpr uint64_t sealed_size_bytes(uint64_t plain_size_bytes) {
  return plain_size_bytes + (plain_size_bytes + piece_size_bytes - 1) / piece_size_bytes * cipher_tag_size_bytes;
}

// Where the byte at `plain_offset_bytes` of a blob stands once sealed.
constexpr uint64_t sealed_offset_bytes(uint64_t plain_offset_bytes) {
  return plain_offset_bytes + plain_offset_bytes / piece_size_bytes * cipher_tag_size_bytes;
}

// One blob's bytes on their way to disk. One thread at a time.
class BodySealer {
 public:
  explicit BodySealer(std::string_view data_key) : cipher_(data_key, AesGcm::Direction::seal) {}
  // Seals what comes next, at most a piece, which must be whole but for the last one; appends it to `out`.
  void seal(std::string_view piece, std::string& out);

 private:
  AesGcm cipher_;
  uint64_t number_ = 0;
};

class BodyOpener {
 public:
  explicit BodyOpener(std::string_view data_key) : cipher_(data_key, AesGcm::Direction::open) {}
  // Opens piece `number` of `size_bytes` (its tag not counted), which stands at `sealed`, into `into`. A damaged one
  // throws Error (bug, InternalError).
  void open(uint64_t number, const char* sealed, std::size_t size_bytes, char* into);

 private:
  AesGcm cipher_;
};

// A small body, which is one piece.
std::string seal_small(std::string_view data_key, std::string_view body);
std::string open_small(std::string_view data_key, std::string_view sealed);

}  // namespace tarn::store
