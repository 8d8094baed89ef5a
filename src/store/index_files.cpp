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

using rocksdb::Slice;

IOStatus retryable(IOStatus status) {
  if (!status.ok()) status.SetRetryable(true);
  return status;
}

bool is_options_file(const std::string& path) {
  return path.find("OPTIONS-") != path.npos;
}

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Base = rocksdb::FSWritableFileOwnerWrapper;
  using Verification = rocksdb::DataVerificationInfo;
  File(std::unique_ptr<rocksdb::FSWritableFile> file, IndexFiles& files, std::string path)
      : Base(std::move(file)), files_(files), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return retryable(Base::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const Verification& sum,
                  IODebugContext* debug) override {
    return retryable(Base::Append(data, options, sum, debug));
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return retryable(Base::Truncate(size, options, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return retryable(Base::Close(options, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return retryable(Base::Flush(options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return files_.puts_off(path_) ? IOStatus::OK() : retryable(Base::Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.puts_off(path_) ? IOStatus::OK() : retryable(Base::Fsync(options, debug));
  }
  IOStatus RangeSync(uint64_t offset, uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return retryable(Base::RangeSync(offset, size, options, debug));
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
    return files_.puts_off(path_) ? IOStatus::OK() : retryable(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& why) override {
    bool for_people = why.reason == rocksdb::DirFsyncOptions::kFileRenamed && is_options_file(why.renamed_new_name);
    if (for_people || files_.puts_off(path_)) return IOStatus::OK();
    return retryable(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why));
  }

 private:
  IndexFiles& files_;
  std::string path_;
};

}  // namespace

bool IndexFiles::puts_off(const std::string& path) {
  if (is_options_file(path)) return true;
  if (!put_off_) return false;
  std::lock_guard lock(mutex_);
  if (!put_off_) return false;
  unflushed_.insert(path);
  return true;
}

IOStatus IndexFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(*result), *this, path);
  return retryable(status);
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
  return retryable(status);
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
