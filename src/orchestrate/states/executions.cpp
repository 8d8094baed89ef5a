#include "orchestrate/states/executions.hpp"

#include <future>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {
namespace {

constexpr std::chrono::seconds longest_drain{10};

Value parse_input(const std::string& text) {
  if (text.size() > limits::max_state_data_size_bytes)
    throw Error(ErrorKind::caller, "InvalidExecutionInput",
                "Invalid State Machine Execution Input: 'The input is larger than 262144 bytes'");
  try {
    return parse_json(text);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidExecutionInput",
                "Invalid State Machine Execution Input: '" + e.message() + "'");
  }
}

// What `work` hands to its callback, once it has; absent where the execution was dropped before.
template <class T, class Work>
std::optional<T> answer_of(const Work& work) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> answer = promise->get_future();
  work([promise](T v) { promise->set_value(std::move(v)); });
  promise.reset();
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return std::nullopt;
  }
}

[[noreturn]] void no_execution(const std::string& arn) {
  throw Error(ErrorKind::missing, "ExecutionDoesNotExist", "Execution Does Not Exist: '" + arn + "'");
}

}  // namespace

Executions::Executions(StatesPlatform platform, StatesOptions options)
    : platform_(std::move(platform)),
      options_(std::move(options)),
      store_(options_.path, options_.durable, options_.sealing),
      records_(store_),
      machines_(platform_.metadata, platform_.clock, platform_.random),
      steps_(limits::max_execution_threads),
      calls_(std::make_shared<WorkerPool>(limits::max_task_threads)),
      timer_(platform_.clock),
      polls_(machine_time_),
      activities_(timer_),
      execution_platform_{records_,
                          platform_.operations,
                          platform_.clock,
                          platform_.random,
                          steps_,
                          calls_,
                          timer_,
                          polls_,
                          activities_,
                          platform_.principal_of,
                          options_.strict ? limits::max_history_events_strict : limits::max_history_events,
                          [this](const ExecutionRecord& r, std::shared_ptr<const Definition> definition,
                                 const Value& input) { launch_child(r, std::move(definition), input); },
                          [this](const std::string& arn) { stop_children(arn); },
                          [this](const ExecutionRecord& r) {
                            if (listener_) listener_(r);
                          },
                          [this](const std::shared_ptr<Execution>& e) { ended(e); }} {}

Executions::~Executions() {
  { auto held = hold(); }
  calls_->stop();
  steps_.stop();
}

void Executions::set_listener(std::function<void(const ExecutionRecord&)> listener) {
  listener_ = std::move(listener);
}

void Executions::start() {
  for (uint64_t number : records_.running()) {
    try {
      const auto record = records_.get(number);
      if (!record || record->ended()) continue;
      launch(*record, definition_of(record->definition), parse_json(records_.input(number)), true, &Execution::resume);
    } catch (const Error& e) {
      log(LogLevel::error, "an execution could not go on", Value::map({{"reason", e.message()}}));
    }
  }
}

std::unique_lock<std::shared_mutex> Executions::hold() {
  std::unique_lock held(gate_);
  std::map<uint64_t, std::shared_ptr<Execution>> dropped;
  std::map<uint64_t, std::shared_ptr<SyncExecution>> waited_for;
  {
    std::lock_guard lock(mutex_);
    dropped.swap(live_);
    waited_for.swap(sync_by_number_);
    sync_by_request_.clear();
  }
  for (auto& [number, e] : dropped) e->abandon();
  for (auto& [number, s] : waited_for) s->over->end();
  activities_.clear();
  steps_.drain(longest_drain);
  calls_->drain(longest_drain);
  return held;
}

void Executions::reset() {
  store_.reset();
}

std::shared_ptr<const Definition> Executions::remember(const std::string& digest, const std::string& text) {
  std::lock_guard lock(mutex_);
  auto found = definitions_[digest].lock();
  if (!found) {
    std::erase_if(definitions_, [](const auto& d) { return d.second.expired(); });
    found = parse_definition(text);
    definitions_[digest] = found;
  }
  return found;
}

std::shared_ptr<const Definition> Executions::definition_of(const std::string& digest) {
  return remember(digest, records_.definition(digest));
}

