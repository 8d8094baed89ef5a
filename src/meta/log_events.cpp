#include "meta/log_events.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/disk_full.hpp"
#include "base/error.hpp"

namespace tarn::meta {
namespace {

constexpr uint64_t overhead_bytes = 26;  // that AWS counts for each event

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

void check(const rocksdb::Status& status) {
  if (status.ok()) return;
  if (status.IsNoSpace() || status.ToString().find("No space left") != std::string::npos) throw disk_full();
  throw Error(ErrorKind::bug, "InternalFailure", "the store of log events failed: " + status.ToString());
}

void put_number(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}

uint64_t get_number(std::string_view bytes, std::size_t at) {
  uint64_t v = 0;
  for (std::size_t i = at; i < at + 8; ++i) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return v;
}

// Times sort as numbers, before 1970 too.
uint64_t sortable(int64_t ms) {
  return static_cast<uint64_t>(ms) ^ (1ull << 63);
}
int64_t from_sortable(uint64_t v) {
  return static_cast<int64_t>(v ^ (1ull << 63));
}

std::string key_of(char kind, std::initializer_list<uint64_t> numbers) {
  std::string out(1, kind);
  for (uint64_t n : numbers) put_number(out, n);
  return out;
}

std::string event_key(const LogStream& s, int64_t at_ms, uint64_t number) {
  return key_of('e', {s.group_id, s.id, sortable(at_ms), number});
}

std::string encode(const LogStatistics& s) {
  std::string out;
  for (auto v : {static_cast<uint64_t>(s.first_event_ms), static_cast<uint64_t>(s.last_event_ms),
                 static_cast<uint64_t>(s.last_ingestion_ms), s.stored_bytes})
    put_number(out, v);
  return out;
}

LogStatistics decode(std::string_view bytes) {
  LogStatistics s;
  if (bytes.size() < 32) return s;
  s.any = true;
  s.first_event_ms = static_cast<int64_t>(get_number(bytes, 0));
  s.last_event_ms = static_cast<int64_t>(get_number(bytes, 8));
  s.last_ingestion_ms = static_cast<int64_t>(get_number(bytes, 16));
  s.stored_bytes = get_number(bytes, 24);
  return s;
}

rocksdb::Options options() {
  rocksdb::Options o;
  o.create_if_missing = true;
  o.write_buffer_size = 8 << 20;
  o.max_write_buffer_number = 3;
  o.max_total_wal_size = 32 << 20;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_open_files = 128;
  auto have = rocksdb::GetSupportedCompressions();
  bool lz4 = std::find(have.begin(), have.end(), rocksdb::kLZ4Compression) != have.end();
  o.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4 << 20);
  table.block_size = 16 << 10;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

}  // namespace

struct LogEvents::Database {
  std::unique_ptr<rocksdb::DB> db;

  LogStatistics statistics(uint64_t group_id, uint64_t stream_id) {
    std::string value;
    rocksdb::Status status = db->Get({}, key_of('s', {group_id, stream_id}), &value);
    if (status.IsNotFound()) return {};
    check(status);
    return decode(value);
  }

  void erase(rocksdb::WriteBatch& batch, const std::string& from, const std::string& to) {
    check(batch.DeleteRange(from, to));
  }
};

namespace {

// Reads one stream's events within a range, in one direction.
class StreamReader {
 public:
  StreamReader(rocksdb::DB& db, const LogStream& stream, const LogRange& range, LogOrder order)
      : stream_(stream), forward_(order == LogOrder::oldest_first) {
    lower_ = event_key(stream, range.from_ms, 0);
    upper_ = range.to_ms == INT64_MAX ? key_of('e', {stream.group_id, stream.id, UINT64_MAX, UINT64_MAX})
                                      : event_key(stream, range.to_ms, 0);
    if (range.beyond) {
      std::string beyond = event_key(stream, range.beyond->at_ms, range.beyond->number);
      if (forward_)
        lower_ = std::max(lower_, beyond + '\0');
      else
        upper_ = std::min(upper_, beyond);
    }
    if (lower_ >= upper_) return;
    lower_slice_ = slice(lower_);
    upper_slice_ = slice(upper_);
    rocksdb::ReadOptions o;
    o.iterate_lower_bound = &lower_slice_;
    o.iterate_upper_bound = &upper_slice_;
    o.fill_cache = false;
    cursor_.reset(db.NewIterator(o));
    forward_ ? cursor_->SeekToFirst() : cursor_->SeekToLast();
    load();
  }
  StreamReader(const StreamReader&) = delete;

