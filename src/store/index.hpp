// The index on disk: ordered keys and values in a few families, changed by atomic batches. RocksDB, seen through the
// little we use of it.
//
// Thread-safe but for Batch and Cursor. Failing storage throws Error (outside, InternalError): the batch is then not
// visible, and the next commit tries to bring the index back, so that writes go on once there is space again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

namespace rocksdb {
class DB;
class Env;
class ColumnFamilyHandle;
class WriteBatch;
class Iterator;
class Slice;
}  // namespace rocksdb

namespace tarn::store {

class IndexFiles;

enum class Family {
  records,   // all that is small and few beside objects: buckets, uploads, parts, blob records, the queue of what to
             // remove
  objects,   // what a listing scans
  versions,  // old versions, and delete markers
  bodies,    // bodies too small for a file of their own
};

// Changes that become visible and durable together.
class Batch {
 public:
  explicit Batch(const class Index& index);
  ~Batch();
  void put(Family family, std::string_view key, std::string_view value);
  void erase(Family family, std::string_view key);
  // All keys from `from` up to, without, `to`.
  void erase_range(Family family, std::string_view from, std::string_view to);
  bool empty() const;

 private:
  friend class Index;
  const Index& index_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
};

// A walk over the keys of one family as they were when it began.
class Cursor {
 public:
  ~Cursor();
  // To the first key that is not less than `key`; false when there is none.
  bool seek(std::string_view key);
  bool next();
  std::string_view key() const;
  std::string_view value() const;

 private:
  friend class Index;
  struct Bound;
  explicit Cursor(std::shared_ptr<const Bound> bound);
  bool arrived();
  std::shared_ptr<const Bound> bound_;  // the iterator points to it
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class Index {
 public:
  enum class Age { old, fresh };
  // Opens an old one, or makes a fresh one in a folder that is not there yet. With `flushed`, commit() returns when its
  // batch has reached the disk. `settled` is called once all files of a fresh one are there for good, which is before
  // the first commit that is not lazy. An index that another process has open throws Error (caller, DataFolderInUse);
  // one that can't be read throws Error (bug, InternalError).
  Index(const std::string& path, bool flushed, Age age = Age::old, std::function<void()> settled = {});
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // False when absent; `value` is then left as it was.
  bool get(Family family, std::string_view key, std::string& value) const;
  // With `lazily` the batch may be lost by power loss (not by kill -9), even where commits are flushed.
  void commit(Batch& batch, bool lazily = false);
  // Over the keys less than `to` (empty: all). Stands nowhere until seek().
  std::unique_ptr<Cursor> cursor(Family family, std::string_view to = {}) const;
  // Two that see the index at the same moment.
  std::pair<std::unique_ptr<Cursor>, std::unique_ptr<Cursor>> cursors(Family first, Family second,
                                                                      std::string_view to) const;
  // How often a failed index was brought back. All that failed before is then certainly not in it.
  uint64_t recoveries() const { return recoveries_; }

 private:
  friend class Batch;
  void settle();
  void recover();
  void mark();

  bool flushed_;
  std::function<void()> settled_;
  std::atomic<bool> unsettled_ = false;
  std::shared_ptr<IndexFiles> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* families_[4] = {};
  std::mutex settling_;
  std::shared_mutex writing_;  // held alone while the index recovers
  std::shared_ptr<std::atomic<bool>> emptied_ = std::make_shared<std::atomic<bool>>(true);  // a memory table may be
  std::atomic<bool> failed_ = false;
  std::atomic<uint64_t> recoveries_ = 0;
};

// The least key that is greater than all that begin with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix);

}  // namespace tarn::store