void Executions::launch(const ExecutionRecord& record, std::shared_ptr<const Definition> definition, Value input,
                        bool on_disk, void (Execution::*how)()) {
  auto execution =
      std::make_shared<Execution>(execution_platform_, record, std::move(definition), std::move(input), on_disk);
  {
    std::lock_guard lock(mutex_);
    live_[record.number] = execution;
  }
  ((*execution).*how)();
}

std::shared_ptr<Execution> Executions::find_live(uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = live_.find(number);
  return found == live_.end() ? nullptr : found->second;
}

void Executions::ended(const std::shared_ptr<Execution>& execution) {
  const ExecutionRecord record = execution->record();
  std::shared_ptr<SyncExecution> sync;
  {
    std::lock_guard lock(mutex_);
    live_.erase(record.number);
    if (const auto found = sync_by_number_.find(record.number); found != sync_by_number_.end()) {
      sync = found->second;
      sync_by_number_.erase(found);
    }
  }
  if (record.parent)
    if (const auto parent = find_live(record.parent))
      parent->child_ended(record.map_run_arn, record.parent_strand, record.parent_index,
                          child_result(record, execution->output()));
  if (!sync) return;
  sync->record = record;
  sync->output = execution->output();
  sync->over->end();
}

// Dropped where all is being dropped: its parent is, too, and begins it again.
void Executions::launch_child(const ExecutionRecord& record, std::shared_ptr<const Definition> definition,
                              const Value& input) {
  std::shared_lock open(gate_, std::try_to_lock);
  if (open) launch(record, std::move(definition), input, record.type == "STANDARD", &Execution::start);
}

void Executions::stop_children(const std::string& map_run_arn) {
  std::vector<std::shared_ptr<Execution>> children;
  {
    std::lock_guard lock(mutex_);
    for (auto& [number, e] : live_)
      if (e->record().map_run_arn == map_run_arn) children.push_back(e);
  }
  for (const auto& child : children) child->stop(std::nullopt, std::nullopt, [](Time) {});
}

bool Executions::update_map_run(const MapRun& run, std::optional<int64_t> max_concurrency,
                                std::optional<int64_t> tolerated_count, std::optional<double> tolerated_percentage) {
  const auto live = find_live(run.execution);
  return live && answer_of<bool>([&](auto done) {
                   live->update_map_run(run.strand, max_concurrency, tolerated_count, tolerated_percentage, done);
                 }).value_or(false);
}

// ---- beginning ----

// hold() waits for what tasks call: those do not wait for it in turn.
std::shared_lock<std::shared_mutex> Executions::begin_gate() {
  if (!WorkerPool::is_worker()) return std::shared_lock(gate_);
  std::shared_lock open(gate_, std::try_to_lock);
  if (!open) throw Error(ErrorKind::limit, "ServiceUnavailable", "tarn is being emptied or ends.");
  return open;
}

ExecutionRecord Executions::new_record(const Runnable& what, const StartRequest& request, const std::string& name) {
  const Machine& m = what.machine;
  const bool express = m.type == "EXPRESS";
  ExecutionRecord r;
  r.number = store_.take_numbers();
  r.name = name;
  r.account = m.arn.account;
  r.region = m.arn.region;
  r.arn = "arn:aws:states:" + r.region + ":" + r.account + (express ? ":express:" : ":execution:") + m.arn.name + ":" +
          name + (express ? ":" + platform_.random.uuid() : "");
  r.machine_arn = m.arn.text();
  r.role_arn = m.role_arn;
  r.revision_id = m.revision_id;
  r.type = m.type;
  r.started = platform_.clock.now();
  r.version_arn = what.version_arn;
  r.alias_arn = what.alias_arn;
  r.trace_header = request.trace_header;
  r.log = log_settings_of(m.logging);
  return r;
}

