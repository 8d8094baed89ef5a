#include <sqlite3.h>

#include <cerrno>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "base/disk_full.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "meta/metadata.hpp"

namespace tarn::meta {
namespace {

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, key BLOB NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
                                   kind TEXT NOT NULL, key BLOB NOT NULL, before TEXT, after TEXT);
)";

[[noreturn]] void fail(sqlite3* db, const char* doing) {
  const int code = sqlite3_errcode(db), system_error = sqlite3_system_errno(db);
  if (code == SQLITE_FULL || (code == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT)))
    throw disk_full();
  throw Error(ErrorKind::bug, "InternalFailure",
              std::string("the metadata store failed while ") + doing + ": " + sqlite3_errmsg(db));
}

// One prepared statement in use; reset when it goes.
class Query {
 public:
  Query(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Query(const Query&) = delete;

  Query& text(int at, std::string_view v) {
    sqlite3_bind_text64(statement_, at, v.data(), v.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
  }
  Query& blob(int at, std::string_view v) {
    // A null pointer would bind NULL, and an empty key is a key.
    sqlite3_bind_blob64(statement_, at, v.data() ? v.data() : "", v.size(), SQLITE_TRANSIENT);
    return *this;
  }
  Query& integer(int at, int64_t v) {
    sqlite3_bind_int64(statement_, at, v);
    return *this;
  }
  bool step() {
    int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    fail(db_, "reading or writing");
  }
  std::string bytes(int column) {
    auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
  }
  int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

// The first key that sorts after all keys beginning with `prefix`. Keys are UTF-8, so none sorts after 0xff.
std::string after_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return "\xff";
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

// The first key that a listing may give: plain bounds on both sides let SQLite seek instead of scan.
std::string first_key(std::string_view prefix, std::string_view after) {
  return after.empty() || after < prefix ? std::string(prefix) : std::string(after) + '\0';
}

// One connection with its statements. Not thread-safe: guarded by its owner's mutex.
class Connection {
 public:
  Connection(const std::string& path, bool durable) {
    sqlite3* db = nullptr;
    const int opened =
        sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(db);  // one that could not be opened is there all the same, and is closed
    if (opened != SQLITE_OK) fail(db, "opening");
    sqlite3_busy_timeout(db, 10'000);
    execute("PRAGMA journal_mode=WAL");
    execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    execute(schema);
    get_ = prepare("SELECT value FROM record WHERE kind=? AND key=?");
    list_ = prepare("SELECT key, value FROM record WHERE kind=?1 AND key>=?2 AND key<?3 ORDER BY key LIMIT ?4");
    keys_ = prepare("SELECT key FROM record WHERE kind=?1 AND key>=?2 AND key<?3 ORDER BY key LIMIT ?4");
    count_ = prepare("SELECT count(*) FROM record WHERE kind=?1 AND key>=?2 AND key<?3");
    put_ = prepare("INSERT INTO record VALUES (?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value");
    erase_ = prepare("DELETE FROM record WHERE kind=? AND key=?");
    log_ = prepare("INSERT INTO change (at_ms, actor, kind, key, before, after) VALUES (?,?,?,?,?,?)");
    changes_ = prepare(
        "SELECT number, at_ms, actor, kind, key, before, after FROM change WHERE number>? ORDER BY number LIMIT ?");
  }

  void execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_.get(), "preparing itself");
  }
  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

  std::optional<std::string> get_text(std::string_view kind, std::string_view key) {
    Query q(db_.get(), get_.get());
    if (!q.text(1, kind).blob(2, key).step()) return std::nullopt;
    return q.bytes(0);
  }
  std::vector<Record> list(std::string_view kind, std::string_view prefix, std::string_view after, std::size_t limit) {
    std::vector<Record> out;
    Query q(db_.get(), list_.get());
    q.text(1, kind).blob(2, first_key(prefix, after)).blob(3, after_prefix(prefix));
    q.integer(4, limit > INT64_MAX ? -1 : static_cast<int64_t>(limit));
    while (q.step()) out.push_back({q.bytes(0), parse_json(q.bytes(1))});
    return out;
  }
  std::vector<std::string> keys(std::string_view kind, std::string_view prefix, std::string_view after,
                                std::size_t limit) {
    std::vector<std::string> out;
    Query q(db_.get(), keys_.get());
    q.text(1, kind).blob(2, first_key(prefix, after)).blob(3, after_prefix(prefix));
    q.integer(4, limit > INT64_MAX ? -1 : static_cast<int64_t>(limit));
    while (q.step()) out.push_back(q.bytes(0));
    return out;
  }
  std::size_t count(std::string_view kind, std::string_view prefix) {
    Query q(db_.get(), count_.get());
    q.text(1, kind).blob(2, prefix).blob(3, after_prefix(prefix)).step();
    return static_cast<std::size_t>(q.integer(0));
  }
  void put(std::string_view kind, std::string_view key, std::string_view value) {
    Query q(db_.get(), put_.get());
    q.text(1, kind).blob(2, key).text(3, value).step();
  }
  void erase(std::string_view kind, std::string_view key) {
    Query q(db_.get(), erase_.get());
    q.text(1, kind).blob(2, key).step();
  }
  void log(Time at, std::string_view actor, std::string_view kind, std::string_view key,
           const std::optional<std::string>& before, const std::optional<std::string>& after) {
    Query q(db_.get(), log_.get());
    q.integer(1, at.time_since_epoch().count()).text(2, actor).text(3, kind).blob(4, key);
    if (before) q.text(5, *before);
    if (after) q.text(6, *after);
    q.step();
  }
  std::vector<Change> changes(int64_t after, std::size_t limit) {
    std::vector<Change> out;
    Query q(db_.get(), changes_.get());
    q.integer(1, after).integer(2, limit > INT64_MAX ? -1 : static_cast<int64_t>(limit));
    while (q.step()) {
      Change& c = out.emplace_back(Change{
          q.integer(0), Time(std::chrono::milliseconds(q.integer(1))), q.bytes(2), q.bytes(3), q.bytes(4), {}, {}});
      if (!q.is_null(5)) c.before = parse_json(q.bytes(5));
      if (!q.is_null(6)) c.after = parse_json(q.bytes(6));
    }
    return out;
  }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  Statement prepare(const char* sql) {
    sqlite3_stmt* s = nullptr;
    if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr) != SQLITE_OK)
      fail(db_.get(), "preparing a statement");
    return Statement(s);
  }

