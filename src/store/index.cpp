#include "store/index.hpp"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <filesystem>

#include "base/disk_full.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/blob_files.hpp"
#include "store/index_files.hpp"
#include "store/index_options.hpp"

#ifdef __SANITIZE_THREAD__
// RocksDB comes uninstrumented, so what its threads hand to one another looks like races. And a table of locks may be
// held whole, which is more than the deadlock detector can count.
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:librocksdb.so\n";
}
extern "C" const char* __tsan_default_options() {
  return "detect_deadlocks=0";
}
#endif

namespace tarn::store {
namespace {

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

[[noreturn]] void fail(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.ToString().find("No space left") != std::string::npos) throw disk_full();
  throw Error(status.IsCorruption() ? ErrorKind::bug : ErrorKind::outside, "InternalError",
              "The object index failed: " + status.ToString());
}

void check(const rocksdb::Status& status) {
  if (!status.ok()) fail(status);
}

}  // namespace

std::string after_prefix(std::string_view prefix) {
  std::string after(prefix);
  while (!after.empty() && static_cast<unsigned char>(after.back()) == 0xff) after.pop_back();
  if (!after.empty()) after.back() = static_cast<char>(static_cast<unsigned char>(after.back()) + 1);
  return after;
}

Batch::Batch(const Index& index) : index_(index), batch_(new rocksdb::WriteBatch) {}
Batch::~Batch() = default;

void Batch::put(Family family, std::string_view key, std::string_view value) {
  check(batch_->Put(index_.families_[static_cast<int>(family)], slice(key), slice(value)));
}
void Batch::erase(Family family, std::string_view key) {
  check(batch_->Delete(index_.families_[static_cast<int>(family)], slice(key)));
}
void Batch::erase_range(Family family, std::string_view from, std::string_view to) {
  check(batch_->DeleteRange(index_.families_[static_cast<int>(family)], slice(from), slice(to)));
}

bool Batch::empty() const {
  return batch_->Count() == 0;
}

struct Cursor::Bound {
  explicit Bound(std::string_view text) : bytes(text), end(slice(bytes)) {}
  std::string bytes;
  rocksdb::Slice end;
};

Cursor::Cursor(std::shared_ptr<const Bound> bound) : bound_(std::move(bound)) {}
Cursor::~Cursor() = default;

bool Cursor::arrived() {
  if (iterator_->Valid()) return true;
  check(iterator_->status());
  return false;
}
bool Cursor::seek(std::string_view key) {
  iterator_->Seek(slice(key));
  return arrived();
}
bool Cursor::next() {
  iterator_->Next();
  return arrived();
}
std::string_view Cursor::key() const {
  return iterator_->key().ToStringView();
}
std::string_view Cursor::value() const {
  return iterator_->value().ToStringView();
}

namespace {

// What an earlier process wrote to its log and did not flush is read by this one, and followed by what it flushes: were
// the former lost then, recovery would stop there, and lose the latter with it.
void flush_logs(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().extension() != ".log") continue;
    Descriptor fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::fdatasync(fd.get()) != 0) throw_storage_error("flushing the object index", errno);
  }
}

// Tells when a memory table is to be written out, and an empty one takes its place.
class SealListener final : public rocksdb::EventListener {
 public:
  explicit SealListener(std::shared_ptr<std::atomic<bool>> emptied) : emptied_(std::move(emptied)) {}
  void OnMemTableSealed(const rocksdb::MemTableInfo&) override { *emptied_ = true; }

 private:
  std::shared_ptr<std::atomic<bool>> emptied_;
};

}  // namespace

Index::Index(const std::string& path, bool flushed, Age age, std::function<void()> settled)
    : flushed_(flushed),
      settled_(std::move(settled)),
      unsettled_(age == Age::fresh),
      files_(new IndexFiles(age == Age::fresh)),
      env_(rocksdb::NewCompositeEnv(files_)) {
  if (flushed && age == Age::old) flush_logs(path);
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = family_descriptors();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::DBOptions options = database_options(env_.get(), age);
  options.listeners.push_back(std::make_shared<SealListener>(emptied_));
  rocksdb::Status status = rocksdb::DB::Open(options, path, descriptors, &handles, &db);
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    throw Error(ErrorKind::caller, "DataFolderInUse",
                "Another process has the object index open: " + status.ToString());
  }
  check(status);
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_);
}