ExecutionRecord Executions::begin(const Runnable& what, const StartRequest& request) {
  Value input = parse_input(request.input);
  const auto open = begin_gate();
  ExecutionRecord record = new_record(what, request, request.name.value_or(platform_.random.uuid()));
  std::unique_lock<std::mutex> alone;
  if (request.name && record.type == "STANDARD") {
    alone = std::unique_lock(naming_[std::hash<std::string>()(record.arn) % naming_.size()]);
    if (const auto there = records_.find(record.arn)) {
      if (!there->ended() && records_.input(there->number) == request.input) return *there;
      throw Error(ErrorKind::conflict, "ExecutionAlreadyExists", "Execution Already Exists: '" + record.arn + "'");
    }
  }
  notify::StoreBatch batch;
  record.definition = records_.put_definition(batch, what.machine.definition);
  ExecutionRecords::put_new(batch, record, request.input);
  store_.write(batch, notify::StoreFlush::now);
  launch(record, remember(record.definition, what.machine.definition), std::move(input), true, &Execution::start);
  return record;
}

std::shared_ptr<SyncExecution> Executions::begin_sync(const Runnable& what, const StartRequest& request,
                                                      const std::string& request_id) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = sync_by_request_.find(request_id); found != sync_by_request_.end()) return found->second;
  }
  Value input = parse_input(request.input);
  const auto open = begin_gate();
  ExecutionRecord record = new_record(what, request, request.name.value_or(platform_.random.uuid()));
  record.definition = hex_encode(digest(DigestKind::sha256, what.machine.definition));
  auto sync = std::make_shared<SyncExecution>();
  sync->over = std::make_shared<Signal>([this, request_id] { forget_sync(request_id); });
  sync->record = record;
  auto definition = remember(record.definition, what.machine.definition);
  {
    std::lock_guard lock(mutex_);
    sync_by_request_[request_id] = sync_by_number_[record.number] = sync;
  }
  launch(record, std::move(definition), std::move(input), false, &Execution::start);
  return sync;
}

void Executions::forget_sync(const std::string& request_id) {
  std::lock_guard lock(mutex_);
  sync_by_request_.erase(request_id);
}

// ---- executions that are there ----

ExecutionRecord Executions::get(const std::string& arn) {
  auto found = records_.find(arn);
  if (!found) no_execution(arn);
  return *std::move(found);
}

Time Executions::stop(const std::string& arn, std::optional<std::string> error, std::optional<std::string> cause) {
  const ExecutionRecord record = get(arn);
  if (record.ended()) return record.stopped.value_or(platform_.clock.now());
  if (const auto live = find_live(record.number))
    if (auto stopped = answer_of<Time>([&](auto done) { live->stop(std::move(error), std::move(cause), done); }))
      return *stopped;
  return get(arn).stopped.value_or(platform_.clock.now());
}

Time Executions::redrive(const std::string& arn) {
  const auto open = begin_gate();
  std::lock_guard alone(naming_[std::hash<std::string>()(arn) % naming_.size()]);
  ExecutionRecord record = get(arn);
  const Time now = platform_.clock.now();
  const char* why = nullptr;
  if (!record.ended())
    why = "Execution is RUNNING and cannot be redriven";
  else if (record.status == "SUCCEEDED")
    why = "Execution is SUCCEEDED and cannot be redriven";
  else if (record.stopped && now - *record.stopped > std::chrono::days(limits::redrivable_days))
    why = "Execution has exceeded the redrivable period";
  else if (!record.map_run_arn.empty())
    why = "Execution was started by a Map Run and can only be redriven with it";
  if (why) throw Error(ErrorKind::conflict, "ExecutionNotRedrivable", why);
  record.status = "RUNNING";
  record.stopped.reset();
  record.error.reset();
  record.cause.reset();
  record.redriven = now;
  ++record.redrives;
  notify::StoreBatch batch;
  ExecutionRecords::put(batch, record);
  ExecutionRecords::mark_running(batch, record.number, true);
  ExecutionRecords::put_redrive(batch, records_, record.number, now, record.redrives);
  store_.write(batch, notify::StoreFlush::now);
  launch(record, definition_of(record.definition), parse_json(records_.input(record.number)), true, &Execution::resume);
  return now;
}

std::vector<ExecutionRecord> Executions::list(const std::string& owner, std::optional<uint64_t> before,
                                              std::size_t limit,
                                              const std::function<bool(const ExecutionRecord&)>& fits) {
  std::vector<ExecutionRecord> out;
  records_.list(owner, before, [&](uint64_t number) {
    if (auto record = records_.get(number); record && fits(*record)) out.push_back(*std::move(record));
    return out.size() < limit;
  });
  return out;
}

