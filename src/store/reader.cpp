#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "store/body_cipher.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

namespace {

constexpr std::size_t max_open_files = 8;  // of one reader
constexpr std::size_t pieces_read_at_once = 4;

// One buffer a thread, for the sealed bytes on their way from the disk: readers come and go too fast to own one each.
char* sealed_buffer() {
  thread_local std::unique_ptr<char[]> buffer =
      std::make_unique_for_overwrite<char[]>(pieces_read_at_once * sealed_piece_size_bytes);
  return buffer.get();
}

// Reads the extents of a body as one. Small bodies were read when it was opened; a single file is held open; of several
// files, which stay pinned, a few are open at a time. Sealed bodies are opened as they are read, a piece at a time.
class LocalReader final : public ObjectReader {
 public:
  LocalReader(ObjectRecord record, std::map<BlobId, std::string> bodies, std::string wrapping_key, const Blobs& blobs)
      : info_(std::move(record.info)),
        extents_(std::move(record.extents)),
        bodies_(std::move(bodies)),
        wrapping_key_(std::move(wrapping_key)),
        blobs_(blobs) {
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

  void hold_open(BlobId id, std::unique_ptr<BlobReader> blob) { open_.emplace_back(id, std::move(blob)); }
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
      if (e.file && e.sealed()) {
        read_sealed(e, e.offset_bytes + skip, into + done, part);
      } else if (e.file) {
        read_file(e.blob, e.offset_bytes + skip, into + done, part);
      } else {
        std::memcpy(into + done, bodies_.at(e.blob).data() + e.offset_bytes + skip, part);
      }
      done += part;
    }
    return done;
  }

  void fetch_first() const {
    const std::size_t i = extent_at(at_);
    if (at_ == end_ || !extents_[i].file || blob(extents_[i].blob)->fd() >= 0) return;
    char first;
    read_at(at_, &first, 1);
  }

  void restrict_to(uint64_t offset, uint64_t size) override {
    start_ = at_ = std::min(offset, info_.size_bytes);
    end_ = start_ + std::min(size, info_.size_bytes - start_);
  }

  std::size_t read(char* into, std::size_t size) override {
    std::size_t n = read_at(at_, into, to_end_of_piece(static_cast<std::size_t>(std::min<uint64_t>(size, end_ - at_))));
    at_ += n;
    return n;
  }

  uint64_t size_bytes() const override { return end_ - start_; }

  std::optional<FileRange> file_range() const override {
    std::size_t i = extent_at(at_);
    if (at_ == end_ || !extents_[i].file || extents_[i].sealed() || end_ > starts_[i] + extents_[i].size_bytes)
      return std::nullopt;
    const int fd = blob(extents_[i].blob)->fd();
    if (fd < 0) return std::nullopt;
    return FileRange{fd, extents_[i].offset_bytes + at_ - starts_[i], end_ - at_};
  }

