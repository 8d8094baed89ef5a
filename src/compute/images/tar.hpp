// Tape archives (POSIX.1-2008 "pax Interchange Format", ustar, GNU's long names), as the layers of images are packed;
// plain, by gzip (RFC 1952) or by Zstandard (RFC 8878).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tarn::compute {

// Fills some of `into`; 0 at the end.
using ByteSource = std::function<std::size_t(char* into, std::size_t size_bytes)>;

// The bytes of `source`, unpacked where they are packed. What is broken throws Error (caller, InvalidArchive).
ByteSource unpacked(ByteSource source);

struct TarEntry {
  enum class Kind { file, folder, symbolic_link, hard_link, other };
  Kind kind = Kind::file;
  std::string name;    // as it stands
  std::string target;  // of a link
  uint64_t size_bytes = 0;
  uint32_t mode = 0;  // permissions
};

// Reads an archive from its start to its end. Not thread-safe.
class TarReader {
 public:
  explicit TarReader(ByteSource source);
  ~TarReader();

  // The next entry; false at the end. What is no archive throws Error (caller, InvalidArchive).
  bool next(TarEntry& entry);
  // The content of the entry last told; 0 at its end.
  std::size_t read(char* into, std::size_t size_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tarn::compute
