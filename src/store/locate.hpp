// Tells where the bytes of an object lie on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/remote.hpp"

namespace tarn::store {

// A range of a blob.
struct BodyPiece {
  std::string blob;         // its id, 16 hex digits
  std::string file;         // from the store's folder, or a URL; "index" where the blob stands in the index
  uint64_t size_bytes = 0;  // of the body
  // Where the first of these bytes stands in the file, and how many of the file's bytes they take up to the last: where
  // the blob is sealed those are ciphertext, with a tag of 16 bytes behind each 64 KiB (body_cipher.hpp).
  uint64_t stored_offset_bytes = 0, stored_size_bytes = 0;
  bool sealed = false;
  bool there = false;  // whether the blob is
};

struct Location {
  uint64_t size_bytes = 0;
  std::string etag;
  std::vector<BodyPiece> pieces;  // in the order of the body
};

// Of the latest version of the object, in the closed store in the folder `path`. Absent when there is no such object. A
// store that is open throws Error (caller, DataFolderInUse), a folder that holds none Error (caller,
// InvalidDataFolder). `remote` as for open_local().
std::optional<Location> locate_local(const std::string& path, std::string_view bucket, std::string_view key,
                                     const RemoteBodies& remote = {});

}  // namespace tarn::store
