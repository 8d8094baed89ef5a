// What the scrubber keeps in the index: how far it is, and the damage that it has found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"
#include "store/index.hpp"
#include "store/records.hpp"

namespace tarn::store {

struct ScrubProgress {
  // The pass that is under way, or the last one. Large bodies are read first, by rising id, then small ones.
  std::optional<Time> started;
  bool ended = true;
  bool small_ones = false;
  BlobId at = 0;     // the ids up to this one have been read
  BlobId below = 0;  // what was written since the start is for the next pass
  uint64_t blobs = 0, size_bytes = 0, damaged = 0;
  std::optional<Time> last_full_pass;  // when it ended
};

struct ScrubbedDamage {
  BlobId blob = 0;
  Time found{};
  std::string where, why;          // "blobs/3f/000000000000003f", "the file is too short"
  std::vector<std::string> users;  // "bucket/key", "bucket/key (version ID)"; the first few
  std::string told() const;        // a sentence
};

ScrubProgress read_scrub_progress(const Index& index);
void put(Batch& batch, const ScrubProgress& progress);

// Of bodies that are still there.
std::vector<ScrubbedDamage> read_scrubbed_damage(const Index& index);
void put(Batch& batch, const ScrubbedDamage& damage);

inline constexpr std::string_view scrub_damage_keys = "x";
std::string scrub_damage_key(BlobId id);

}  // namespace tarn::store
