// Executions as they stand on disk: what each is, what happened in it, and where it is.
//
// Keys in the store ('x' and so on, then big-endian numbers): x number -> execution; i, o number -> its input, output;
// e number event -> event; s number strand -> strand; r number strand index -> what became of a child; n number -> the
// last event and strand; l number -> nothing: it has not ended; a ARN -> number; m owner number' -> nothing: the
// executions of a machine or a Map run, newest first; d digest -> definition; g ARN -> Map run; h number start ->
// a Map run's ARN; b number strand index -> a batch of items.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"
#include "notify/message_store.hpp"
#include "orchestrate/states/execution_log.hpp"
#include "orchestrate/states/map_run.hpp"

namespace tarn::states {

struct ExecutionRecord {
  uint64_t number = 0;  // rises with time
  std::string arn, name, account, region;
  std::string machine_arn, role_arn, revision_id;
  std::string type = "STANDARD";
  std::string status = "RUNNING";
  Time started;
  std::optional<Time> stopped, redriven;
  std::optional<std::string> version_arn, alias_arn, trace_header, error, cause;
  std::string definition;  // its digest
  LogSettings log;
  int redrives = 0;
  // An item of a distributed Map:
  std::string map_run_arn;
  uint64_t parent = 0, parent_strand = 0;
  int64_t parent_index = 0, items = 0;
  int block = 0;

  bool ended() const { return status != "RUNNING"; }
};

// One line of work in an execution: the execution itself, a branch of a Parallel, an iteration of a Map.
struct Strand {
  enum class Phase { enter, wait, call, job, token, activity, backoff, children, distributed, ended };
  uint64_t id = 0, parent = 0;  // 0: no parent
  int64_t index = 0;            // among its parent's
  int block = 0;
  std::string state;
  Value input;
  Phase phase = Phase::enter;
  int64_t entered_event = 0, last_event = 0, children_event = 0;
  Time entered;
  std::vector<int64_t> attempts;  // of each retrier
  int64_t retries = 0;
  std::optional<Time> due, timeout_due, heartbeat_due;
  int64_t heartbeat_s = 0;
  std::string nonce;         // of the task's token
  Value arguments, started;  // of a job
  std::string worker;        // that has the activity
  uint64_t attempt = 0;      // goes up with each call: what comes of an older one is dropped
};

Value to_value(const ExecutionRecord& r);
ExecutionRecord execution_record_of(const Value& v);
Value to_value(const Strand& s);
Strand strand_of(const Value& v);

// What stands on disk of one that runs.
struct Standing {
  int64_t last_event = 0;
  uint64_t last_strand = 0;
};

// Thread-safe, as the store is.
class ExecutionRecords {
 public:
  explicit ExecutionRecords(notify::MessageStore& store) : store_(store) {}
  notify::MessageStore& store() { return store_; }

  static void put(notify::StoreBatch& batch, const ExecutionRecord& r);
  static void put_new(notify::StoreBatch& batch, const ExecutionRecord& r, const std::string& input);
  static void put_output(notify::StoreBatch& batch, uint64_t number, const std::string& output);
  static void put_event(notify::StoreBatch& batch, uint64_t number, int64_t id, const Value& event);
  static void put_strand(notify::StoreBatch& batch, uint64_t number, const Strand& s);
  static void erase_strand(notify::StoreBatch& batch, uint64_t number, uint64_t strand);
  static void put_child(notify::StoreBatch& batch, uint64_t number, uint64_t strand, int64_t index, const Value& v);
  // Those before index `end`.
  static void erase_children(notify::StoreBatch& batch, uint64_t number, uint64_t strand, int64_t end);
  // The inputs of a distributed Map's executions.
  static void put_batch(notify::StoreBatch& batch, uint64_t number, uint64_t strand, int64_t index, const Value& v);
  static void erase_batches(notify::StoreBatch& batch, uint64_t number, uint64_t strand, int64_t end);
  static void put_map_run(notify::StoreBatch& batch, const MapRun& run);
  static void put_new_map_run(notify::StoreBatch& batch, const MapRun& run, uint64_t order);
  static void put_standing(notify::StoreBatch& batch, uint64_t number, const Standing& s);
  // Its strands begin again at the states where they were, behind an event that tells of it.
  static void put_redrive(notify::StoreBatch& batch, ExecutionRecords& records, uint64_t number, Time now,
                          int redrives);
  static void mark_running(notify::StoreBatch& batch, uint64_t number, bool running);
  // All of an execution but its strands and their children. Keys go one by one: ranges that were erased slow down
  // whoever reads beside them.
  static void erase(notify::StoreBatch& batch, const ExecutionRecord& r, int64_t last_event);

  std::optional<ExecutionRecord> get(uint64_t number);
  std::optional<ExecutionRecord> find(std::string_view arn);
  std::string input(uint64_t number);
  std::optional<std::string> output(uint64_t number);
  std::vector<Strand> strands(uint64_t number);
  std::map<int64_t, Value> children(uint64_t number, uint64_t strand);
  Standing standing(uint64_t number);
  Value batches(uint64_t number, uint64_t strand);
  std::optional<MapRun> map_run(const std::string& arn);
  std::vector<MapRun> map_runs(uint64_t number);  // of an execution, the oldest first
  std::vector<uint64_t> running();
  // Events from `first` on (back from it where `reverse`), at most `limit`.
  std::vector<Value> events(uint64_t number, int64_t first, std::size_t limit);
  // Numbers of the executions of a machine or Map run that are older than `before`, newest first, until `take` says
  // false.
  void list(std::string_view owner, std::optional<uint64_t> before, const std::function<bool(uint64_t)>& take);

  std::string put_definition(notify::StoreBatch& batch, const std::string& text);  // its digest
  std::string definition(std::string_view digest);

 private:
  notify::MessageStore& store_;
};

}  // namespace tarn::states