 private:
  // The extent that holds the byte at `offset`; the number of extents when that is past the end.
  std::size_t extent_at(uint64_t offset) const {
    if (offset >= info_.size_bytes) return extents_.size();
    return static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) - 1;
  }

  std::shared_ptr<const BlobReader> blob(BlobId id) const {
    std::lock_guard lock(mutex_);
    for (const auto& [open_id, open] : open_) {
      if (open_id == id) return open;
    }
    std::shared_ptr<const BlobReader> opened = blobs_.open(id);
    if (!opened)
      throw Error(ErrorKind::bug, "InternalError", "The body of this object is missing. Restore it from a copy.")
          .with("Key", info_.key);
    if (open_.size() == max_open_files) open_.erase(open_.begin());
    return open_.emplace_back(id, std::move(opened)).second;
  }

  // Cut so that what is read next begins with a piece, and no piece is opened twice.
  std::size_t to_end_of_piece(std::size_t size) const {
    const std::size_t i = extent_at(at_);
    if (i == extents_.size() || !extents_[i].sealed() || size <= piece_size_bytes || at_ + size == end_) return size;
    const uint64_t behind = (extents_[i].offset_bytes + at_ - starts_[i] + size) % piece_size_bytes;
    return size - static_cast<std::size_t>(behind);
  }

  void read_sealed(const Extent& e, uint64_t offset, char* into, std::size_t size) const {
    BodyOpener opener(data_key(wrapping_key_, e));
    char* const buffer = sealed_buffer();
    while (size > 0) {
      const uint64_t first = offset / piece_size_bytes;
      const uint64_t last = std::min((offset + size - 1) / piece_size_bytes, first + pieces_read_at_once - 1);
      const uint64_t plain_end = std::min<uint64_t>((last + 1) * piece_size_bytes, e.blob_size_bytes);
      const auto sealed_size = static_cast<std::size_t>(sealed_size_bytes(plain_end) - first * sealed_piece_size_bytes);
      read_file(e.blob, first * sealed_piece_size_bytes, buffer, sealed_size);
      for (uint64_t number = first; number <= last; number++) {
        const uint64_t start = number * piece_size_bytes;
        const auto whole = static_cast<std::size_t>(std::min<uint64_t>(piece_size_bytes, e.blob_size_bytes - start));
        char* const sealed = buffer + (number - first) * sealed_piece_size_bytes;
        const auto skip = static_cast<std::size_t>(offset - start);
        const std::size_t part = std::min(size, whole - skip);
        if (part == whole) {
          opener.open(number, sealed, whole, into);
        } else {  // opened where it stands: half a piece is no piece
          opener.open(number, sealed, whole, sealed);
          std::memcpy(into, sealed + skip, part);
        }
        offset += part;
        into += part;
        size -= part;
      }
    }
  }

  void read_file(BlobId id, uint64_t offset, char* into, std::size_t size) const {
    if (blob(id)->read(offset, into, size) < size)
      throw Error(ErrorKind::bug, "InternalError",
                  "The stored body of this object is too short. Restore it from a copy.");
  }

  ObjectInfo info_;
  std::vector<Extent> extents_;
  std::vector<uint64_t> starts_;  // of each extent in the body
  std::map<BlobId, std::string> bodies_;
  std::string wrapping_key_;  // of the sealed ones
  const Blobs& blobs_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<BlobId, std::shared_ptr<const BlobReader>>> open_;  // the latest opened last
  std::shared_ptr<Pins> pins_;
  std::vector<BlobId> pinned_;
  uint64_t start_ = 0, end_ = 0, at_ = 0;
};

}  // namespace

void fetch_first(const ObjectReader& reader) {
  if (const auto* local = dynamic_cast<const LocalReader*>(&reader)) local->fetch_first();
}

std::unique_ptr<ObjectReader> LocalStore::open_record(std::string_view bucket_name, ObjectRecord record,
                                                      std::string_view customer_key) const {
  std::string wrapping_key = keys_.wrapping_key(record.info.encryption, customer_key);
  std::map<BlobId, std::string> bodies;
  std::set<BlobId> files;
  for (const Extent& e : record.extents) {
    if (e.file) {
      files.insert(e.blob);
    } else if (!bodies.contains(e.blob)) {
      std::string body;
      if (!index_.get(Family::bodies, body_key(e.blob), body)) return nullptr;
      if (decode_body(body)) body = open_small(data_key(wrapping_key, e), body);
      bodies[e.blob] = std::move(body);
    }
  }
  const std::string key = record.info.key;
  const std::string version_id = record.info.version_id;
  const uint64_t sequence = record.sequence;
  auto reader = std::make_unique<LocalReader>(std::move(record), std::move(bodies), std::move(wrapping_key), *blobs_);
  if (files.size() == 1 && blobs_->open_ones_stay()) {
    std::unique_ptr<BlobReader> blob = blobs_->open(*files.begin());
    if (!blob) return nullptr;
    reader->hold_open(*files.begin(), std::move(blob));
  } else if (!files.empty()) {
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
