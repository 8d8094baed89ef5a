// One execution under way: the interpreter of the Amazon States Language.
//
// An execution is a set of strands (the execution itself, branches, iterations), each at a state. What happens to it
// (a call returned, its time came, somebody stops it) is posted, and worked off by one thread at a time. All that
// follows from it, events and the strands' new places, is written in one batch; only then does what it leads to begin:
// calls, waits, answers. So a transition is on disk before it takes effect, and a result that is on disk is never asked
// for again.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "notify/timer.hpp"
#include "orchestrate/states/data_flow.hpp"
#include "orchestrate/states/definition.hpp"
#include "orchestrate/states/integration.hpp"
#include "orchestrate/states/map_run.hpp"
#include "orchestrate/states/records.hpp"
#include "orchestrate/states/service_call.hpp"
#include "orchestrate/states/worker_pool.hpp"

namespace tarn::states {

class Activities;
class Execution;

// How a state, a branch or an execution failed. An Error with AWS's name as its code becomes one.
struct Failure {
  std::string error;
  std::optional<std::string> cause;
  bool heartbeat = false;  // a States.Timeout that is a missed heartbeat
};

// What executions stand on; all outlive them.
struct ExecutionPlatform {
  ExecutionRecords& records;
  api::Operations& operations;
  Clock& clock;
  Random& random;
  WorkerPool& steps;                  // advance executions
  std::shared_ptr<WorkerPool> calls;  // wait for what tasks call; what was called may end after all else is gone
  notify::Timer& timer;               // by the Clock
  notify::Timer& polls;               // by the machine's time: jobs run in it, whatever the Clock says
  Activities& activities;
  std::function<api::Principal(const std::string& role_arn, const std::string& session)> principal_of;
  int64_t max_history_events;
  // Begins an item of a distributed Map: an express one is in memory alone.
  std::function<void(const ExecutionRecord&, std::shared_ptr<const Definition>, const Value& input)> launch_child;
  std::function<void(const std::string& map_run_arn)> stop_children;
  // Told once it is on disk that an execution began or ended.
  std::function<void(const ExecutionRecord&)> changed;
  // The same, when it has ended; it is let go of.
  std::function<void(const std::shared_ptr<Execution>&)> ended;
};

// What a Parallel or Map has under way.
struct Children {
  int64_t total = 0, next = 0, active = 0, done = 0, failed = 0;
  int64_t max_concurrency = 0;
  int64_t tolerated_count = 0;
  double tolerated_percentage = 0;
  std::optional<Failure> first_failure;
  Value items;                                // of a Map; the inputs of its executions, in a distributed one
  std::vector<std::optional<Value>> results;  // what child_result() tells, in a distributed Map
  std::optional<MapRun> run;                  // of a distributed Map, once its items are known
};

class Execution : public std::enable_shared_from_this<Execution> {
 public:
  // A new one (`input` given, its record already on disk), or one that is on disk half done.
  Execution(ExecutionPlatform& platform, ExecutionRecord record, std::shared_ptr<const Definition> definition,
            Value input, bool on_disk);
  ~Execution();

  void start();   // begins it: its first event, its first state
  void resume();  // goes on where it was
  void stop(std::optional<std::string> error, std::optional<std::string> cause, std::function<void(Time)> done);
  // Drops it where it is: nothing more is written, nothing called.
  void abandon();

  // The answer to a task token. False where there is no such task (any more); `done` is called once it is on disk.
  using Answered = std::function<void(bool taken)>;
  void task_succeeded(uint64_t strand, std::string nonce, Value output, Answered done);
  void task_failed(uint64_t strand, std::string nonce, Failure failure, Answered done);
  void task_heartbeat(uint64_t strand, std::string nonce, Answered done);
  // A worker takes the activity; `done` gets its input where it was still to be had.
  void activity_taken(uint64_t strand, std::string nonce, std::string worker,
                      std::function<void(std::optional<std::string> input)> done);
  // Of a distributed Map.
  void child_ended(const std::string& map_run_arn, uint64_t strand, int64_t index, Value result);
  void update_map_run(uint64_t strand, std::optional<int64_t> max_concurrency, std::optional<int64_t> tolerated_count,
                      std::optional<double> tolerated_percentage, Answered done);

  ExecutionRecord record() const;  // thread-safe
  const std::shared_ptr<const Definition>& definition() const { return definition_; }
  const std::string& output() const { return output_; }  // once it has ended

 private:
  struct Live {
    Strand s;
    std::unique_ptr<Children> children;
    std::vector<uint64_t> timers;
  };
  using Job = std::function<void()>;

  // ---- execution.cpp: steps ----
  void post(Job job);
  void step();
  void run_jobs();
  bool commit();
  void write_log();
  void after_commit(Job effect) { effects_.push_back(std::move(effect)); }
  Live* find(uint64_t strand);
  Live* find_task(uint64_t strand, const std::string& nonce);
  void touch(const Live& live) { dirty_.insert(live.s.id); }
  int64_t add_event(int64_t& previous, const std::string& type, const char* details_name = nullptr, Value details = {});
  void end(const char* status, const Failure* failure, const std::string* output);
  Live& add_strand(uint64_t parent, int64_t index, int block, Value input, int64_t last_event);
  void remove_strand(uint64_t strand);
  void stop_timers(Live& live);
  void wake_at(Live& live, Time when, void (Execution::*what)(Live&));
  void abort_strand(Live& live);
  void abort_children(uint64_t parent);
  void execution_timeout();
  void resume_strand(Live& live);

