// Zip archives (PKWARE's APPNOTE 6.3), as functions and layers are packed: stored and deflated files, ZIP64, the
// permissions and symbolic links that Unix tools write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::compute {

struct ArchiveEntry {
  std::string name;  // "folder/file.py"; a folder ends in '/'
  uint64_t size_bytes = 0;
  uint32_t mode = 0;  // Unix type and permissions; 0 where the archive tells none
};

// Reads an archive that stays in memory meanwhile. Not thread-safe.
class Archive {
 public:
  // Bytes that are no archive throw Error (caller, InvalidArchive); so do encrypted files and other ways of
  // compressing, and names that lead out of the folder.
  explicit Archive(std::string_view bytes);

  const std::vector<ArchiveEntry>& entries() const { return entries_; }
  uint64_t unpacked_size_bytes() const;
  // The content of an entry; it must have the size and the CRC-32 that are told of it, else InvalidArchive.
  std::string read(std::size_t entry) const;
  // Writes all entries into `folder`, which exists; files that are there are replaced. Throws Error (bug) where the
  // disk fails.
  void unpack(const std::string& folder) const;

 private:
  struct Place {
    uint64_t header_offset = 0, packed_size_bytes = 0;
    uint32_t crc = 0;
    uint16_t method = 0;
  };
  void read_directory(uint64_t offset, uint64_t count);
  std::size_t read_entry(std::size_t at);

  std::string_view bytes_;
  std::vector<ArchiveEntry> entries_;
  std::vector<Place> places_;
};

}  // namespace tarn::compute
