#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

namespace {

constexpr std::size_t max_open_files = 8;  // of one reader

// Reads the extents of a body as one. Small bodies were read when it was opened; a single file is held open; of several
// files, which stay pinned, a few are open at a time.
class LocalReader final : public ObjectReader {
 public:
  LocalReader(ObjectRecord record, std::map<BlobId, std::string> bodies, const BlobFiles& files)
      : info_(std::move(record.info)), extents_(std::move(record.extents)), bodies_(std::move(bodies)), files_(files) {
    uint64_t start = 0;
    for (const Extent& e : extents_) {
      starts_.push_back(start);
      start += e.size_bytes;
    }
    TARN_ASSERT(start == info_.size_bytes);
    end_ = start;
  }
  ~LocalReader() override {
    if (pins_) pins_->drop(pinned_);
  }

  void hold_open(BlobId id, Descriptor fd) { open_.emplace_back(id, std::make_shared<Descriptor>(std::move(fd))); }
  void keep_pinned(std::shared_ptr<Pins> pins, std::vector<BlobId> ids) {
    pins_ = std::move(pins);
    pinned_ = std::move(ids);
  }

  const ObjectInfo& info() const override { return info_; }

  std::size_t read_at(uint64_t offset, char* into, std::size_t size) const override {
    std::size_t done = 0;
    for (std::size_t i = extent_at(offset); i < extents_.size() && done < size; i++) {
      const Extent& e = extents_[i];
      uint64_t skip = offset + done - starts_[i];
      auto part = static_cast<std::size_t>(std::min<uint64_t>(size - done, e.size_bytes - skip));
      if (e.file) {
        read_file(e.blob, e.offset_bytes + skip, into + done, part);
      } else {
        std::memcpy(into + done, bodies_.at(e.blob).data() + e.offset_bytes + skip, part);
      }
      done += part;
    }
    return done;
  }

  void restrict_to(uint64_t offset, uint64_t size) override {
    start_ = at_ = std::min(offset, info_.size_bytes);
    end_ = start_ + std::min(size, info_.size_bytes - start_);
  }

  std::size_t read(char* into, std::size_t size) override {
    std::size_t n = read_at(at_, into, static_cast<std::size_t>(std::min<uint64_t>(size, end_ - at_)));
    at_ += n;
    return n;
  }

  uint64_t size_bytes() const override { return end_ - start_; }

  std::optional<FileRange> file_range() const override {
    std::size_t i = extent_at(at_);
    if (at_ == end_ || !extents_[i].file || end_ > starts_[i] + extents_[i].size_bytes) return std::nullopt;
    return FileRange{file(extents_[i].blob)->get(), extents_[i].offset_bytes + at_ - starts_[i], end_ - at_};
  }

 private:
  // The extent that holds the byte at `offset`; the number of extents when that is past the end.
  std::size_t extent_at(uint64_t offset) const {
    if (offset >= info_.size_bytes) return extents_.size();
    return static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) - 1;
  }

  std::shared_ptr<Descriptor> file(BlobId id) const {
    std::lock_guard lock(mutex_);
    for (const auto& [open_id, fd] : open_) {
      if (open_id == id) return fd;
    }
    Descriptor fd = files_.open(id);
    if (!fd)
      throw Error(ErrorKind::bug, "InternalError", "The body of this object is missing. Restore it from a copy.")
          .with("Key", info_.key);
    if (open_.size() == max_open_files) open_.erase(open_.begin());
    return open_.emplace_back(id, std::make_shared<Descriptor>(std::move(fd))).second;
  }

  void read_file(BlobId id, uint64_t offset, char* into, std::size_t size) const {
    std::shared_ptr<Descriptor> fd = file(id);
    while (size > 0) {
      ssize_t n = ::pread(fd->get(), into, size, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_storage_error("reading a blob", errno);
      if (n == 0)
        throw Error(ErrorKind::bug, "InternalError",
                    "The stored body of this object is too short. Restore it from a copy.");
      offset += static_cast<uint64_t>(n);
      into += n;
      size -= static_cast<std::size_t>(n);
    }
  }

  ObjectInfo info_;
  std::vector<Extent> extents_;
  std::vector<uint64_t> starts_;  // of each extent in the body
  std::map<BlobId, std::string> bodies_;
  const BlobFiles& files_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<BlobId, std::shared_ptr<Descriptor>>> open_;  // the latest opened last
  std::shared_ptr<Pins> pins_;
  std::vector<BlobId> pinned_;
  uint64_t start_ = 0, end_ = 0, at_ = 0;
};

}  // namespace

std::unique_ptr<ObjectReader> LocalStore::open_record(std::string_view bucket_name, ObjectRecord record) const {
  std::map<BlobId, std::string> bodies;
  std::set<BlobId> files;
  for (const Extent& e : record.extents) {
    if (e.file) {
      files.insert(e.blob);
    } else if (!bodies.contains(e.blob)) {
      std::string body;
      if (!index_.get(Family::bodies, body_key(e.blob), body)) return nullptr;
      decode_body(body);
      bodies[e.blob] = std::move(body);
    }
  }
  const std::string key = record.info.key;
  const std::string version_id = record.info.version_id;
  const uint64_t sequence = record.sequence;
  auto reader = std::make_unique<LocalReader>(std::move(record), std::move(bodies), files_);
  if (files.size() == 1) {
    Descriptor fd = files_.open(*files.begin());
    if (!fd) return nullptr;
    reader->hold_open(*files.begin(), std::move(fd));
  } else if (files.size() > 1) {
    std::vector<BlobId> ids(files.begin(), files.end());
    pins_->add(ids);
    reader->keep_pinned(pins_, ids);
    // The pins hold from now on; what was removed before shows in the record.
    auto now = find_record(bucket_name, key, version_id);
    if (!now || now->sequence != sequence) return nullptr;
  }
  return reader;
}

}  // namespace tarn::store