  // ---- run_states.cpp ----
  Value context_of(const Live& live) const;
  const State& state_of(const Live& live) const { return definition_->state(live.s.block, live.s.state); }
  // Evaluates with the data of the strand's state.
  template <class F>
  auto with_situation(const Live& live, const F& f) const {
    const State& state = state_of(live);
    const Value context = state.uses_context ? context_of(live) : Value::map();
    return f(Situation{state.json, live.s.input, context, platform_.random});
  }
  void enter(Live& live);
  void run(Live& live);
  void run_pass(Live& live);
  void run_choice(Live& live);
  void run_wait(Live& live);
  void run_fail(Live& live);
  void wait_over(Live& live);
  void finish(Live& live, Value result);  // the state's work is done
  void leave(Live& live, const Value& output, const std::optional<std::string>& next);
  void strand_done(Live& live, const Value& output);
  void fail_state(Live& live, Failure failure);    // its work failed: retried, caught, or not
  void fail_in_state(Live& live, const Error& e);  // evaluation failed: the cause names the state
  bool retry(Live& live, const Failure& failure);
  bool handle(Live& live, const Failure& failure);
  void strand_failed(Live& live, const Failure& failure);
  void backoff_over(Live& live);

  // ---- run_tasks.cpp ----
  void run_task(Live& live);
  struct TaskLimits {
    int64_t timeout_s = 0, heartbeat_s = 0;  // 0: none
  };
  TaskLimits limits_of(Live& live);
  void begin_limits(Live& live, const TaskLimits& limits);
  void schedule_events(Live& live, const Integration& in, const TaskLimits& limits);
  void set_deadlines(Live& live);
  void begin_call(Live& live);
  void call_returned(uint64_t strand, uint64_t attempt, std::optional<Value> result, std::optional<Error> error);
  void poll_job(Live& live, int delay_ms);
  void job_told(uint64_t strand, uint64_t attempt, std::optional<Value> status, std::optional<Error> error,
                int delay_ms);
  void task_done(Live& live, Value result);
  void task_failed_with(Live& live, Failure failure, bool submitting = false);
  void task_timed_out(Live& live);
  void heartbeat_missed(Live& live);
  void time_out_task(Live& live, bool heartbeat);
  void offer_activity(Live& live);
  void stop_job(const Live& live);
  std::string token_of(const Live& live) const;
  struct PendingCall {
    std::shared_ptr<Execution> execution;
    std::shared_ptr<WorkerPool> calls;
    uint64_t strand, attempt;
    Integration integration;
    Value arguments;
    ServiceCall call;
  };
  static void make_call(const std::shared_ptr<PendingCall>& pending);

  // ---- run_children.cpp ----
  void run_parallel(Live& live);
  void run_map(Live& live);
  void begin_map(Live& live, Value items);
  void start_iterations(Live& live);
  void start_iteration(Live& live, int64_t index);
  void child_done(uint64_t parent, int64_t index, const Value& output, int64_t last_event);
  void child_failed(uint64_t parent, int64_t index, const Failure& failure, int64_t last_event);
  void children_over(Live& live);
  void clear_children(Live& live);
  void recover_children(Live& live);
  bool exceeds_tolerance(const Children& c) const;
  void read_map_settings(Live& live, Children& c, int64_t default_concurrency);
  Value item_input(Live& live, int64_t index);

  // ---- run_distributed.cpp ----
  void run_distributed(Live& live);
  void begin_reading(Live& live);
  void items_read(uint64_t strand, uint64_t attempt, std::vector<Value>& items, const std::optional<Error>& error);
  std::vector<Value> child_inputs(Live& live, std::vector<Value> items);
  void begin_map_run(Live& live, std::vector<Value> items, int64_t length);
  void start_children(Live& live);
  void start_child(Live& live, int64_t index);
  void take_child_result(Live& live, int64_t index, Value result, bool fresh);
  void fail_map_run(Live& live);
  void end_map_run(Live& live, const char* status);
  void distributed_over(Live& live);
  void results_written(uint64_t strand, uint64_t attempt, const Value& details, const std::optional<Error>& error);
  void finish_map_run(Live& live, Value result);
  void abort_map_run(Live& live);
  void recover_distributed(Live& live);
  CallOperation operation_caller();
  void touch_run(const Live& live) { changed_runs_.insert(live.s.id); }

  ExecutionPlatform& platform_;
  const std::shared_ptr<const Definition> definition_;
  const bool on_disk_;
  Value input_;
  std::string output_;

  mutable std::mutex record_mutex_;
  ExecutionRecord record_;

  std::mutex inbox_mutex_;
  std::deque<Job> inbox_;
  bool scheduled_ = false, abandoned_ = false;

  // Of the thread that makes a step.
  std::map<uint64_t, Live> strands_;
  std::deque<uint64_t> to_enter_;
  std::set<uint64_t> dirty_, removed_, changed_runs_;
  notify::StoreBatch batch_;
  std::vector<Job> effects_;
  std::vector<Value> log_events_;
  Standing standing_;
  int step_events_ = 0;
  bool over_ = false, new_events_ = false;
  uint64_t timeout_timer_ = 0;
};

// What the end of a distributed Map's execution tells the Map.
Value child_result(const ExecutionRecord& r, const std::string& output);

// The token of a task, and what it says; absent where the text is none of ours.
struct TaskToken {
  uint64_t execution = 0, strand = 0;
  std::string nonce;
};
std::string write_token(const TaskToken& token);
std::optional<TaskToken> read_token(std::string_view text);

}  // namespace tarn::states
