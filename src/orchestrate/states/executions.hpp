// All executions: begun, told of, stopped, gone on with after a restart. Those under way are in memory; a waiting one
// costs no thread. What is on disk is told in records.hpp.
//
// Thread-safe. Errors carry Step Functions' codes (ExecutionDoesNotExist, ExecutionAlreadyExists, InvalidArn ...).
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "notify/message_store.hpp"
#include "notify/timer.hpp"
#include "orchestrate/states/activities.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/machines.hpp"
#include "orchestrate/states/worker_pool.hpp"

namespace tarn::states {

// What state machines stand on; all outlive the Executions.
struct StatesPlatform {
  meta::Metadata& metadata;
  api::Operations& operations;
  std::function<api::Principal(const std::string& role_arn, const std::string& session)> principal_of;
  Clock& clock;
  Random& random;
};

struct StatesOptions {
  std::string path;                             // of the store of executions: a folder, made when the first begins
  bool durable = true;                          // false leaves out the flushes
  bool strict = false;                          // AWS's limit of an execution's history
  std::optional<notify::StoreSealing> sealing;  // absent: on disk in the clear
};

struct StartRequest {
  std::optional<std::string> name, trace_header;
  std::string input = "{}";
};

// A synchronous express execution. `over` is over when it has ended; then the rest is set.
struct SyncExecution {
  std::shared_ptr<Signal> over;
  ExecutionRecord record;
  std::string output;
};

class Executions {
 public:
  Executions(StatesPlatform platform, StatesOptions options);
  // What is under way stays on disk, to be gone on with.
  ~Executions();
  Executions(const Executions&) = delete;

  Machines& machines() { return machines_; }
  ExecutionRecords& records() { return records_; }

  // Executions that an earlier tarn left go on; none begins before.
  void start();
  // Drops all that is under way; until the lock goes, whoever begins an execution waits. For a reset of the program.
  [[nodiscard]] std::unique_lock<std::shared_mutex> hold();
  // Forgets all executions. Machines go with the metadata store's own reset().
  void reset();

  // Told of each execution that began or ended, once that is on disk, by one of many threads: where its status change
  // goes out as an event. Must be quick, must not throw. Set before start().
  void set_listener(std::function<void(const ExecutionRecord&)> listener);

  // ---- executions ----
  ExecutionRecord begin(const Runnable& what, const StartRequest& request);
  // The same call (by `request_id`) gives the same execution while it runs.
  std::shared_ptr<SyncExecution> begin_sync(const Runnable& what, const StartRequest& request,
                                            const std::string& request_id);
  void forget_sync(const std::string& request_id);
  ExecutionRecord get(const std::string& arn);
  // When it had stopped.
  Time stop(const std::string& arn, std::optional<std::string> error, std::optional<std::string> cause);
  Time redrive(const std::string& arn);
  // Newest first, those that `fits`, older than `before`.
  std::vector<ExecutionRecord> list(const std::string& owner, std::optional<uint64_t> before, std::size_t limit,
                                    const std::function<bool(const ExecutionRecord&)>& fits);
  // False where it is not under way.
  bool update_map_run(const MapRun& run, std::optional<int64_t> max_concurrency, std::optional<int64_t> tolerated_count,
                      std::optional<double> tolerated_percentage);
  // All that run of a machine are stopped, and all of it forgotten: it was deleted.
  void forget_machine(const std::string& machine_arn);
  // What AWS tells of an execution's change of status, as an event's detail.
  Value status_change(const ExecutionRecord& record);

  // ---- tasks ----
  void task_succeeded(const std::string& token, const std::string& output);
  void task_failed(const std::string& token, std::string error, std::optional<std::string> cause);
  void task_heartbeat(const std::string& token);
  struct ActivityTask {
    std::string token, input;
  };
  std::optional<ActivityTask> take_activity(const std::string& arn, const std::string& worker);
  std::shared_ptr<api::Wait> wait_for_activity(const std::string& arn, Time until) {
    return activities_.wait(arn, until);
  }

 private:
  std::shared_lock<std::shared_mutex> begin_gate();
  std::shared_ptr<const Definition> definition_of(const std::string& digest);
  std::shared_ptr<const Definition> remember(const std::string& digest, const std::string& text);
  ExecutionRecord new_record(const Runnable& what, const StartRequest& request, const std::string& name);
  void launch(const ExecutionRecord& record, std::shared_ptr<const Definition> definition, Value input, bool on_disk,
              void (Execution::*how)());
  std::shared_ptr<Execution> find_live(uint64_t number);
  void forget(const ExecutionRecord& record);
  void launch_child(const ExecutionRecord& record, std::shared_ptr<const Definition> definition, const Value& input);
  void stop_children(const std::string& map_run_arn);
  void ended(const std::shared_ptr<Execution>& execution);
  void answer_task(const std::string& token,
                   const std::function<void(Execution&, const TaskToken&, Execution::Answered)>& answer);

  StatesPlatform platform_;
  StatesOptions options_;
  notify::MessageStore store_;
  ExecutionRecords records_;
  Machines machines_;
  SystemClock machine_time_;
  std::function<void(const ExecutionRecord&)> listener_;

  std::shared_mutex gate_;             // shared while one is begun; hold() has it alone
  std::array<std::mutex, 64> naming_;  // by the ARN: one begins under a name at a time
  std::mutex mutex_;                   // guards what follows
  std::map<uint64_t, std::shared_ptr<Execution>> live_;
  std::map<std::string, std::weak_ptr<const Definition>> definitions_;
  std::map<std::string, std::shared_ptr<SyncExecution>> sync_by_request_;
  std::map<uint64_t, std::shared_ptr<SyncExecution>> sync_by_number_;

  WorkerPool steps_;
  std::shared_ptr<WorkerPool> calls_;
  notify::Timer timer_, polls_;
  Activities activities_;
  ExecutionPlatform execution_platform_;
};

}  // namespace tarn::states
