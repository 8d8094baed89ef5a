// Finds out whether the files of the index are sound, and makes a sound index of what can still be read of a damaged
// one. Only for an index that nobody has open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/index.hpp"

namespace tarn::store {

// What RocksDB says is wrong, after reading every block of every table; absent: the index is sound. Changes nothing.
std::optional<std::string> index_damage(const std::string& path);

struct Salvage {
  uint64_t kept = 0;                                 // records
  std::vector<std::pair<Family, std::string>> lost;  // the keys of records that stand in a damaged block
  std::vector<std::string> passed_over;              // what could not even be named, a sentence each
};

// Writes what can be read of the index in `path` into a new one in the folder `into`, which is emptied first. Of a
// damaged block its own records are lost and no others; where the list of tables (MANIFEST, CURRENT) is gone, or a
// table can't be opened at all, the rest is put together from the tables that are there (RocksDB's own repair, on a
// copy). `path` is left as it is. Throws Error (bug, InternalError) when nothing of it can be read.
Salvage salvage_index(const std::string& path, const std::string& into);

}  // namespace tarn::store