  std::unique_ptr<sqlite3, Close> db_;  // outlives the statements
  Statement get_, list_, keys_, count_, put_, erase_, log_, changes_;
};

class SqliteTransaction : public Transaction {
 public:
  SqliteTransaction(Connection& c, Time now, std::string_view actor, bool logged)
      : c_(c), now_(now), actor_(actor), logged_(logged) {}

  std::optional<Value> get(std::string_view kind, std::string_view key) override {
    auto text = c_.get_text(kind, key);
    return text ? std::optional(parse_json(*text)) : std::nullopt;
  }
  std::vector<Record> list(std::string_view kind, std::string_view prefix, std::string_view after,
                           std::size_t limit) override {
    return c_.list(kind, prefix, after, limit);
  }
  std::vector<std::string> keys(std::string_view kind, std::string_view prefix, std::string_view after,
                                std::size_t limit) override {
    return c_.keys(kind, prefix, after, limit);
  }
  std::size_t count(std::string_view kind, std::string_view prefix) override { return c_.count(kind, prefix); }

  void put(std::string_view kind, std::string_view key, const Value& value) override {
    std::string text = to_json(value);
    auto before = logged_ ? c_.get_text(kind, key) : std::nullopt;
    if (before == text) return;
    c_.put(kind, key, text);
    if (logged_) c_.log(now_, actor_, kind, key, before, text);
  }
  bool erase(std::string_view kind, std::string_view key) override {
    auto before = c_.get_text(kind, key);
    if (!before) return false;
    c_.erase(kind, key);
    if (logged_) c_.log(now_, actor_, kind, key, before, std::nullopt);
    return true;
  }
  std::size_t erase_all(std::string_view kind, std::string_view prefix) override {
    auto records = c_.list(kind, prefix, {}, SIZE_MAX);
    for (const Record& r : records) erase(kind, r.key);
    return records.size();
  }

 private:
  Connection& c_;
  Time now_;
  std::string_view actor_;
  bool logged_;
};

