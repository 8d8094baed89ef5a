#include "notify/message_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/disk_full.hpp"
#include "base/error.hpp"

namespace tarn::notify {
namespace {

const std::string secret_key("\0secret", 7);  // before all others

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

void check(const rocksdb::Status& status) {
  if (status.ok()) return;
  if (status.IsNoSpace() || status.ToString().find("No space left") != std::string::npos) throw disk_full();
  throw Error(ErrorKind::bug, "InternalFailure", "the store of messages failed: " + status.ToString());
}

rocksdb::Options options() {
  rocksdb::Options o;
  o.create_if_missing = true;
  o.write_buffer_size = 16 << 20;  // most messages live shorter than it takes to fill one
  o.max_write_buffer_number = 3;
  o.max_total_wal_size = 64 << 20;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_open_files = 128;
  auto have = rocksdb::GetSupportedCompressions();
  bool lz4 = std::find(have.begin(), have.end(), rocksdb::kLZ4Compression) != have.end();
  o.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 << 20);
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

}  // namespace

std::string store_key(char kind, std::initializer_list<uint64_t> numbers) {
  std::string out(1, kind);
  for (uint64_t n : numbers) append_number_bytes(out, n);
  return out;
}

uint64_t number_at(std::string_view bytes, std::size_t at) {
  TARN_ASSERT(bytes.size() >= at + 8);
  uint64_t v = 0;
  for (std::size_t i = at; i < at + 8; ++i) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return v;
}

void append_number_bytes(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}

struct MessageStore::Database {
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<govern::ValueSealer> sealer;  // none: values stand in the clear

  std::string kept_form(std::string_view key, std::string_view value) const {
    return sealer ? sealer->seal(key, value) : std::string(value);
  }
  std::string plain(std::string_view key, std::string value) const { return sealer ? sealer->open(key, value) : value; }

  void make_sealer(const StoreSealing& sealing) {
    std::string kept;
    const rocksdb::Status status = db->Get({}, secret_key, &kept);
    if (!status.IsNotFound()) check(status);
    if (kept.empty()) {
      std::unique_ptr<rocksdb::Iterator> any(db->NewIterator({}));
      any->SeekToFirst();
      if (any->Valid() || !sealing.of_new) return;
    }
    sealer = std::make_unique<govern::ValueSealer>(sealing.keys, sealing.random, kept);
    if (sealer->sealed_secret() == kept) return;
    rocksdb::WriteOptions flushed;
    flushed.sync = true;
    check(db->Put(flushed, secret_key, sealer->sealed_secret()));
  }
};

MessageStore::MessageStore(std::string path, bool durable, std::optional<StoreSealing> sealing)
    : path_(std::move(path)), durable_(durable), sealing_(sealing) {}
MessageStore::~MessageStore() = default;

MessageStore::Database* MessageStore::open(bool make) {
  std::lock_guard lock(mutex_);
  if (database_) return database_.get();
  std::error_code error;
  if (!make && !std::filesystem::exists(path_, error)) return nullptr;
  std::filesystem::create_directories(path_, error);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options(), path_, &db));
  auto opened = std::make_unique<Database>();
  opened->db.reset(db);
  if (sealing_) opened->make_sealer(*sealing_);
  database_ = std::move(opened);
  return database_.get();
}

void MessageStore::write(const StoreBatch& batch, StoreFlush flush) {
  if (batch.empty()) return;
  Database& d = *open(true);
  rocksdb::WriteBatch changes;
  for (const auto& [from, to] : batch.ranges_) check(changes.DeleteRange(from, to));
  for (const auto& change : batch.changes_)
    check(change.value ? changes.Put(change.key, d.kept_form(change.key, *change.value)) : changes.Delete(change.key));
  rocksdb::WriteOptions how;
  how.sync = durable_ && flush == StoreFlush::now;
  check(d.db->Write(how, &changes));
}

std::optional<std::string> MessageStore::get(std::string_view key) {
  Database* d = open(false);
  if (!d) return std::nullopt;
  std::string value;
  rocksdb::Status status = d->db->Get({}, slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  check(status);
  return d->plain(key, std::move(value));
}

std::vector<std::optional<std::string>> MessageStore::get_all(const std::vector<std::string>& keys) {
  std::vector<std::optional<std::string>> out;
  out.reserve(keys.size());
  for (const std::string& key : keys) out.push_back(get(key));
  return out;
}

void MessageStore::scan(std::string_view from, std::string_view to,
                        const std::function<bool(std::string_view, std::string_view)>& take) {
  Database* d = open(false);
  if (!d) return;
  rocksdb::Slice upper = slice(to);
  rocksdb::ReadOptions o;
  o.iterate_upper_bound = &upper;
  o.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> cursor(d->db->NewIterator(o));
  for (cursor->Seek(slice(from)); cursor->Valid(); cursor->Next())
    if (const auto key = cursor->key().ToStringView();
        key != secret_key && !take(key, d->plain(key, cursor->value().ToString())))
      return;
  check(cursor->status());
}

// Numbers follow the machine's time, so that they go on rising after a restart without being stored.
uint64_t MessageStore::take_numbers(std::size_t count) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  std::lock_guard lock(numbers_mutex_);
  uint64_t first = std::max(last_number_ + 1,
                            static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
  last_number_ = first + count - 1;
  return first;
}

void MessageStore::reset() {
  Database* d = open(false);
  if (!d) return;
  rocksdb::WriteBatch batch;
  check(batch.DeleteRange(std::string(1, '\0'), std::string(9, '\xff')));
  if (d->sealer) check(batch.Put(secret_key, d->sealer->sealed_secret()));
  check(d->db->Write({}, &batch));
}

}  // namespace tarn::notify
