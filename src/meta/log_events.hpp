// The events of all log streams, in a RocksDB of their own. Used by LogStore alone (logs.hpp), which knows names and
// who may see what.
//
// Keys: 'e' group stream time number -> ingestion time and message; 's' group stream -> statistics. Numbers are
// big-endian, so that bytes sort as numbers do; a group's or a stream's events are one range. Opened when first written
// or read; thread-safe.
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "meta/logs.hpp"

namespace tarn::meta {

class LogEvents {
 public:
  explicit LogEvents(std::string path);
  ~LogEvents();

  void append(const LogStream& stream, std::span<const NewLogEvent> events, int64_t ingested_ms, LogFlush flush);
  LogStatistics statistics(const LogStream& stream);
  std::map<uint64_t, LogStatistics> group_statistics(uint64_t group_id);
  void scan(std::span<const LogStream> streams, const LogRange& range, LogOrder order,
            const std::function<bool(const LogStream&, const LogEvent&)>& take);

  void erase_group(uint64_t group_id);
  void erase_stream(const LogStream& stream);
  // Returns how many went.
  uint64_t erase_before(uint64_t group_id, uint64_t stream_id, int64_t cutoff_ms);
  std::vector<uint64_t> group_ids();
  void reset();

 private:
  struct Database;
  Database* open(bool make);  // nullptr when there is none yet and `make` is false
  uint64_t take_numbers(std::size_t count);
  std::mutex& lock_of(uint64_t stream_id) { return locks_[stream_id % locks_.size()]; }

  std::string path_;
  std::mutex mutex_;  // guards opening and last_number_
  std::unique_ptr<Database> database_;
  uint64_t last_number_ = 0;
  std::array<std::mutex, 64> locks_;  // one appender at a time for each stream, so that its statistics add up
};

}  // namespace tarn::meta