  bool valid() const { return valid_; }
  const LogEvent& event() const { return event_; }
  const LogStream& stream() const { return stream_; }
  void next() {
    forward_ ? cursor_->Next() : cursor_->Prev();
    load();
  }

 private:
  void load() {
    valid_ = cursor_->Valid();
    if (!valid_) return check(cursor_->status());
    std::string_view key = cursor_->key().ToStringView(), value = cursor_->value().ToStringView();
    event_.position = {from_sortable(get_number(key, 17)), get_number(key, 25)};
    event_.ingested_ms = static_cast<int64_t>(get_number(value, 0));
    event_.message = value.substr(8);
  }

  const LogStream& stream_;
  bool forward_, valid_ = false;
  std::string lower_, upper_;
  rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> cursor_;
  LogEvent event_;
};

}  // namespace

LogEvents::LogEvents(std::string path) : path_(std::move(path)) {}
LogEvents::~LogEvents() = default;

LogEvents::Database* LogEvents::open(bool make) {
  std::lock_guard lock(mutex_);
  if (database_) return database_.get();
  std::error_code error;
  if (!make && !std::filesystem::exists(path_, error)) return nullptr;
  std::filesystem::create_directories(path_, error);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options(), path_, &db));
  database_ = std::make_unique<Database>();
  database_->db.reset(db);
  return database_.get();
}

// Numbers follow the machine's time, so that they go on rising after a restart without being stored.
uint64_t LogEvents::take_numbers(std::size_t count) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  std::lock_guard lock(mutex_);
  uint64_t first = std::max(last_number_ + 1,
                            static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
  last_number_ = first + count - 1;
  return first;
}

void LogEvents::append(const LogStream& stream, std::span<const NewLogEvent> events, int64_t ingested_ms,
                       LogFlush flush) {
  if (events.empty()) return;
  Database& d = *open(true);
  std::lock_guard lock(lock_of(stream.id));
  LogStatistics statistics = d.statistics(stream.group_id, stream.id);
  uint64_t number = take_numbers(events.size());
  rocksdb::WriteBatch batch;
  std::string value;
  for (const NewLogEvent& event : events) {
    value.clear();
    put_number(value, static_cast<uint64_t>(ingested_ms));
    value += event.message;
    check(batch.Put(event_key(stream, event.at_ms, number++), value));
    statistics.first_event_ms = statistics.any ? std::min(statistics.first_event_ms, event.at_ms) : event.at_ms;
    statistics.last_event_ms = statistics.any ? std::max(statistics.last_event_ms, event.at_ms) : event.at_ms;
    statistics.stored_bytes += event.message.size() + overhead_bytes;
    statistics.any = true;
  }
  statistics.last_ingestion_ms = std::max(statistics.last_ingestion_ms, ingested_ms);
  check(batch.Put(key_of('s', {stream.group_id, stream.id}), encode(statistics)));
  rocksdb::WriteOptions how;
  how.sync = flush == LogFlush::now;
  check(d.db->Write(how, &batch));
}

LogStatistics LogEvents::statistics(const LogStream& stream) {
  Database* d = open(false);
  return d ? d->statistics(stream.group_id, stream.id) : LogStatistics{};
}

std::map<uint64_t, LogStatistics> LogEvents::group_statistics(uint64_t group_id) {
  std::map<uint64_t, LogStatistics> out;
  Database* d = open(false);
  if (!d) return out;
  std::string end = key_of('s', {group_id + 1});
  rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions o;
  o.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> cursor(d->db->NewIterator(o));
  for (cursor->Seek(key_of('s', {group_id})); cursor->Valid(); cursor->Next())
    out[get_number(cursor->key().ToStringView(), 9)] = decode(cursor->value().ToStringView());
  check(cursor->status());
  return out;
}

