#include "store/remote_blobs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/log.hpp"
#include "store/coding.hpp"
#include "store/index.hpp"
#include "store/limits.hpp"

namespace tarn::store {
namespace {

constexpr std::string_view remote_key = "mremote";
constexpr const char* owner_name = "STORE";
constexpr std::string_view owner_head = "tarn object bodies, format 1, store ";
constexpr uint64_t first_read_ahead_bytes = 256 << 10;

std::string name_of(BlobId id) {
  return "blobs/" + blob_name(id);
}

}  // namespace

RemoteBlobs::RemoteBlobs(const std::string& folder, bool flushed, const RemoteBodies& remote)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      incoming_(open_blob_folder(folder_.get(), "incoming")),
      flushed_(flushed),
      incoming_flush_(incoming_.get()),
      s3_(remote) {}

std::string RemoteBlobs::owner() {
  const std::string text = s3_.get(owner_name).value_or("");
  if (text.empty()) return "";
  if (!text.starts_with(owner_head))
    throw Error(ErrorKind::caller, "InvalidDataFolder",
                s3_.url_of("") + " holds something else than bodies of a tarn's. Name another prefix.");
  return text.substr(owner_head.size(), text.find('\n') - owner_head.size());
}

void RemoteBlobs::set_owner(const std::string& store_id) {
  s3_.put(owner_name, std::string(owner_head) + store_id + "\n");
}

void RemoteBlobs::mark(BlobId id) {
  Descriptor file(::openat(incoming_.get(), blob_name(id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) throw_storage_error("noting a blob", errno);
  if (flushed_) incoming_flush_.flush();
}

void RemoteBlobs::unmark(BlobId id) {
  if (::unlinkat(incoming_.get(), blob_name(id).c_str(), 0) != 0 && errno != ENOENT)
    throw_storage_error("forgetting an unfinished blob", errno);
}

void RemoteBlobs::publish(BlobId id) {
  unmark(id);
}

void RemoteBlobs::remove(BlobId id) {
  char upload_id[4096];
  Descriptor file(::openat(incoming_.get(), blob_name(id).c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = file ? ::read(file.get(), upload_id, sizeof upload_id) : 0;
  if (size > 0) s3_.abort_upload(name_of(id), std::string(upload_id, static_cast<std::size_t>(size)));
  s3_.remove(name_of(id));
  unmark(id);
}

std::vector<BlobId> RemoteBlobs::unsettled() {
  return blobs_in_folder(incoming_.get());
}

std::vector<BlobId> RemoteBlobs::all() const {
  std::vector<BlobId> ids;
  for (const RemoteS3::Entry& entry : s3_.list("blobs/")) {
    const auto id = blob_id(std::string_view(entry.name).substr(std::strlen("blobs/")));
    // One that is on its way is no published one.
    if (id && ::faccessat(incoming_.get(), blob_name(*id).c_str(), F_OK, 0) != 0) ids.push_back(*id);
  }
  return ids;
}

uint64_t RemoteBlobs::size_of(BlobId id) const {
  return s3_.size_of(name_of(id)).value_or(0);
}

std::string RemoteBlobs::put_aside(BlobId id) {
  const std::string aside = "aside/" + blob_name(id);
  s3_.copy(name_of(id), aside);
  s3_.remove(name_of(id));
  return s3_.url_of(aside);
}

std::string RemoteBlobs::place_of(BlobId id) const {
  return s3_.url_of(name_of(id));
}

// ---- writing

class RemoteBlobWriter final : public BlobWriter {
 public:
  RemoteBlobWriter(RemoteBlobs& blobs, BlobId id, std::string_view data_key)
      : BlobWriter(id, data_key), blobs_(blobs), name_(name_of(id)) {
    blobs_.mark(id);
  }
  ~RemoteBlobWriter() override {
    if (is_kept()) return;
    try {
      if (!upload_id_.empty()) blobs_.s3_.abort_upload(name_, upload_id_, 1);
      if (sent_) blobs_.s3_.remove(name_, 1);
      blobs_.unmark(id());
    } catch (const Error& error) {  // the next opening removes it
      log(LogLevel::warning, "a body that came to no end could not be removed",
          Value::map({{"where", blobs_.place_of(id())}, {"why", error.message()}}));
    }
  }

 private:
  void write_bytes(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, limits::remote_part_size_bytes - part_.size());
      part_ += piece;
      size_bytes_ += piece.size();
      bytes.remove_prefix(piece.size());
      if (part_.size() == limits::remote_part_size_bytes && !bytes.empty()) send_part();
    }
  }

  void send_part() {
    if (upload_id_.empty()) {
      upload_id_ = blobs_.s3_.start_upload(name_);
      Descriptor file(::openat(blobs_.incoming_.get(), blob_name(id()).c_str(), O_WRONLY | O_CLOEXEC));
      if (!file ||
          ::write(file.get(), upload_id_.data(), upload_id_.size()) != static_cast<ssize_t>(upload_id_.size()) ||
          (blobs_.flushed_ && ::fdatasync(file.get()) != 0))
        throw_storage_error("noting an upload", errno);
    }
    etags_.push_back(
        blobs_.s3_.put_part(name_, upload_id_, static_cast<int>(etags_.size()) + 1, std::exchange(part_, {})));
  }

  void complete() override {
    sent_ = true;
    if (upload_id_.empty()) return blobs_.s3_.put(name_, std::move(part_));
    send_part();
    blobs_.s3_.complete_upload(name_, upload_id_, etags_, size_bytes_);
    upload_id_.clear();
  }

  RemoteBlobs& blobs_;
  std::string name_, part_, upload_id_;
  std::vector<std::string> etags_;
  uint64_t size_bytes_ = 0;
  bool sent_ = false;  // there may be an object
};

std::unique_ptr<BlobWriter> RemoteBlobs::write(BlobId id, std::string_view data_key) {
  return std::make_unique<RemoteBlobWriter>(*this, id, data_key);
}

// ---- reading

// What is read in order is fetched ahead, by ever larger steps; what is read here and there comes as it is asked for.
class RemoteBlobReader final : public BlobReader {
 public:
  RemoteBlobReader(RemoteS3& s3, BlobId id) : s3_(s3), name_(name_of(id)) {}

  std::size_t read(uint64_t offset, char* into, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      const std::size_t had = take(offset + done, into + done, size - done);
      done += had;
      if (had > 0) continue;
      if (!fetch(offset + done, size - done)) break;
    }
    return done;
  }

 private:
  // From what was fetched.
  std::size_t take(uint64_t offset, char* into, std::size_t size) const {
    std::lock_guard lock(mutex_);
    if (offset < start_ || offset >= start_ + window_.size()) return 0;
    const std::size_t skip = static_cast<std::size_t>(offset - start_);
    const std::size_t n = std::min(size, window_.size() - skip);
    std::memcpy(into, window_.data() + skip, n);
    return n;
  }

  // False at the end of the blob.
  bool fetch(uint64_t offset, std::size_t size) const {
    uint64_t wanted = size;
    {
      std::lock_guard lock(mutex_);
      const bool in_order = !window_.empty() && offset == start_ + window_.size();
      ahead_ = in_order ? std::clamp(ahead_ * 2, first_read_ahead_bytes, limits::max_remote_read_size_bytes) : 0;
      wanted = std::max<uint64_t>(wanted, ahead_);
    }
    std::optional<std::string> bytes = s3_.get(name_, offset, wanted);
    if (!bytes)
      throw Error(ErrorKind::bug, "InternalError",
                  "The body of this object is missing: there is no " + s3_.url_of(name_) + ". Restore it from a copy.");
    std::lock_guard lock(mutex_);
    if (bytes->empty()) return false;
    window_ = std::move(*bytes);
    start_ = offset;
    return true;
  }

  RemoteS3& s3_;
  std::string name_;
  mutable std::mutex mutex_;
  mutable std::string window_;
  mutable uint64_t start_ = 0, ahead_ = 0;
};

std::unique_ptr<BlobReader> RemoteBlobs::open(BlobId id) const {
  return std::make_unique<RemoteBlobReader>(s3_, id);
}

// ---- opening

namespace {

std::string prefix_form(std::string url) {
  while (url.ends_with("/")) url.pop_back();
  return url;
}

void keep(Index& index, const RemoteBodies& remote, const std::string& id) {
  std::string stored;
  put_value(
      stored,
      Value::map(
          {{"Url", prefix_form(remote.url)}, {"Endpoint", remote.endpoint}, {"Region", remote.region}, {"Id", id}}));
  Batch batch(index);
  batch.put(Family::records, remote_key, stored);
  index.commit(batch);
}

std::unique_ptr<Blobs> make_remote(const std::string& folder, bool flushed, Index& index, const RemoteBodies& remote,
                                   const std::string& new_store_id) {
  auto blobs = std::make_unique<RemoteBlobs>(folder, flushed, remote);
  if (!blobs->owner().empty())
    throw Error(ErrorKind::caller, "InvalidDataFolder",
                remote.url + " holds the bodies of another store. Name another prefix.");
  keep(index, remote, new_store_id);
  blobs->set_owner(new_store_id);
  return blobs;
}

}  // namespace

std::unique_ptr<Blobs> open_blobs(const std::string& folder, bool flushed, Index& index, const RemoteBodies& remote,
                                  const std::string& new_store_id) {
  std::string stored, ids;
  if (!index.get(Family::records, remote_key, stored)) {
    if (remote.url.empty()) return std::make_unique<BlobFiles>(folder, flushed);
    if (index.get(Family::records, next_id_key, ids))
      throw Error(ErrorKind::caller, "InvalidDataFolder",
                  "The bodies of this data folder are on its own disk. Name another folder, and copy the objects with "
                  "tarn s3 sync.");
    return make_remote(folder, flushed, index, remote, new_store_id);
  }
  const Value record = Decoder(stored).value();
  RemoteBodies now = remote;
  now.url = record.string_or("Url");
  if (!remote.url.empty() && prefix_form(remote.url) != now.url)
    throw Error(ErrorKind::caller, "InvalidDataFolder",
                "The bodies of this data folder are in " + now.url + ", not in " + remote.url + ".");
  if (now.endpoint.empty()) now.endpoint = record.string_or("Endpoint");
  if (now.region.empty()) now.region = record.string_or("Region");
  auto blobs = std::make_unique<RemoteBlobs>(folder, flushed, now);
  try {
    const std::string owner = blobs->owner(), id = record.string_or("Id");
    if (owner.empty())
      blobs->set_owner(id);
    else if (owner != id)
      throw Error(ErrorKind::caller, "InvalidDataFolder",
                  now.url + " holds the bodies of another store than this data folder's.");
    if (now.endpoint != record.string_or("Endpoint") || now.region != record.string_or("Region")) keep(index, now, id);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::outside) throw;
    log(LogLevel::warning, "large objects can't be read or written until the remote store answers again",
        Value::map({{"why", error.message()}}));
  }
  return blobs;
}

}  // namespace tarn::store
