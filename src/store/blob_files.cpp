#include "store/blob_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t buffer_size_bytes = 128 << 10;
constexpr std::size_t sealed_buffer_size_bytes = 4 * sealed_piece_size_bytes;
// Dirty pages are handed to the disk as they come, so that the flush at the end has little left to wait for.
constexpr uint64_t writeback_step_bytes = 4 << 20;

std::string name_of(BlobId id) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

std::string place_of(BlobId id) {
  std::string name = name_of(id);
  return name.substr(14) + "/" + name;
}

std::optional<BlobId> id_of(std::string_view name) {
  BlobId id = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id, 16);
  if (name.size() != 16 || error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return id;
}

Descriptor open_folder(int at, const char* name) {
  if (::mkdirat(at, name, 0700) != 0 && errno != EEXIST) throw_storage_error("making a folder", errno);
  Descriptor fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_storage_error("opening a folder", errno);
  return fd;
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

void throw_storage_error(std::string_view doing, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    throw Error(ErrorKind::outside, "InternalError",
                "The disk that holds the data folder is full. Free some space and try again.");
  }
  throw Error(ErrorKind::outside, "InternalError", std::string(doing) + " failed: " + std::strerror(error));
}

uint32_t crc32c(std::string_view bytes) {
  uint32_t value = 0;
  for (unsigned char byte : digest(DigestKind::crc32c, bytes)) value = value << 8 | byte;
  return value;
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
      incoming_(open_folder(folder_.get(), "incoming")),
      blobs_(open_folder(folder_.get(), "blobs")),
      flushed_(flushed),
      incoming_flush_(incoming_.get()) {}

void BlobFiles::require_space() const {
  struct statvfs disk;
  if (::fstatvfs(folder_.get(), &disk) != 0) throw_storage_error("asking for free space", errno);
  if (static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < limits::reserved_disk_space_bytes)
    throw_storage_error("", ENOSPC);
}

void BlobFiles::publish(BlobId id) {
  std::string name = name_of(id), place = place_of(id);
  if (::renameat(incoming_.get(), name.c_str(), blobs_.get(), place.c_str()) == 0) return;
  if (errno == ENOENT) {
    if (::mkdirat(blobs_.get(), place.substr(0, 2).c_str(), 0700) != 0 && errno != EEXIST)
      throw_storage_error("making a folder", errno);
    if (::renameat(incoming_.get(), name.c_str(), blobs_.get(), place.c_str()) == 0) return;
  }
  throw_storage_error("moving a blob to its place", errno);
}

Descriptor BlobFiles::open(BlobId id) const {
  std::string place = place_of(id);
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
  std::string place = place_of(id);
  if (::unlinkat(blobs_.get(), place.c_str(), 0) == 0) return;
  if (errno != ENOENT) throw_storage_error("removing a blob", errno);
  remove_incoming(id);
}

void BlobFiles::remove_incoming(BlobId id) {
  if (::unlinkat(incoming_.get(), name_of(id).c_str(), 0) != 0 && errno != ENOENT)
    throw_storage_error("removing a blob", errno);
}

void BlobFiles::flush_removals(const std::vector<BlobId>& ids) {
  if (!flushed_) return;
  bool touched[256] = {};
  for (BlobId id : ids) touched[id & 255] = true;
  for (int i = 0; i < 256; i++) {
    if (!touched[i]) continue;
    Descriptor folder(::openat(blobs_.get(), place_of(static_cast<BlobId>(i)).substr(0, 2).c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder && ::fsync(folder.get()) != 0) throw_storage_error("flushing a folder", errno);
  }
  incoming_flush_.flush();
}

std::vector<BlobId> BlobFiles::incoming() {
  std::vector<BlobId> ids;
  for (const std::string& name : names_in(incoming_.get())) {
    if (auto id = id_of(name)) {
      ids.push_back(*id);
    } else {
      ::unlinkat(incoming_.get(), name.c_str(), 0);
    }
  }
  return ids;
}

std::vector<BlobId> BlobFiles::all() const {
  std::vector<BlobId> ids;
  for (const std::string& folder : names_in(blobs_.get())) {
    Descriptor fd(::openat(blobs_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) continue;
    for (const std::string& name : names_in(fd.get())) {
      if (auto id = id_of(name)) ids.push_back(*id);
    }
  }
  return ids;
}

std::string BlobFiles::path_of(BlobId id) {
  return "blobs/" + place_of(id);
}

std::optional<std::string> BlobFiles::damage(BlobId id, const FileRecord& expected) const {
  Descriptor fd = open(id);
  if (!fd) return "the file is missing";
  std::string table, chunk(chunk_size_bytes, '\0');
  auto read_fully = [&](uint64_t offset, std::size_t size) {
    chunk.resize(size);
    for (std::size_t have = 0; have < size;) {
      ssize_t n = ::pread(fd.get(), chunk.data() + have, size - have, static_cast<off_t>(offset + have));
      if (n < 0) throw_storage_error("reading a blob", errno);
      if (n == 0) return false;
      have += static_cast<std::size_t>(n);
    }
    return true;
  };
  for (uint64_t offset = 0; offset < expected.size_bytes; offset += chunk_size_bytes) {
    if (!read_fully(offset, std::min(chunk_size_bytes, expected.size_bytes - offset))) return "the file is too short";
    table += digest(DigestKind::crc32c, chunk);
  }
  if (!read_fully(expected.size_bytes, table.size())) return "the file is too short";
  if (crc32c(chunk) != expected.table_crc32c) return "its table of checksums is damaged";
  for (std::size_t i = 0; i < table.size(); i += 4) {
    if (table.compare(i, 4, chunk, i, 4) != 0)
      return "the MiB at offset " + std::to_string(i / 4 * chunk_size_bytes) + " is damaged";
  }
  return std::nullopt;
}

BlobFileWriter::BlobFileWriter(BlobFiles& files, BlobId id, std::string_view data_key)
    : files_(files),
      id_(id),
      fd_(::openat(files.incoming_.get(), name_of(id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (!fd_) throw_storage_error("making a blob", errno);
  if (!data_key.empty()) sealer_.emplace(data_key);
}

BlobFileWriter::~BlobFileWriter() {
  if (!kept_) ::unlinkat(files_.incoming_.get(), name_of(id_).c_str(), 0);
}

void BlobFileWriter::append(std::string_view bytes) {
  if (sealer_) return append_sealed(bytes);
  append_plain(bytes);
}

void BlobFileWriter::append_plain(std::string_view bytes) {
  if (buffer_.empty() && bytes.size() >= buffer_size_bytes) return write_out(bytes);
  if (buffer_.capacity() < buffer_size_bytes) buffer_.reserve(buffer_size_bytes);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, buffer_size_bytes - buffer_.size());
    buffer_ += part;
    bytes.remove_prefix(part.size());
    if (buffer_.size() == buffer_size_bytes) {
      write_out(buffer_);
      buffer_.clear();
    }
  }
}

// Sealing is the copy into the buffer: a piece that comes whole is copied by nothing else.
void BlobFileWriter::append_sealed(std::string_view bytes) {
  if (buffer_.capacity() == 0) buffer_.reserve(sealed_buffer_size_bytes);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, piece_size_bytes - piece_.size());
    bytes.remove_prefix(part.size());
    if (part.size() == piece_size_bytes) {
      sealer_->seal(part, buffer_);
    } else {
      if (piece_.capacity() < piece_size_bytes) piece_.reserve(piece_size_bytes);
      piece_ += part;
      if (piece_.size() < piece_size_bytes) return;
      sealer_->seal(piece_, buffer_);
      piece_.clear();
    }
    if (buffer_.size() < sealed_buffer_size_bytes) continue;
    write_out(buffer_);
    buffer_.clear();
  }
}

void BlobFileWriter::sum_up(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, BlobFiles::chunk_size_bytes - chunk_fill_bytes_);
    chunk_.update(part);
    chunk_fill_bytes_ += part.size();
    if (chunk_fill_bytes_ == BlobFiles::chunk_size_bytes) end_chunk();
    bytes.remove_prefix(part.size());
  }
}

void BlobFileWriter::end_chunk() {
  table_ += chunk_.finish();
  chunk_ = Digest(DigestKind::crc32c);
  chunk_fill_bytes_ = 0;
}

void BlobFileWriter::write_out(std::string_view bytes) {
  sum_up(bytes);
  write_bytes(bytes);
}

void BlobFileWriter::write_bytes(std::string_view bytes) {
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

FileRecord BlobFileWriter::finish() {
  if (!piece_.empty()) sealer_->seal(piece_, buffer_);
  write_out(buffer_);
  if (chunk_fill_bytes_ > 0) end_chunk();
  const uint64_t size_bytes = written_bytes_;
  write_bytes(table_);
  if (files_.flushed_) {
    if (::fdatasync(fd_.get()) != 0) throw_storage_error("flushing a blob", errno);
    files_.incoming_flush_.flush();
  }
  fd_ = Descriptor();
  return {size_bytes, crc32c(table_), sealer_.has_value()};
}

}  // namespace tarn::store