void LogEvents::scan(std::span<const LogStream> streams, const LogRange& range, LogOrder order,
                     const std::function<bool(const LogStream&, const LogEvent&)>& take) {
  Database* d = open(false);
  if (!d) return;
  std::vector<std::unique_ptr<StreamReader>> heap;
  // The next event of all is at the heap's front.
  auto later = [order](const auto& a, const auto& b) {
    return order == LogOrder::oldest_first ? b->event().position < a->event().position
                                           : a->event().position < b->event().position;
  };
  for (const LogStream& stream : streams) {
    auto reader = std::make_unique<StreamReader>(*d->db, stream, range, order);
    if (reader->valid()) heap.push_back(std::move(reader));
  }
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    StreamReader& reader = *heap.back();
    if (!take(reader.stream(), reader.event())) return;
    reader.next();
    if (reader.valid())
      std::push_heap(heap.begin(), heap.end(), later);
    else
      heap.pop_back();
  }
}

void LogEvents::erase_group(uint64_t group_id) {
  Database* d = open(false);
  if (!d) return;
  rocksdb::WriteBatch batch;
  for (char kind : {'e', 's'}) d->erase(batch, key_of(kind, {group_id}), key_of(kind, {group_id + 1}));
  check(d->db->Write({}, &batch));
}

void LogEvents::erase_stream(const LogStream& stream) {
  Database* d = open(false);
  if (!d) return;
  rocksdb::WriteBatch batch;
  for (char kind : {'e', 's'})
    d->erase(batch, key_of(kind, {stream.group_id, stream.id}), key_of(kind, {stream.group_id, stream.id + 1}));
  check(d->db->Write({}, &batch));
}

uint64_t LogEvents::erase_before(uint64_t group_id, uint64_t stream_id, int64_t cutoff_ms) {
  Database* d = open(false);
  if (!d) return 0;
  std::lock_guard lock(lock_of(stream_id));
  LogStatistics statistics = d->statistics(group_id, stream_id);
  if (!statistics.any || statistics.first_event_ms >= cutoff_ms) return 0;
  LogStream stream;
  stream.group_id = group_id;
  stream.id = stream_id;
  uint64_t count = 0, bytes = 0;
  for (StreamReader reader(*d->db, stream, {.from_ms = INT64_MIN, .to_ms = cutoff_ms}, LogOrder::oldest_first);
       reader.valid(); reader.next()) {
    ++count;
    bytes += reader.event().message.size() + overhead_bytes;
  }
  StreamReader rest(*d->db, stream, {.from_ms = cutoff_ms}, LogOrder::oldest_first);
  rocksdb::WriteBatch batch;
  d->erase(batch, event_key(stream, INT64_MIN, 0), event_key(stream, cutoff_ms, 0));
  if (rest.valid()) {
    statistics.first_event_ms = rest.event().position.at_ms;
    statistics.stored_bytes -= std::min(statistics.stored_bytes, bytes);
    check(batch.Put(key_of('s', {group_id, stream_id}), encode(statistics)));
  } else {
    check(batch.Delete(key_of('s', {group_id, stream_id})));
  }
  check(d->db->Write({}, &batch));
  return count;
}

std::vector<uint64_t> LogEvents::group_ids() {
  std::vector<uint64_t> out;
  Database* d = open(false);
  if (!d) return out;
  std::unique_ptr<rocksdb::Iterator> cursor(d->db->NewIterator({}));
  for (cursor->Seek("s"); cursor->Valid() && cursor->key()[0] == 's'; cursor->Seek(key_of('s', {out.back() + 1})))
    out.push_back(get_number(cursor->key().ToStringView(), 1));
  check(cursor->status());
  return out;
}

void LogEvents::reset() {
  Database* d = open(false);
  if (!d) return;
  rocksdb::WriteBatch batch;
  d->erase(batch, "e", "t");
  check(d->db->Write({}, &batch));
}

}  // namespace tarn::meta