Index::~Index() {
  // What stands in memory tables would be read again from the log by the next opening, at about 2 ms a MB.
  uint64_t unwritten_bytes = 0;
  if (!failed_ && db_->GetAggregatedIntProperty("rocksdb.cur-size-all-mem-tables", &unwritten_bytes) &&
      unwritten_bytes > 4 << 20) {
    rocksdb::Status status = db_->Flush({}, {std::begin(families_), std::end(families_)});
    if (!status.ok())
      log(LogLevel::warning, "writing out the object index failed", Value::map({{"error", status.ToString()}}));
  }
  for (auto* family : families_) {
    if (family) db_->DestroyColumnFamilyHandle(family);
  }
  rocksdb::Status status = db_->Close();
  if (!status.ok())
    log(LogLevel::warning, "closing the object index failed", Value::map({{"error", status.ToString()}}));
}

bool Index::get(Family family, std::string_view key, std::string& value) const {
  rocksdb::ReadOptions options;
  if (family == Family::bodies) {
    options.fill_cache = false;        // the page cache holds bodies; the block cache is for what finds them
    options.verify_checksums = false;  // each body has its own, which is verified
  }
  rocksdb::Status status = db_->Get(options, families_[static_cast<int>(family)], slice(key), &value);
  if (status.IsNotFound()) return false;
  check(status);
  return true;
}

void Index::settle() {
  std::lock_guard lock(settling_);
  if (!unsettled_) return;
  files_->settle(flushed_);
  if (settled_) settled_();
  unsettled_ = false;
}

void Index::commit(Batch& batch, bool lazily) {
  if (unsettled_ && !lazily) settle();
  rocksdb::WriteOptions options;
  options.sync = flushed_ && !lazily;
  rocksdb::Status status;
  // Once an earlier write has failed, or a table could not be written in the background, all writes fail until the
  // index was brought back: so the first to see that tries again.
  for (int attempt = 0; attempt < 2; attempt++) {
    if (failed_) recover();
    std::shared_lock lock(writing_);
    if (emptied_->exchange(false)) mark();
    status = db_->Write(options, batch.batch_.get());
    if (status.ok()) return;
    failed_ = true;
  }
  fail(status);
}

// A record that stands in a memory table alone. RocksDB leaves a log that failed only where a memory table has
// something to be written out; else the next write to that log ends the process (Debian's RocksDB has its asserts).
void Index::mark() {
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  const auto status = db_->Delete(unlogged, families_[static_cast<int>(Family::records)], "mark");
  if (!status.ok()) *emptied_ = true;  // then the write that follows fails too, and tells why
}

// A failed write of its log makes RocksDB refuse all others until it has been told to go on with a new log.
void Index::recover() {
  std::unique_lock lock(writing_);
  if (!failed_) return;
  check(db_->Resume());
  mark();
  failed_ = false;
  recoveries_++;
  log(LogLevel::info, "the object index takes writes again");
}

std::unique_ptr<Cursor> Index::cursor(Family family, std::string_view to) const {
  std::unique_ptr<Cursor> cursor(new Cursor(std::make_shared<const Cursor::Bound>(to)));
  rocksdb::ReadOptions options;
  options.fill_cache = family != Family::bodies;
  if (!to.empty()) options.iterate_upper_bound = &cursor->bound_->end;
  cursor->iterator_.reset(db_->NewIterator(options, families_[static_cast<int>(family)]));
  return cursor;
}

std::pair<std::unique_ptr<Cursor>, std::unique_ptr<Cursor>> Index::cursors(Family first, Family second,
                                                                           std::string_view to) const {
  auto bound = std::make_shared<const Cursor::Bound>(to);
  std::pair cursors{std::unique_ptr<Cursor>(new Cursor(bound)), std::unique_ptr<Cursor>(new Cursor(bound))};
  rocksdb::ReadOptions options;
  if (!to.empty()) options.iterate_upper_bound = &bound->end;
  std::vector<rocksdb::Iterator*> iterators;
  check(db_->NewIterators(options, {families_[static_cast<int>(first)], families_[static_cast<int>(second)]},
                          &iterators));
  cursors.first->iterator_.reset(iterators[0]);
  cursors.second->iterator_.reset(iterators[1]);
  return cursors;
}

}  // namespace tarn::store
