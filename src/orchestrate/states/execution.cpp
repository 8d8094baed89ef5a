#include "orchestrate/states/execution.hpp"

#include <charconv>
#include <thread>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "orchestrate/states/activities.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {

using notify::StoreBatch;

Execution::Execution(ExecutionPlatform& platform, ExecutionRecord record, std::shared_ptr<const Definition> definition,
                     Value input, bool on_disk)
    : platform_(platform),
      definition_(std::move(definition)),
      on_disk_(on_disk),
      input_(std::move(input)),
      record_(std::move(record)) {}

Execution::~Execution() = default;

ExecutionRecord Execution::record() const {
  std::lock_guard lock(record_mutex_);
  return record_;
}

// ---- steps ----

void Execution::post(Job job) {
  std::lock_guard lock(inbox_mutex_);
  if (abandoned_) return;
  inbox_.push_back(std::move(job));
  if (scheduled_) return;
  scheduled_ = platform_.steps.run([self = shared_from_this()] { self->step(); });
}

void Execution::abandon() {
  std::deque<Job> dropped;
  std::lock_guard lock(inbox_mutex_);
  abandoned_ = true;
  dropped.swap(inbox_);
}

void Execution::step() {
  run_jobs();
  const bool written = commit();
  if (written) write_log();
  std::vector<Job> effects = std::move(effects_);
  effects_.clear();
  if (written)
    for (Job& effect : effects) effect();
  effects.clear();
  std::lock_guard lock(inbox_mutex_);
  scheduled_ = false;
  if (abandoned_ || (inbox_.empty() && to_enter_.empty())) return;
  scheduled_ = platform_.steps.run([self = shared_from_this()] { self->step(); });
}

// What was posted, then the states that follow, until all strands wait for something outside.
void Execution::run_jobs() {
  std::deque<Job> jobs;
  {
    std::lock_guard lock(inbox_mutex_);
    if (abandoned_) return;
    jobs.swap(inbox_);
  }
  for (Job& job : jobs) job();
  while (!to_enter_.empty() && step_events_ < limits::max_step_events && !over_) {
    Live* live = find(to_enter_.front());
    to_enter_.pop_front();
    if (live && live->s.phase == Strand::Phase::enter) enter(*live);
  }
  if (over_) to_enter_.clear();
}

