// A Map run: what a Map in DISTRIBUTED mode does with its items ("Using Map state in Distributed mode", AWS Step
// Functions Developer Guide). Where its items come from, how they are put together, where results go.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/value.hpp"

namespace tarn::states {

struct MapRunCounts {
  int64_t pending = 0, running = 0, succeeded = 0, failed = 0, timed_out = 0, aborted = 0, total = 0,
          results_written = 0;
};

struct MapRun {
  std::string arn, execution_arn, machine_arn;  // the machine's ARN has the Map's label
  uint64_t execution = 0, strand = 0;
  std::string status = "RUNNING";
  Time started;
  std::optional<Time> stopped;
  int64_t max_concurrency = 0, tolerated_count = 0;
  double tolerated_percentage = 0;
  MapRunCounts executions, items;
};

Value to_value(const MapRun& run);
MapRun map_run_of(const Value& v);

// Calls an operation ("s3:GetObject") and gives its output, a streaming body in its member; at most so many bytes of
// it.
using CallOperation =
    std::function<Value(const std::string& operation, const Value& input, std::size_t max_body_size_bytes)>;

// An ItemReader with its templates filled.
struct ItemReader {
  std::string resource;
  Value parameters, config;
  int64_t max_items = 0;  // 0: all
};
// The items. What goes wrong throws Error (States.ItemReaderFailed).
std::vector<Value> read_items(const ItemReader& reader, const CallOperation& call);
// The items of an object's bytes, as `config` says: JSON, JSONL or CSV. Malformed ones throw Error
// (States.ItemReaderFailed). Absent `max_items` (0): all.
std::vector<Value> parse_items(const std::string& bytes, const Value& config, int64_t max_items);

// An ItemBatcher with its templates filled.
struct ItemBatcher {
  Value batch_input;                     // null: none
  int64_t max_items = 0, max_bytes = 0;  // 0: no limit
};
std::vector<Value> make_batches(const ItemBatcher& batcher, std::vector<Value> items);

// One that ended, as a ResultWriter tells of it.
struct MapItemReport {
  Value report;  // ExecutionArn, Input, Name, Output, StartDate, Status ...
  std::string status;
};
// Writes the reports and a manifest below s3://bucket/prefix/ID/; gives the ResultWriterDetails. Throws Error
// (States.ResultWriterFailed).
Value write_results(const std::string& bucket, const std::string& prefix, const MapRun& run,
                    const std::vector<MapItemReport>& reports, const CallOperation& call);

}  // namespace tarn::states
