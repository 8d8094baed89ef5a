#include "store/index_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "store/blob_files.hpp"

namespace tarn::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, IndexFiles& files, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), path_(std::move(path)) {}
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return files_.puts_off(path_) ? IOStatus::OK() : FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.puts_off(path_) ? IOStatus::OK() : FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  IndexFiles& files_;
  std::string path_;
};

class Folder final : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(std::unique_ptr<rocksdb::FSDirectory> folder, IndexFiles& files, std::string path)
      : FSDirectoryWrapper(std::move(folder)), files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.puts_off(path_) ? IOStatus::OK() : FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& why) override {
    bool for_people = why.reason == rocksdb::DirFsyncOptions::kFileRenamed && is_options_file(why.renamed_new_name);
    if (for_people || files_.puts_off(path_)) return IOStatus::OK();
    return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why);
  }

  static bool is_options_file(const std::string& path) { return path.find("OPTIONS-") != path.npos; }

 private:
  IndexFiles& files_;
  std::string path_;
};

}  // namespace

bool IndexFiles::puts_off(const std::string& path) {
  if (Folder::is_options_file(path)) return true;
  if (!put_off_) return false;
  std::lock_guard lock(mutex_);
  if (!put_off_) return false;
  unflushed_.insert(path);
  return true;
}

IOStatus IndexFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
  if (status.ok() && (put_off_ || Folder::is_options_file(path))) {
    *result = std::make_unique<File>(std::move(*result), *this, path);
  }
  return status;
}

IOStatus IndexFiles::NewDirectory(const std::string& path, const IOOptions& options,
                                  std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewDirectory(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<Folder>(std::move(*result), *this, path);
  return status;
}

IOStatus IndexFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  std::lock_guard lock(mutex_);
  if (status.ok() && unflushed_.erase(from) > 0) unflushed_.insert(to);
  return status;
}

void IndexFiles::settle(bool flush) {
  std::lock_guard lock(mutex_);
  if (!put_off_) return;
  for (const std::string& path : unflushed_) {
    if (!flush) break;
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;  // removed since
    if (!fd || ::fsync(fd.get()) != 0) throw_storage_error("flushing the object index", errno);
  }
  unflushed_.clear();
  put_off_ = false;
}

}  // namespace tarn::store