// False where the execution was dropped meanwhile.
bool Execution::commit() {
  step_events_ = 0;
  const uint64_t number = record_.number;
  if (on_disk_) {
    for (uint64_t id : removed_) ExecutionRecords::erase_strand(batch_, number, id);
    for (uint64_t id : dirty_)
      if (Live* live = find(id)) ExecutionRecords::put_strand(batch_, number, live->s);
    for (uint64_t id : changed_runs_)
      if (Live* live = find(id); live && live->children && live->children->run)
        ExecutionRecords::put_map_run(batch_, *live->children->run);
    if (new_events_) ExecutionRecords::put_standing(batch_, number, standing_);
  }
  removed_.clear();
  dirty_.clear();
  changed_runs_.clear();
  new_events_ = false;
  StoreBatch batch = std::move(batch_);
  batch_ = StoreBatch();
  for (bool told = false; !batch.empty();) {
    {
      std::lock_guard lock(inbox_mutex_);
      if (abandoned_) return false;
    }
    try {
      platform_.records.store().write(batch, notify::StoreFlush::now);
      break;
    } catch (const Error& e) {
      if (!told) log(LogLevel::error, "an execution waits for its store", Value::map({{"reason", e.message()}}));
      told = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }
  return true;
}

// Behind the commit: what is logged has happened. A group that is not there gets nothing, as on AWS.
void Execution::write_log() {
  if (log_events_.empty()) return;
  std::vector<Value> events = std::move(log_events_);
  log_events_.clear();
  platform_.calls->run([self = shared_from_this(), events = std::move(events)] {
    const ExecutionRecord r = self->record();
    const std::string stream = log_stream_of(r.machine_arn, r.started, r.number);
    Value lines = Value::list();
    for (const Value& event : events)
      lines.push_back(Value::map({{"timestamp", event.at("timestamp").as_time().time_since_epoch().count()},
                                  {"message", log_line(r.log, event, r.arn, r.redrives)}}));
    Value input = Value::map({{"logGroupName", r.log.group}, {"logStreamName", stream}});
    const CallOperation call = self->operation_caller();
    try {
      try {
        call("logs:CreateLogStream", input, 0);
      } catch (const Error& e) {
        if (e.code() != "ResourceAlreadyExistsException") throw;
      }
      call("logs:PutLogEvents", input.set("logEvents", std::move(lines)), 0);
    } catch (const Error& e) {
      log(LogLevel::warning, "an execution's log was not kept", Value::map({{"reason", e.message()}}));
    }
  });
}

Execution::Live* Execution::find(uint64_t strand) {
  auto found = strands_.find(strand);
  return found == strands_.end() ? nullptr : &found->second;
}

Execution::Live* Execution::find_task(uint64_t strand, const std::string& nonce) {
  Live* live = over_ ? nullptr : find(strand);
  if (!live || live->s.nonce.empty() || live->s.nonce != nonce) return nullptr;
  using enum Strand::Phase;
  const Strand::Phase p = live->s.phase;
  return p == call || p == token || p == activity ? live : nullptr;
}

int64_t Execution::add_event(int64_t& previous, const std::string& type, const char* details_name, Value details) {
  const int64_t id = ++standing_.last_event;
  ++step_events_;
  new_events_ = true;
  const bool logged = is_logged(record_.log, type);
  if (on_disk_ || logged) {
    Value event = Value::map({{"timestamp", platform_.clock.now()}, {"type", type}, {"id", id}});
    event.set("previousEventId", previous);
    if (details_name) event.set(details_name, std::move(details));
    if (on_disk_) ExecutionRecords::put_event(batch_, record_.number, id, event);
    if (logged) log_events_.push_back(std::move(event));
  }
  previous = id;
  return id;
}

Execution::Live& Execution::add_strand(uint64_t parent, int64_t index, int block, Value input, int64_t last_event) {
  const uint64_t id = ++standing_.last_strand;
  new_events_ = true;
  Live& live = strands_[id];
  live.s.id = id;
  live.s.parent = parent;
  live.s.index = index;
  live.s.block = block;
  live.s.state = definition_->blocks[static_cast<std::size_t>(block)].start_at;
  live.s.input = std::move(input);
  live.s.last_event = last_event;
  touch(live);
  to_enter_.push_back(id);
  return live;
}

void Execution::remove_strand(uint64_t strand) {
  if (Live* live = find(strand)) stop_timers(*live);
  strands_.erase(strand);
  dirty_.erase(strand);
  removed_.insert(strand);
}

void Execution::stop_timers(Live& live) {
  for (uint64_t id : live.timers) platform_.timer.cancel(id);
  live.timers.clear();
}

// Calls `what` when the time has come, unless the strand has gone on meanwhile.
void Execution::wake_at(Live& live, Time when, void (Execution::*what)(Live&)) {
  const uint64_t id = live.s.id, attempt = live.s.attempt;
  after_commit([this, id, attempt, when, what] {
    Live* now = find(id);
    if (!now || now->s.attempt != attempt) return;
    now->timers.push_back(platform_.timer.at(when, [weak = weak_from_this(), id, attempt, what] {
      auto self = weak.lock();
      if (!self) return;
      self->post([raw = self.get(), id, attempt, what] {
        Live* due = raw->find(id);
        if (due && due->s.attempt == attempt && !raw->over_) (raw->*what)(*due);
      });
    }));
  });
}

// ---- beginning and end ----

void Execution::start() {
  post([this] {
    Value details = Value::map({{"input", to_json(input_)}, {"roleArn", record_.role_arn}});
    details.set("inputDetails", Value::map({{"truncated", false}}));
    if (record_.version_arn) details.set("stateMachineVersionArn", *record_.version_arn);
    if (record_.alias_arn) details.set("stateMachineAliasArn", *record_.alias_arn);
    int64_t previous = 0;
    add_event(previous, "ExecutionStarted", "executionStartedEventDetails", std::move(details));
    add_strand(0, 0, record_.block, input_, 0);
    execution_timeout();
    // As it is now: it may have ended in the same step.
    if (platform_.changed) after_commit([this, begun = record_] { platform_.changed(begun); });
  });
}

void Execution::execution_timeout() {
  const Value* seconds = record_.block == 0 ? definition_->json.find("TimeoutSeconds") : nullptr;
  int64_t limit_s = seconds ? seconds->as_int() : 0;
  if (record_.type == "EXPRESS")
    limit_s = limit_s ? std::min<int64_t>(limit_s, limits::max_sync_execution_s) : limits::max_sync_execution_s;
  if (!limit_s) return;
  const Time due = record_.redriven.value_or(record_.started) + std::chrono::seconds(limit_s);
  after_commit([this, due] {
    timeout_timer_ = platform_.timer.at(due, [weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->post([raw = self.get()] {
          const Failure failure{"States.Timeout", std::nullopt};
          if (!raw->over_) raw->end("TIMED_OUT", &failure, nullptr);
        });
    });
  });
}

void Execution::stop(std::optional<std::string> error, std::optional<std::string> cause,
                     std::function<void(Time)> done) {
  post([this, error = std::move(error), cause = std::move(cause), done = std::move(done)] {
    if (!over_) {
      const Failure failure{error.value_or(""), cause};
      end("ABORTED", error || cause ? &failure : nullptr, nullptr);
    }
    after_commit([this, done] { done(record().stopped.value_or(platform_.clock.now())); });
  });
}

// Writes how it ended. `failure` and `output`, where there are such.
void Execution::end(const char* status, const Failure* failure, const std::string* output) {
  if (over_) return;
  int64_t previous = standing_.last_event;
  for (auto& [id, live] : strands_) {
    stop_timers(live);
    if (std::string_view(status) != "SUCCEEDED") abort_strand(live);
  }
  over_ = true;
  const std::string kind = status == std::string_view("TIMED_OUT") ? "TimedOut"
                           : status == std::string_view("ABORTED") ? "Aborted"
                           : failure                               ? "Failed"
                                                                   : "Succeeded";
  Value details = Value::map();
  if (failure && !failure->error.empty()) details.set("error", failure->error);
  if (failure && failure->cause) details.set("cause", *failure->cause);
  if (output) details.set("output", *output).set("outputDetails", Value::map({{"truncated", false}}));
  add_event(previous, "Execution" + kind, ("execution" + kind + "EventDetails").c_str(), std::move(details));
  {
    std::lock_guard lock(record_mutex_);
    record_.status = status;
    record_.stopped = platform_.clock.now();
    if (failure && !failure->error.empty()) record_.error = failure->error;
    if (failure) record_.cause = failure->cause;
    if (output) output_ = *output;
  }
  if (on_disk_) {
    if (output) ExecutionRecords::put_output(batch_, record_.number, *output);
    ExecutionRecords::put(batch_, record_);
    ExecutionRecords::mark_running(batch_, record_.number, false);
    // What failed can be redriven from where it was.
    if (output || record_.type == "EXPRESS") {
      for (auto& [id, live] : strands_) removed_.insert(id);
      strands_.clear();
      dirty_.clear();
    }
    // As on AWS, nothing tells of an express execution once it is over.
    if (record_.type == "EXPRESS") {
      ExecutionRecords::erase(batch_, record_, standing_.last_event);
      new_events_ = false;
    }
  }
  after_commit([this, ended = record_] {
    platform_.timer.cancel(timeout_timer_);
    if (platform_.changed) platform_.changed(ended);
    platform_.ended(shared_from_this());
  });
}

// It ends where it is. What it waited for elsewhere is told to end too.
void Execution::abort_strand(Live& live) {
  using enum Strand::Phase;
  const Strand::Phase phase = live.s.phase;
  if (phase == job) stop_job(live);
  if (phase == distributed) abort_map_run(live);
  if (phase == activity) platform_.activities.withdraw(record_.number, live.s.id);
  if (phase == enter || phase == ended) return;
  const State& state = state_of(live);
  const std::string type = state.json.string_or("Type");
  if (type == "Task" || type == "Wait" || type == "Parallel" || type == "Map")
    add_event(live.s.last_event, type + "StateAborted");
}

void Execution::abort_children(uint64_t parent) {
  std::vector<uint64_t> ids;
  for (auto& [id, live] : strands_)
    if (live.s.parent == parent) ids.push_back(id);
  for (uint64_t id : ids) {
    abort_children(id);
    Live& live = *find(id);
    clear_children(live);
    abort_strand(live);
    const Live& above = *find(parent);
    if (state_of(above).type == StateType::map)
      add_event(live.s.last_event, "MapIterationAborted", "mapIterationAbortedEventDetails",
                Value::map({{"name", above.s.state}, {"index", live.s.index}}));
    remove_strand(id);
  }
}

// ---- going on ----

void Execution::resume() {
  post([this] {
    standing_ = platform_.records.standing(record_.number);
    std::vector<Strand> stored = platform_.records.strands(record_.number);
    if (stored.empty() && standing_.last_event == 0) {  // it was written, and had not begun
      start();
      return;
    }
    for (Strand& s : stored) {
      const uint64_t id = s.id;
      strands_[id].s = std::move(s);
    }
    execution_timeout();
    std::vector<uint64_t> ids;
    for (auto& [id, live] : strands_) ids.push_back(id);
    for (uint64_t id : ids) {
      Live* live = find(id);
      if (!live || over_) continue;
      try {
        resume_strand(*live);
      } catch (const Error& e) {
        fail_in_state(*live, e);
      }
    }
  });
}

void Execution::resume_strand(Live& live) {
  using enum Strand::Phase;
  switch (live.s.phase) {
    case enter:
      to_enter_.push_back(live.s.id);
      break;
    case wait:
      wake_at(live, *live.s.due, &Execution::wait_over);
      break;
    case backoff:
      wake_at(live, *live.s.due, &Execution::backoff_over);
      break;
    case call:
      set_deadlines(live);
      begin_call(live);
      break;
    case job:
      set_deadlines(live);
      poll_job(live, 0);
      break;
    case token:
      set_deadlines(live);
      break;
    case activity:
      set_deadlines(live);
      if (live.s.worker.empty()) offer_activity(live);
      break;
    case children:
      recover_children(live);
      break;
    case distributed:
      recover_distributed(live);
      break;
    case ended:
      break;
  }
}

// ---- tokens ----

std::string write_token(const TaskToken& t) {
  return base64_encode(std::to_string(t.execution) + "/" + std::to_string(t.strand) + "/" + t.nonce);
}

std::optional<TaskToken> read_token(std::string_view text) {
  const auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  const std::size_t first = bytes->find('/'), second = bytes->find('/', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  TaskToken out;
  const char* end = bytes->data() + first;
  if (std::from_chars(bytes->data(), end, out.execution).ptr != end) return std::nullopt;
  end = bytes->data() + second;
  if (std::from_chars(bytes->data() + first + 1, end, out.strand).ptr != end) return std::nullopt;
  out.nonce = bytes->substr(second + 1);
  return out.nonce.empty() ? std::nullopt : std::optional(out);
}

}  // namespace tarn::states
