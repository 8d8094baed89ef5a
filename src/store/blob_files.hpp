// The bodies that are files: blobs/xx/ID, written in incoming/ID first.
//
// A file is moved to its place after the index has taken it in, so what stands in incoming/ when the store is opened is
// all that can be in doubt: what the index knows is moved, the rest removed. Nothing needs a walk over all blobs.
//
// A file is the body, sealed (body_cipher.hpp) or in the clear, followed by a table of the CRC32C (big-endian) of each
// chunk_size_bytes of it. The checksums are of the bytes as they stand there, so rot is found without any key.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "store/body_cipher.hpp"
#include "store/records.hpp"

namespace tarn::store {

// A file descriptor, closed with it. -1: none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// Flushes a folder for several threads at once: those that ask while a flush runs share the next one.
class FolderFlush {
 public:
  explicit FolderFlush(int fd) : fd_(fd) {}
  // Returns when all that was changed in the folder before the call is on disk. Throws Error (outside, InternalError).
  void flush();

 private:
  struct Round {
    bool done = false;
    int error = 0;
  };
  int fd_;
  std::mutex mutex_;
  std::condition_variable finished_;
  bool running_ = false;
  std::shared_ptr<Round> next_ = std::make_shared<Round>();
};

// Thread-safe. Failing storage throws Error (outside, InternalError).
class BlobFiles {
 public:
  static constexpr uint64_t chunk_size_bytes = 1 << 20;

  // `folder` exists; blobs/ and incoming/ are made when missing.
  BlobFiles(const std::string& folder, bool flushed);

  // Room for the write of a body: throws Error (outside, InternalError) when the disk is nearly full. What is kept free
  // lets deletions, which write to the index too, still work.
  void require_space() const;

  // Moves a written file from incoming/ to its place.
  void publish(BlobId id);
  // Opens for reading, wherever it stands; none when there is no such file.
  Descriptor open(BlobId id) const;
  // Removes the file, wherever it stands; nothing happens when there is none.
  void remove(BlobId id);
  // Returns when the removal of these is on disk.
  void flush_removals(const std::vector<BlobId>& ids);
  // The blobs in incoming/. Other files there are removed.
  std::vector<BlobId> incoming();
  void remove_incoming(BlobId id);
  // All blobs in blobs/. Walks over every file.
  std::vector<BlobId> all() const;
  // Where the body lies, from the data folder.
  static std::string path_of(BlobId id);

  // Reads the whole file and compares it with its checksums; says what is wrong, nothing when all is well.
  std::optional<std::string> damage(BlobId id, const FileRecord& expected) const;

 private:
  friend class BlobFileWriter;
  Descriptor folder_, incoming_, blobs_;
  bool flushed_;
  FolderFlush incoming_flush_;
};

// A body on its way into a file. Destroyed before kept(), it removes the file. One thread at a time.
class BlobFileWriter {
 public:
  // With a data key the body is sealed under it; with an empty one it stands in the clear.
  BlobFileWriter(BlobFiles& files, BlobId id, std::string_view data_key = {});
  ~BlobFileWriter();

  BlobId id() const { return id_; }
  void append(std::string_view bytes);
  // Writes what is left and flushes it all. Call once.
  FileRecord finish();
  // The index has taken it in, or may have: the file stays.
  void kept() { kept_ = true; }

 private:
  void append_sealed(std::string_view bytes);
  void append_plain(std::string_view bytes);
  void write_out(std::string_view bytes);
  void write_bytes(std::string_view bytes);
  void sum_up(std::string_view bytes);
  void end_chunk();

  BlobFiles& files_;
  BlobId id_;
  Descriptor fd_;
  std::optional<BodySealer> sealer_;
  std::string piece_;  // what waits for the rest of its piece
  std::string buffer_;
  uint64_t written_bytes_ = 0, started_bytes_ = 0;
  uint64_t chunk_fill_bytes_ = 0;
  Digest chunk_{DigestKind::crc32c};
  std::string table_;
  bool kept_ = false;
};

// CRC32C as a number.
uint32_t crc32c(std::string_view bytes);

// Throws Error (outside, InternalError) that tells what `doing` met; a full disk is said in plain words.
[[noreturn]] void throw_storage_error(std::string_view doing, int error);

}  // namespace tarn::store