void Executions::forget_machine(const std::string& machine_arn) {
  std::vector<std::shared_ptr<Execution>> running;
  {
    std::lock_guard lock(mutex_);
    for (auto& [number, e] : live_)
      if (e->record().machine_arn == machine_arn) running.push_back(e);
  }
  for (const auto& e : running) answer_of<Time>([&](auto done) { e->stop(std::nullopt, std::nullopt, done); });
  for (const ExecutionRecord& r : list(machine_arn, std::nullopt, SIZE_MAX, [](const auto&) { return true; }))
    forget(r);
}

// With the executions of its Maps.
void Executions::forget(const ExecutionRecord& record) {
  notify::StoreBatch batch;
  for (const MapRun& run : records_.map_runs(record.number)) {
    for (const ExecutionRecord& r : list(run.arn, std::nullopt, SIZE_MAX, [](const auto&) { return true; })) forget(r);
    batch.erase("g" + run.arn);
  }
  batch.erase_range(notify::store_key('h', {record.number}), notify::store_key('h', {record.number + 1}));
  for (const Strand& s : records_.strands(record.number)) {
    for (const auto& [index, result] : records_.children(record.number, s.id))
      batch.erase(notify::store_key('r', {record.number, s.id, static_cast<uint64_t>(index)}));
    ExecutionRecords::erase_strand(batch, record.number, s.id);
  }
  ExecutionRecords::erase(batch, record, records_.standing(record.number).last_event);
  store_.write(batch, notify::StoreFlush::later);
}

Value Executions::status_change(const ExecutionRecord& r) {
  Value out = Value::map({{"executionArn", r.arn},
                          {"stateMachineArn", r.machine_arn},
                          {"name", r.name},
                          {"status", r.status},
                          {"startDate", r.started.time_since_epoch().count()},
                          {"stopDate", r.stopped ? Value(r.stopped->time_since_epoch().count()) : Value()},
                          {"input", records_.input(r.number)},
                          {"output", nullptr},
                          {"inputDetails", Value::map({{"included", true}})},
                          {"outputDetails", nullptr},
                          {"error", r.error ? Value(*r.error) : Value()},
                          {"cause", r.cause ? Value(*r.cause) : Value()}});
  if (auto output = records_.output(r.number); output && r.status == "SUCCEEDED")
    out.set("output", *output).set("outputDetails", Value::map({{"included", true}}));
  return out;
}

// ---- tasks ----

void Executions::answer_task(const std::string& token,
                             const std::function<void(Execution&, const TaskToken&, Execution::Answered)>& answer) {
  const auto read = read_token(token);
  if (!read) throw Error(ErrorKind::caller, "InvalidToken", "Invalid Token: 'Invalid token'");
  if (const auto live = find_live(read->execution))
    if (answer_of<bool>([&](auto done) { answer(*live, *read, done); }).value_or(false)) return;
  throw Error(ErrorKind::missing, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
}

void Executions::task_succeeded(const std::string& token, const std::string& output) {
  Value value;
  try {
    value = parse_json(output);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidOutput", "Invalid Output: '" + e.message() + "'");
  }
  answer_task(token, [&](Execution& e, const TaskToken& t, Execution::Answered done) {
    e.task_succeeded(t.strand, t.nonce, value, std::move(done));
  });
}

void Executions::task_failed(const std::string& token, std::string error, std::optional<std::string> cause) {
  answer_task(token, [&](Execution& e, const TaskToken& t, Execution::Answered done) {
    e.task_failed(t.strand, t.nonce, {error, cause}, std::move(done));
  });
}

void Executions::task_heartbeat(const std::string& token) {
  answer_task(token, [&](Execution& e, const TaskToken& t, Execution::Answered done) {
    e.task_heartbeat(t.strand, t.nonce, std::move(done));
  });
}

std::optional<Executions::ActivityTask> Executions::take_activity(const std::string& arn, const std::string& worker) {
  while (const auto task = activities_.take(arn)) {
    const auto live = find_live(task->execution);
    if (!live) continue;
    const auto input = answer_of<std::optional<std::string>>(
        [&](auto done) { live->activity_taken(task->strand, task->nonce, worker, done); });
    if (input && *input) return ActivityTask{write_token(*task), **input};
  }
  return std::nullopt;
}

}  // namespace tarn::states
