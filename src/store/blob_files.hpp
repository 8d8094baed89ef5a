// Bodies as local files: blobs/xx/ID, written in incoming/ID first.
//
// A file is moved to its place after the index has taken it in, so what stands in incoming/ is what is unsettled.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/blobs.hpp"

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

class BlobFiles final : public Blobs {
 public:
  // `folder` exists; blobs/ and incoming/ are made when missing.
  BlobFiles(const std::string& folder, bool flushed);

  void require_space() const override;
  std::unique_ptr<BlobWriter> write(BlobId id, std::string_view data_key) override;
  // Moves a written file from incoming/ to its place.
  void publish(BlobId id) override;
  std::unique_ptr<BlobReader> open(BlobId id) const override;
  bool open_ones_stay() const override { return true; }
  void remove(BlobId id) override;
  void flush_removals(const std::vector<BlobId>& ids) override;
  // Other files in incoming/ are removed.
  std::vector<BlobId> unsettled() override;
  void remove_unsettled(BlobId id) override;
  std::vector<BlobId> all() const override;
  uint64_t size_of(BlobId id) const override;
  // Into aside/.
  std::string put_aside(BlobId id) override;
  std::string place_of(BlobId id) const override { return path_of(id); }
  // Where the body lies, from the data folder.
  static std::string path_of(BlobId id);

 private:
  friend class BlobFileWriter;
  Descriptor descriptor_of(BlobId id) const;

  Descriptor folder_, incoming_, blobs_;
  bool flushed_;
  FolderFlush incoming_flush_;
};

// The name of a blob's file; and back, absent where it is none.
std::string blob_name(BlobId id);
std::optional<BlobId> blob_id(std::string_view name);
// Makes the folder where it is missing.
Descriptor open_blob_folder(int at, const char* name);
// The blobs in a folder, by their names. Other files there are removed.
std::vector<BlobId> blobs_in_folder(int folder_fd);
// Room on the disk of an open folder, as Blobs::require_space() means it.
void require_disk_space(int folder_fd);

// Throws Error (outside, InternalError) that tells what `doing` met; a full disk is said in plain words.
[[noreturn]] void throw_storage_error(std::string_view doing, int error);

}  // namespace tarn::store