// Records as they were last read, for those that many requests ask for (who has this access key?), which SQLite answers
// in 10 us with two file locks. A change empties it: changes are rare beside such reads, and each waits for the disk
// anyway. Thread-safe.
class ReadRecords {
 public:
  // False when it is not known; keep() has to be told `number` with what is then read. `record` is empty where none is
  // stored.
  bool find(const std::string& id, std::optional<Value>& record, uint64_t& number) const {
    std::shared_lock lock(mutex_);
    number = number_;
    const auto found = records_.find(id);
    if (found == records_.end()) return false;
    record = found->second;
    return true;
  }
  // Nothing is kept that was read before a change ended.
  void keep(std::string id, const std::optional<Value>& record, uint64_t number) {
    std::lock_guard lock(mutex_);
    if (number != number_) return;
    if (records_.size() >= max_records) records_.clear();
    records_.insert_or_assign(std::move(id), record);
  }
  void clear() {
    std::lock_guard lock(mutex_);
    ++number_;
    records_.clear();
  }

  static constexpr std::size_t max_record_size_bytes = 4096;

 private:
  static constexpr std::size_t max_records = 1000;
  mutable std::shared_mutex mutex_;
  uint64_t number_ = 0;  // of changes so far
  std::unordered_map<std::string, std::optional<Value>> records_;
};

// Readers do not wait for the writer: each side has a connection (WAL).
class Sqlite : public Metadata {
 public:
  Sqlite(const std::string& path, Clock& clock, bool durable)
      : clock_(clock), writer_(path, durable), reader_(path, durable) {}

  std::optional<Value> get(std::string_view kind, std::string_view key) override {
    std::string id = meta::key({kind, key});
    std::optional<Value> record;
    uint64_t number = 0;
    if (read_.find(id, record, number)) return record;
    std::optional<std::string> text;
    {
      std::lock_guard lock(read_mutex_);
      text = reader_.get_text(kind, key);
    }
    if (text) record = parse_json(*text);
    if (!text || text->size() <= ReadRecords::max_record_size_bytes) read_.keep(std::move(id), record, number);
    return record;
  }
  std::vector<Record> list(std::string_view kind, std::string_view prefix, std::string_view after,
                           std::size_t limit) override {
    std::lock_guard lock(read_mutex_);
    return reader_.list(kind, prefix, after, limit);
  }
  std::vector<std::string> keys(std::string_view kind, std::string_view prefix, std::string_view after,
                                std::size_t limit) override {
    std::lock_guard lock(read_mutex_);
    return reader_.keys(kind, prefix, after, limit);
  }
  std::size_t count(std::string_view kind, std::string_view prefix) override {
    std::lock_guard lock(read_mutex_);
    return reader_.count(kind, prefix);
  }
  void change(std::string_view actor, const std::function<void(Transaction&)>& work) override {
    run(actor, true, work);
  }
  void change_quietly(const std::function<void(Transaction&)>& work) override { run("tarn", false, work); }
  std::vector<Change> changes(int64_t after, std::size_t limit) override {
    std::lock_guard lock(read_mutex_);
    return reader_.changes(after, limit);
  }
  void reset() override {
    std::lock_guard lock(write_mutex_);
    writer_.execute("BEGIN IMMEDIATE; DELETE FROM record; DELETE FROM change; COMMIT");
    read_.clear();
  }

 private:
  void run(std::string_view actor, bool logged, const std::function<void(Transaction&)>& work) {
    std::lock_guard lock(write_mutex_);
    writer_.execute("BEGIN IMMEDIATE");
    try {
      SqliteTransaction t(writer_, clock_.now(), actor, logged);
      work(t);
      writer_.execute("COMMIT");
      read_.clear();
    } catch (...) {
      read_.clear();  // a COMMIT that failed does not tell what is stored
      if (writer_.in_transaction()) writer_.execute("ROLLBACK");
      throw;
    }
  }

  Clock& clock_;
  std::mutex write_mutex_, read_mutex_;
  Connection writer_, reader_;
  ReadRecords read_;
};

}  // namespace

std::string key(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    if (part != parts.begin()) out += '\0';
    out += *part;
  }
  return out;
}

std::string prefix(std::initializer_list<std::string_view> parts) {
  std::string out = key(parts);
  if (parts.size()) out += '\0';
  return out;
}

std::vector<std::string> key_parts(std::string_view key) {
  std::vector<std::string> out(1);
  for (char c : key) {
    if (c == '\0')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::unique_ptr<Metadata> open_sqlite(const std::string& path, Clock& clock, bool durable) {
  try {
    return std::make_unique<Sqlite>(path, clock, durable);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidDataFolder", path + " can't be opened as tarn's metadata. " + e.message());
  }
}

}  // namespace tarn::meta
