// Checks a whole store for rot and for broken references, byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/value.hpp"
#include "store/remote.hpp"

namespace tarn::store {

struct Verification {
  uint64_t objects = 0, versions = 0, uploads = 0, parts = 0;
  uint64_t bodies = 0, files = 0, checked_size_bytes = 0;
  // Bodies that stand in the clear (`tarn store verify --no-plaintext` fails when there is one), and whose the first of
  // them are. The form is read from the bodies themselves, which everything else that is read from disk must match.
  uint64_t plain_bodies = 0, plain_size_bytes = 0;
  std::vector<std::string> plain_users;
  // What is wrong, a sentence each, with the object or the file it is about. Empty: all is well.
  std::vector<std::string> problems;
  // What the scrubber (scrubber.hpp) has found while the store was open and is still there, a sentence each; and when
  // its last pass over all bodies ended.
  std::vector<std::string> scrubbed_damage;
  std::optional<Time> last_full_scrub;
};

// Reads every record and every body of the closed store in the folder `path`. A store that is open throws Error
// (caller, DataFolderInUse), a folder that holds none Error (caller, InvalidDataFolder). An index that can't be read is
// one problem, and then the only one: repair.hpp. `remote` as for open_local(): bodies that lie there are read, too.
Verification verify_local(const std::string& path, const RemoteBodies& remote = {});

}  // namespace tarn::store
