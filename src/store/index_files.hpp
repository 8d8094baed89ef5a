// The files of RocksDB: how their failures count, and which flushes are left out.
//
// All its failures are called retryable: RocksDB then writes again once it is told to (DB::Resume), to new files. Else
// it would do so after a full disk only, not after a reached quota or a disk that failed for a moment.
//
// Making a database flushes some fifteen times, though nothing in it needs protection yet: those flushes are put off
// until settle(). Its OPTIONS files, which are only for people to read, are never flushed.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>

namespace tarn::store {

// Thread-safe.
class IndexFiles : public rocksdb::FileSystemWrapper {
 public:
  explicit IndexFiles(bool put_off) : FileSystemWrapper(rocksdb::FileSystem::Default()), put_off_(put_off) {}
  const char* Name() const override { return "tarn"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // Makes up for the flushes that were put off (unless `flush` is false). From then on none is. Throws Error (outside,
  // InternalError).
  void settle(bool flush);

  // Whether a flush of this file or folder is put off; it is noted.
  bool puts_off(const std::string& path);

 private:
  std::atomic<bool> put_off_;
  std::mutex mutex_;
  std::set<std::string> unflushed_;
};

}  // namespace tarn::store
