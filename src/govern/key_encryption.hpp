// The keys that seal all other keys: a ring of versions, outside of the data that they protect.
//
// The ring is a text of lines "VERSION KEY", KEY being 32 bytes in base64; one key alone is version 1. The highest
// version seals, all of them open: to rotate, add a line; what an older version sealed is sealed anew at the next
// start, and then the old line may go. No body is rewritten. Thread-safe: nothing in it changes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace tarn::govern {

// Where the ring comes from: the first that is set.
struct KeySource {
  std::string text;     // the ring itself, from the environment (TARN_KEY)
  std::string command;  // prints it
  std::string file;     // holds it; must be readable by its owner alone
};

class KeyEncryptionKeys {
 public:
  // Throws Error (caller, InvalidKeyEncryptionKey) that says what is wrong.
  static KeyEncryptionKeys parse(std::string_view text);
  enum class OwnFile {
    may_be_new,     // of a data folder in which nothing is sealed yet
    must_be_there,  // what the folder holds can't be opened without it
  };
  // From `source`; when that names none, from `own_file`, which where it is absent and may be new is made with a first
  // random key (mode 0600, on disk when this returns). A file that is missing or that others may read, a command that
  // fails and a text that is no ring throw Error (caller, InvalidKeyEncryptionKey).
  static KeyEncryptionKeys load(const KeySource& source, const std::string& own_file, OwnFile state, Random& random);
  // Adds a new version to the ring in `file`, atomically; returns its number.
  static uint32_t rotate(const std::string& file, Random& random);

  uint32_t current_version() const { return keys_.rbegin()->first; }
  // `purpose` binds the secret to its place: opened for another, it does not open.
  std::string seal(std::string_view secret, std::string_view purpose, Random& random) const;
  // Sealed by a version that is not in the ring, for another purpose, or changed since: Error (bug,
  // InvalidKeyEncryptionKey).
  std::string open(std::string_view sealed, std::string_view purpose) const;
  // Which version sealed it; 0 when it is too short to tell.
  static uint32_t version_of(std::string_view sealed);

 private:
  std::map<uint32_t, std::string> keys_;
};

}  // namespace tarn::govern
