// Where the bodies lie that are too large for the index: an interface over local files (blob_files.hpp) and over the
// objects of another's S3 (remote_blobs.hpp).
//
// A blob is the body, sealed (body_cipher.hpp) or in the clear, followed by a table of the CRC32C (big-endian) of each
// chunk_size_bytes of it. The checksums are of the bytes as they stand there, so rot is found without any key.
//
// A blob is unsettled from the start of its writing until publish(): when a store is opened, the unsettled blobs are
// all that can be in doubt. What the index knows of them is published, the rest removed; nothing needs a walk over all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "store/body_cipher.hpp"
#include "store/records.hpp"

namespace tarn::store {

// An open blob. Thread-safe. A local one stays readable when it is removed.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // Reads `size_bytes` from `offset_bytes`; fewer only at the end. What the medium can't give back throws Error (bug,
  // InternalError), a failing system Error (outside).
  virtual std::size_t read(uint64_t offset_bytes, char* into, std::size_t size_bytes) const = 0;
  // The file, for the kernel to send from; -1: there is none.
  virtual int fd() const { return -1; }
  // These bytes are read once, to be checked: from the medium itself, and no memory is to be kept filled with them.
  virtual void pass_by(uint64_t, uint64_t) const {}
};

// A blob on its way to where it will lie. Destroyed before kept(), it leaves nothing. One thread at a time.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  BlobId id() const { return id_; }
  void append(std::string_view bytes);
  // Writes what is left; when it returns the blob is where it will survive what the store promises. Call once.
  FileRecord finish();
  // The index has taken it in, or may have: the blob stays.
  void kept() { kept_ = true; }

 protected:
  // With a data key the body is sealed under it; with an empty one it stands in the clear.
  BlobWriter(BlobId id, std::string_view data_key);
  bool is_kept() const { return kept_; }

 private:
  virtual void write_bytes(std::string_view bytes) = 0;
  virtual void complete() = 0;
  void append_sealed(std::string_view bytes);
  void append_plain(std::string_view bytes);
  void write_out(std::string_view bytes);
  void sum_up(std::string_view bytes);
  void end_chunk();

  BlobId id_;
  std::optional<BodySealer> sealer_;
  std::string piece_;  // what waits for the rest of its piece
  std::string buffer_;
  uint64_t size_bytes_ = 0, chunk_fill_bytes_ = 0;
  Digest chunk_{DigestKind::crc32c};
  std::string table_;
  bool kept_ = false;
};

// Thread-safe. Failing storage throws Error (outside, InternalError or ServiceUnavailable).
class Blobs {
 public:
  static constexpr uint64_t chunk_size_bytes = 1 << 20;
  virtual ~Blobs() = default;

  // Room for the write of a body: throws Error (outside) when the disk is nearly full. What is kept free lets
  // deletions, which write to the index too, still work.
  virtual void require_space() const = 0;
  virtual std::unique_ptr<BlobWriter> write(BlobId id, std::string_view data_key) = 0;
  // The index has it for good.
  virtual void publish(BlobId id) = 0;
  // nullptr when there is no such blob. May be told later, by reading, where asking is dear.
  virtual std::unique_ptr<BlobReader> open(BlobId id) const = 0;
  // Whether an open one stays readable when it is removed.
  virtual bool open_ones_stay() const = 0;
  // Removes the blob, settled or not; nothing happens when there is none.
  virtual void remove(BlobId id) = 0;
  // Returns when the removal of these is on disk.
  virtual void flush_removals(const std::vector<BlobId>& ids) = 0;
  // Those whose writing began and that were not published.
  virtual std::vector<BlobId> unsettled() = 0;
  // Removes one of them.
  virtual void remove_unsettled(BlobId id) = 0;
  // All that are published. Walks over every one.
  virtual std::vector<BlobId> all() const = 0;
  // The size it takes; 0 when there is none.
  virtual uint64_t size_of(BlobId id) const = 0;
  // Out of the store's way, for a person to look at. Tells where it lies then.
  virtual std::string put_aside(BlobId id) = 0;
  // Where the blob lies, for people: from the data folder, or as a URL.
  virtual std::string place_of(BlobId id) const = 0;

  // Reads the whole blob and compares it with its checksums; says what is wrong, nothing when all is well. `pace` is
  // told of each piece of work before it is done, in bytes; when it answers false, the reading ends as if all were
  // well. Error (outside): it could not be found out.
  using Pace = std::function<bool(uint64_t size_bytes)>;
  std::optional<std::string> damage(BlobId id, const FileRecord& expected, const Pace& pace = {}) const;
  // The record of a blob, made anew from the blob itself; absent when it is damaged.
  std::optional<FileRecord> rebuild_record(BlobId id, bool sealed) const;
};

// CRC32C as a number.
uint32_t crc32c(std::string_view bytes);

}  // namespace tarn::store
