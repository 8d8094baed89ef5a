#include "store/blob_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "base/disk_full.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::store {
namespace {

// Dirty pages are handed to the disk as they come, so that the flush at the end has little left to wait for.
constexpr uint64_t writeback_step_bytes = 4 << 20;

std::string place_in_blobs(BlobId id) {
  std::string name = blob_name(id);
  return name.substr(14) + "/" + name;
}

std::vector<std::string> names_in(int folder) {
  int fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_storage_error("listing a folder", errno);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
  }
  return names;
}

}  // namespace

std::string blob_name(BlobId id) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

std::optional<BlobId> blob_id(std::string_view name) {
  BlobId id = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id, 16);
  if (name.size() != 16 || error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return id;
}

Descriptor open_blob_folder(int at, const char* name) {
  if (::mkdirat(at, name, 0700) != 0 && errno != EEXIST) throw_storage_error("making a folder", errno);
  Descriptor fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_storage_error("opening a folder", errno);
  return fd;
}

void throw_storage_error(std::string_view doing, int error) {
  if (error == ENOSPC || error == EDQUOT) throw disk_full();
  throw Error(ErrorKind::outside, "InternalError", std::string(doing) + " failed: " + std::strerror(error));
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void FolderFlush::flush() {
  std::unique_lock lock(mutex_);
  std::shared_ptr<Round> mine = next_;
  while (!mine->done) {
    if (running_) {
      finished_.wait(lock);
      continue;
    }
    running_ = true;
    next_ = std::make_shared<Round>();
    lock.unlock();
    int error = ::fsync(fd_) == 0 ? 0 : errno;
    lock.lock();
    mine->done = true;
    mine->error = error;
    running_ = false;
    finished_.notify_all();
  }
  if (mine->error) throw_storage_error("flushing a folder", mine->error);
}

BlobFiles::BlobFiles(const std::string& folder, bool flushed)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      incoming_(open_blob_folder(folder_.get(), "incoming")),
      blobs_(open_blob_folder(folder_.get(), "blobs")),
      flushed_(flushed),
      incoming_flush_(incoming_.get()) {}

void BlobFiles::require_space() const {
  require_disk_space(folder_.get());
}

void require_disk_space(int folder_fd) {
  struct statvfs disk;
  if (::fstatvfs(folder_fd, &disk) != 0) throw_storage_error("asking for free space", errno);
  if (static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < limits::reserved_disk_space_bytes)
    throw_storage_error("", ENOSPC);
}

void BlobFiles::publish(BlobId id) {
  std::string name = blob_name(id), place = place_in_blobs(id);
  if (::renameat(incoming_.get(), name.c_str(), blobs_.get(), place.c_str()) == 0) return;
  if (errno == ENOENT) {
    if (::mkdirat(blobs_.get(), place.substr(0, 2).c_str(), 0700) != 0 && errno != EEXIST)
      throw_storage_error("making a folder", errno);
    if (::renameat(incoming_.get(), name.c_str(), blobs_.get(), place.c_str()) == 0) return;
  }
  throw_storage_error("moving a blob to its place", errno);
}

Descriptor BlobFiles::descriptor_of(BlobId id) const {
  std::string place = place_in_blobs(id);
  // It may move from the first place to the second between two looks, never back.
  for (auto [folder, path] :
       {std::pair{&blobs_, place.c_str()}, {&incoming_, place.c_str() + 3}, {&blobs_, place.c_str()}}) {
    Descriptor fd(::openat(folder->get(), path, O_RDONLY | O_CLOEXEC));
    if (fd) return fd;
    if (errno != ENOENT) throw_storage_error("opening a blob", errno);
  }
  return Descriptor();
}

void BlobFiles::remove(BlobId id) {
  std::string place = place_in_blobs(id);
  if (::unlinkat(blobs_.get(), place.c_str(), 0) == 0) return;
  if (errno != ENOENT) throw_storage_error("removing a blob", errno);
  remove_unsettled(id);
}

void BlobFiles::remove_unsettled(BlobId id) {
  if (::unlinkat(incoming_.get(), blob_name(id).c_str(), 0) != 0 && errno != ENOENT)
    throw_storage_error("removing a blob", errno);
}

void BlobFiles::flush_removals(const std::vector<BlobId>& ids) {
  if (!flushed_) return;
  bool touched[256] = {};
  for (BlobId id : ids) touched[id & 255] = true;
  for (int i = 0; i < 256; i++) {
    if (!touched[i]) continue;
    Descriptor folder(::openat(blobs_.get(), place_in_blobs(static_cast<BlobId>(i)).substr(0, 2).c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder && ::fsync(folder.get()) != 0) throw_storage_error("flushing a folder", errno);
  }
  incoming_flush_.flush();
}

std::vector<BlobId> blobs_in_folder(int folder_fd) {
  std::vector<BlobId> ids;
  for (const std::string& name : names_in(folder_fd)) {
    if (auto id = blob_id(name)) {
      ids.push_back(*id);
    } else {
      ::unlinkat(folder_fd, name.c_str(), 0);
    }
  }
  return ids;
}

std::vector<BlobId> BlobFiles::unsettled() {
  return blobs_in_folder(incoming_.get());
}

std::vector<BlobId> BlobFiles::all() const {
  std::vector<BlobId> ids;
  for (const std::string& folder : names_in(blobs_.get())) {
    Descriptor fd(::openat(blobs_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) continue;
    for (const std::string& name : names_in(fd.get())) {
      if (auto id = blob_id(name)) ids.push_back(*id);
    }
  }
  return ids;
}

std::string BlobFiles::path_of(BlobId id) {
  return "blobs/" + place_in_blobs(id);
}

uint64_t BlobFiles::size_of(BlobId id) const {
  Descriptor fd = descriptor_of(id);
  struct stat info;
  if (!fd) return 0;
  if (::fstat(fd.get(), &info) != 0) throw_storage_error("asking for the size of a blob", errno);
  return static_cast<uint64_t>(info.st_size);
}

std::string BlobFiles::put_aside(BlobId id) {
  Descriptor aside = open_blob_folder(folder_.get(), "aside");
  const std::string name = blob_name(id), place = place_in_blobs(id);
  if (::renameat(blobs_.get(), place.c_str(), aside.get(), name.c_str()) != 0)
    throw_storage_error("putting a blob aside", errno);
  if (flushed_ && ::fsync(aside.get()) != 0) throw_storage_error("flushing a folder", errno);
  return "aside/" + name;
}

// ---- reading

namespace {

class BlobFileReader final : public BlobReader {
 public:
  explicit BlobFileReader(Descriptor fd) : fd_(std::move(fd)) {}
  int fd() const override { return fd_.get(); }

  std::size_t read(uint64_t offset, char* into, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      ssize_t n = ::pread(fd_.get(), into + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EIO)
        throw Error(ErrorKind::bug, "InternalError",
                    "The disk can't read the stored body of this object. Restore it from a copy.");
      if (n < 0) throw_storage_error("reading a blob", errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  void pass_by(uint64_t offset, uint64_t size) const override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
  }

 private:
  Descriptor fd_;
};

}  // namespace

std::unique_ptr<BlobReader> BlobFiles::open(BlobId id) const {
  Descriptor fd = descriptor_of(id);
  if (!fd) return nullptr;
  return std::make_unique<BlobFileReader>(std::move(fd));
}

// ---- writing

class BlobFileWriter final : public BlobWriter {
 public:
  BlobFileWriter(BlobFiles& files, BlobId id, std::string_view data_key)
      : BlobWriter(id, data_key),
        files_(files),
        fd_(::openat(files.incoming_.get(), blob_name(id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (!fd_) throw_storage_error("making a blob", errno);
  }
  ~BlobFileWriter() override {
    if (!is_kept()) ::unlinkat(files_.incoming_.get(), blob_name(id()).c_str(), 0);
  }

 private:
  void write_bytes(std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_storage_error("writing a blob", errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      written_bytes_ += static_cast<uint64_t>(n);
    }
    if (written_bytes_ - started_bytes_ < writeback_step_bytes) return;
    files_.require_space();
    if (files_.flushed_) {
      ::sync_file_range(fd_.get(), static_cast<off_t>(started_bytes_),
                        static_cast<off_t>(written_bytes_ - started_bytes_), SYNC_FILE_RANGE_WRITE);
    }
    started_bytes_ = written_bytes_;
  }

  void complete() override {
    if (files_.flushed_) {
      if (::fdatasync(fd_.get()) != 0) throw_storage_error("flushing a blob", errno);
      files_.incoming_flush_.flush();
    }
    fd_ = Descriptor();
  }

  BlobFiles& files_;
  Descriptor fd_;
  uint64_t written_bytes_ = 0, started_bytes_ = 0;
};

std::unique_ptr<BlobWriter> BlobFiles::write(BlobId id, std::string_view data_key) {
  return std::make_unique<BlobFileWriter>(*this, id, data_key);
}

}  // namespace tarn::store
