// The store of log events: groups, streams and events, as CloudWatch Logs defines them ("Amazon CloudWatch Logs API
// Reference"). Jobs, crawlers and functions write here; the logs API reads here.
//
// Groups and streams are records of the metadata store. Events stand in a RocksDB of their own, under keys that sort by
// stream, then time, then arrival; it is opened when first needed, so a tarn that logs nothing pays nothing. An event
// is kept whole or not at all.
//
// Thread-safe. Errors: Error (missing, ResourceNotFoundException), (conflict, ResourceAlreadyExistsException),
// (caller, InvalidParameterException); failing storage (bug, InternalFailure). Times of events are milliseconds since
// 1970, as the API has them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "meta/metadata.hpp"

namespace tarn::meta {

// Whose logs, and in whose name they are changed.
struct LogScope {
  std::string account, region;
  std::string actor_arn = "tarn";
};

struct LogGroup {
  uint64_t id = 0;
  std::string name;
  int64_t created_ms = 0;
  std::optional<int64_t> retention_days;  // older events are hidden at once and removed later
  std::string log_class = "STANDARD";
  bool deletion_protection = false;
  std::map<std::string, std::string> tags;
};

struct LogStream {
  uint64_t id = 0, group_id = 0;
  std::string name;
  int64_t created_ms = 0;
};

// What is known of a stream's events; all zero when it never had one.
struct LogStatistics {
  int64_t first_event_ms = 0, last_event_ms = 0, last_ingestion_ms = 0;
  uint64_t stored_bytes = 0;  // as AWS counts: messages plus 26 bytes each
  bool any = false;
};

struct NewLogEvent {
  int64_t at_ms = 0;
  std::string message;
};

// Where an event stands: events are ordered by time, then by arrival. `number` is unique in the whole store.
struct LogPosition {
  int64_t at_ms = 0;
  uint64_t number = 0;
  auto operator<=>(const LogPosition&) const = default;
};

struct LogEvent {
  LogPosition position;
  int64_t ingested_ms = 0;
  std::string message;
};

enum class LogOrder { oldest_first, newest_first };

// Events at or after `from_ms` and before `to_ms`, beyond `beyond` (exclusive) in the order of reading.
struct LogRange {
  int64_t from_ms = 0;
  int64_t to_ms = INT64_MAX;
  std::optional<LogPosition> beyond;
};

enum class LogFlush {
  now,    // on disk when append returns
  later,  // survives kill -9 of tarn at once, power loss within seconds
};

class LogEvents;
class LogStore;

// Appends lines to one stream, for tarn's own writers. Not thread-safe; the store outlives it.
class LogWriter {
 public:
  // Each line is an event of its own, at the clock's time. Bytes that are no UTF-8 become U+FFFD.
  void write(std::span<const std::string_view> lines);
  void write(std::string_view line) { write(std::span(&line, 1)); }

 private:
  friend class LogStore;
  LogWriter(LogStore& store, LogStream stream) : store_(&store), stream_(std::move(stream)) {}
  LogStore* store_;
  LogStream stream_;
};

class LogStore {
 public:
  // Events live in the folder `path`, which is made when the first is written.
  LogStore(Metadata& metadata, Clock& clock, std::string path);
  ~LogStore();
  LogStore(const LogStore&) = delete;

  // ---- groups ----
  void create_group(const LogScope& scope, const LogGroup& group);  // its id and time of creation are given here
  void delete_group(const LogScope& scope, std::string_view name);  // with its streams and events
  std::optional<LogGroup> find_group(const LogScope& scope, std::string_view name) const;
  LogGroup group(const LogScope& scope, std::string_view name) const;
  // In the order of their names, from after the name `after`.
  std::vector<LogGroup> groups(const LogScope& scope, std::string_view after = {}, std::size_t limit = SIZE_MAX) const;
  void change_group(const LogScope& scope, std::string_view name, const std::function<void(LogGroup&)>& change);
  uint64_t stored_bytes(const LogGroup& group) const;

  // ---- streams ----
  void create_stream(const LogScope& scope, std::string_view group, std::string_view name);
  void delete_stream(const LogScope& scope, std::string_view group, std::string_view name);
  std::optional<LogStream> find_stream(const LogScope& scope, std::string_view group, std::string_view name) const;
  LogStream stream(const LogScope& scope, std::string_view group, std::string_view name) const;
  // In the order of their names, from after the name `after`; those alone that begin with `prefix`.
  std::vector<LogStream> streams(const LogScope& scope, std::string_view group, std::string_view prefix = {},
                                 std::string_view after = {}, std::size_t limit = SIZE_MAX) const;
  LogStatistics statistics(const LogStream& stream) const;
  // Of all streams of the group that had an event, by stream id.
  std::map<uint64_t, LogStatistics> group_statistics(const LogGroup& group) const;

  // ---- events ----
  void append(const LogStream& stream, std::span<const NewLogEvent> events, LogFlush flush);
  // A writer to this stream, made with its group where they are not there.
  LogWriter writer(const LogScope& scope, std::string_view group, std::string_view stream);
  // Calls `take` for the events of these streams of `group`, merged in `order`, until it returns false. Expired events
  // are left out.
  void scan(const LogGroup& group, std::span<const LogStream> streams, const LogRange& range, LogOrder order,
            const std::function<bool(const LogStream&, const LogEvent&)>& take) const;

  // Removes expired events from the disk. Done by append once an hour; returns how many went.
  uint64_t sweep();
  // Forgets all events. The records go with the metadata store's own reset().
  void reset();

 private:
  friend class LogWriter;
  void sweep_hourly();

  Metadata& metadata_;
  Clock& clock_;
  std::unique_ptr<LogEvents> events_;
  std::atomic<int64_t> next_sweep_ms_ = 0;
};

}  // namespace tarn::meta
