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
  std::string blob;  // its id, 16 hex digits
  std::string file;  // from the store's folder, or a URL; "index" where the blob stands in the index
  uint64_t offset_bytes = 0, size_bytes = 0;
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
