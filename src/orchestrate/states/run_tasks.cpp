// Tasks: calls of operations, jobs and tokens that are waited for, activities.
#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/activities.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/limits.hpp"
#include "orchestrate/states/service_call.hpp"

namespace tarn::states {
namespace {

using Kind = Integration::Kind;
using Pattern = Integration::Pattern;
using Phase = Strand::Phase;

constexpr int first_poll_ms = 100, max_poll_ms = 2000;  // of a job

// How the history names what happens to a task.
struct EventNames {
  std::string prefix;  // Task, LambdaFunction, Activity
  std::string details(const char* what) const {
    std::string out = prefix + what + "EventDetails";
    out[0] = static_cast<char>(out[0] + ('a' - 'A'));
    return out;
  }
};

EventNames names_of(const Integration& in) {
  return {in.kind == Kind::function ? "LambdaFunction" : in.kind == Kind::activity ? "Activity" : "Task"};
}

// What each event of a Task names; those of functions and activities do not.
Value details_of(const Integration& in) {
  if (in.kind == Kind::function || in.kind == Kind::activity) return Value::map();
  return Value::map({{"resourceType", in.resource_type}, {"resource", in.resource}});
}

Value output_details(const Integration& in, const std::string& output) {
  Value out = details_of(in);
  return out.set("output", output).set("outputDetails", Value::map({{"truncated", false}}));
}

Value failure_details(const Integration& in, const Failure& failure) {
  Value out = details_of(in);
  if (!failure.error.empty()) out.set("error", failure.error);
  if (failure.cause) out.set("cause", *failure.cause);
  return out;
}

Integration integration_of(const State& state) {
  auto in = parse_resource(state.json.at("Resource").as_string());
  if (!in)
    throw Error(ErrorKind::caller, "States.Runtime",
                "The resource " + state.json.at("Resource").as_string() + " is not recognized.");
  return *std::move(in);
}

}  // namespace

std::string Execution::token_of(const Live& live) const {
  return write_token({record_.number, live.s.id, live.s.nonce});
}

void Execution::run_task(Live& live) {
  const Integration in = integration_of(state_of(live));
  live.s.nonce = in.pattern == Pattern::token ? platform_.random.hex(32) : "";
  live.s.worker.clear();
  live.s.started = Value();
  live.s.arguments = with_situation(live, [](const Situation& s) { return json_path_language().arguments(s); });
  const TaskLimits limits = limits_of(live);
  live.s.heartbeat_s = limits.heartbeat_s;
  // An activity's time runs from when a worker has it.
  if (in.kind != Kind::activity) begin_limits(live, limits);
  schedule_events(live, in, limits);
  live.s.phase = in.kind == Kind::activity ? Phase::activity : Phase::call;
  touch(live);
  set_deadlines(live);
  if (in.kind == Kind::activity)
    offer_activity(live);
  else
    begin_call(live);
}

Execution::TaskLimits Execution::limits_of(Live& live) {
  return with_situation(live, [&](const Situation& s) {
    auto seconds = [&](const char* name) -> int64_t {
      const auto v = json_path_language().field(s, name);
      if (!v) return 0;
      if (!v->is_int() || v->as_int() <= 0 || v->as_int() > 99'999'999)
        throw Error(
            ErrorKind::caller, "States.Runtime",
            "The " + std::string(name) + "Path parameter does not reference a positive integer: " + to_json(*v));
      return v->as_int();
    };
    return TaskLimits{seconds("TimeoutSeconds"), seconds("HeartbeatSeconds")};
  });
}

void Execution::begin_limits(Live& live, const TaskLimits& limits) {
  const Time now = platform_.clock.now();
  auto due = [&](int64_t s) { return s ? std::optional(now + std::chrono::seconds(s)) : std::nullopt; };
  live.s.timeout_due = due(limits.timeout_s);
  live.s.heartbeat_due = due(limits.heartbeat_s);
}

void Execution::schedule_events(Live& live, const Integration& in, const TaskLimits& limits) {
  const EventNames names = names_of(in);
  Value details = details_of(in);
  const std::string text = to_json(live.s.arguments);
  if (in.kind == Kind::function || in.kind == Kind::activity)
    details.set("resource", in.resource).set("input", text).set("inputDetails", Value::map({{"truncated", false}}));
  else
    details.set("region", record_.region).set("parameters", text);
  if (limits.timeout_s) details.set("timeoutInSeconds", limits.timeout_s);
  if (limits.heartbeat_s && in.kind != Kind::function) details.set("heartbeatInSeconds", limits.heartbeat_s);
  add_event(live.s.last_event, names.prefix + "Scheduled", names.details("Scheduled").c_str(), std::move(details));
  if (in.kind == Kind::activity) return;
  if (in.kind == Kind::function)
    add_event(live.s.last_event, names.prefix + "Started");
  else
    add_event(live.s.last_event, names.prefix + "Started", names.details("Started").c_str(), details_of(in));
}

void Execution::set_deadlines(Live& live) {
  if (live.s.timeout_due) wake_at(live, *live.s.timeout_due, &Execution::task_timed_out);
  if (live.s.heartbeat_due) wake_at(live, *live.s.heartbeat_due, &Execution::heartbeat_missed);
}

// ---- calls ----

void Execution::begin_call(Live& live) {
  after_commit([this, id = live.s.id, attempt = live.s.attempt, in = integration_of(state_of(live)),
                arguments = live.s.arguments] {
    auto pending = std::make_shared<PendingCall>(
        PendingCall{shared_from_this(), platform_.calls, id, attempt, in, arguments,
                    ServiceCall(platform_.operations, platform_.principal_of(record_.role_arn, record_.name),
                                record_.region, platform_.clock.now(), platform_.random.uuid())});
    platform_.calls->run([pending] { make_call(pending); });
  });
}

// An operation that waits (a function that runs) holds no thread: it is called again when it has an answer.
void Execution::make_call(const std::shared_ptr<PendingCall>& pending) {
  std::optional<Value> result;
  std::optional<Error> error;
  try {
    result = pending->call.run(pending->integration, pending->arguments,
                               [pending] { pending->calls->run([pending] { make_call(pending); }); });
    if (!result) return;
  } catch (const Error& e) {
    error = e;
  } catch (const std::exception& e) {
    error = Error(ErrorKind::bug, "States.TaskFailed", e.what());
  }
  const auto& self = pending->execution;
  self->post(
      [raw = self.get(), id = pending->strand, attempt = pending->attempt, result = std::move(result),
       error = std::move(error)]() mutable { raw->call_returned(id, attempt, std::move(result), std::move(error)); });
}

void Execution::call_returned(uint64_t strand, uint64_t attempt, std::optional<Value> result,
                              std::optional<Error> error) {
  Live* live = over_ ? nullptr : find(strand);
  if (!live || live->s.attempt != attempt || live->s.phase != Phase::call) return;
  const Integration in = integration_of(state_of(*live));
  if (error && error->code() == "States.Runtime") return fail_in_state(*live, *error);
  if (error) return task_failed_with(*live, {error->code(), error->message()}, in.pattern != Pattern::answer);
  if (in.pattern == Pattern::answer) return task_done(*live, *std::move(result));
  add_event(live->s.last_event, "TaskSubmitted", "taskSubmittedEventDetails", output_details(in, to_json(*result)));
  if (in.pattern == Pattern::token) {
    live->s.phase = Phase::token;
  } else {
    live->s.phase = Phase::job;
    live->s.started = *std::move(result);
    poll_job(*live, first_poll_ms);
  }
  touch(*live);
}

void Execution::task_done(Live& live, Value result) {
  const Integration in = integration_of(state_of(live));
  const std::string text = to_json(result);
  if (text.size() > limits::max_state_data_size_bytes) {
    const std::string& what = in.kind == Kind::function ? in.resource : in.resource_type;
    return task_failed_with(
        live, {"States.DataLimitExceeded", "The state/task '" + what +
                                               "' returned a result with a size exceeding the maximum number of bytes "
                                               "service limit."});
  }
  const EventNames names = names_of(in);
  add_event(live.s.last_event, names.prefix + "Succeeded", names.details("Succeeded").c_str(),
            output_details(in, text));
  finish(live, std::move(result));
}

void Execution::task_failed_with(Live& live, Failure failure, bool submitting) {
  const Integration in = integration_of(state_of(live));
  const EventNames names = names_of(in);
  const char* what = submitting && in.kind != Kind::function ? "SubmitFailed" : "Failed";
  add_event(live.s.last_event, names.prefix + what, names.details(what).c_str(), failure_details(in, failure));
  fail_state(live, std::move(failure));
}

// ---- jobs ----

void Execution::poll_job(Live& live, int delay_ms) {
  const uint64_t id = live.s.id, attempt = live.s.attempt;
  const Integration in = integration_of(state_of(live));
  after_commit([this, id, attempt, delay_ms, in, arguments = live.s.arguments, started = live.s.started] {
    const Time when = SystemClock().now() + std::chrono::milliseconds(delay_ms);
    platform_.polls.at(when, [weak = weak_from_this(), id, attempt, delay_ms, in, arguments, started] {
      auto self = weak.lock();
      if (!self) return;
      self->platform_.calls->run([self, id, attempt, delay_ms, in, arguments, started] {
        std::optional<Value> status;
        std::optional<Error> error;
        try {
          const JobCall ask = job_status_call(in, arguments, started);
          ServiceCall call(self->platform_.operations,
                           self->platform_.principal_of(self->record_.role_arn, self->record_.name),
                           self->record_.region, self->platform_.clock.now(), self->platform_.random.uuid());
          status = call.run_plain(ask.operation, ask.input);
        } catch (const Error& e) {
          error = e;
        }
        self->post([raw = self.get(), id, attempt, delay_ms, status = std::move(status), error = std::move(error)] {
          raw->job_told(id, attempt, status, error, delay_ms);
        });
      });
    });
  });
}

void Execution::job_told(uint64_t strand, uint64_t attempt, std::optional<Value> status, std::optional<Error> error,
                         int delay_ms) {
  Live* live = over_ ? nullptr : find(strand);
  if (!live || live->s.attempt != attempt || live->s.phase != Phase::job) return;
  const Integration in = integration_of(state_of(*live));
  try {
    if (error) {
      if (error->kind() == ErrorKind::bug || error->kind() == ErrorKind::limit)
        return poll_job(*live, max_poll_ms);  // it may be told the next time
      throw call_failure(in, *error, "");
    }
    auto result = job_result(in, *status);
    if (!result) return poll_job(*live, std::min(std::max(delay_ms, first_poll_ms) * 3 / 2, max_poll_ms));
    task_done(*live, *std::move(result));
  } catch (const Error& e) {
    task_failed_with(*live, {e.code(), e.message()});
  }
}

// Nobody waits for it any more: it is asked to stop, whatever comes of that.
void Execution::stop_job(const Live& live) {
  after_commit([this, in = integration_of(state_of(live)), arguments = live.s.arguments, started = live.s.started] {
    platform_.calls->run([self = shared_from_this(), in, arguments, started] {
      try {
        const JobCall stop = job_stop_call(in, arguments, started);
        ServiceCall call(self->platform_.operations,
                         self->platform_.principal_of(self->record_.role_arn, self->record_.name), self->record_.region,
                         self->platform_.clock.now(), self->platform_.random.uuid());
        call.run_plain(stop.operation, stop.input);
      } catch (const Error&) {
      }
    });
  });
}

// ---- time limits ----

void Execution::task_timed_out(Live& live) {
  time_out_task(live, false);
}

void Execution::heartbeat_missed(Live& live) {
  if (live.s.heartbeat_due && *live.s.heartbeat_due > platform_.clock.now()) return;  // one came meanwhile
  time_out_task(live, true);
}

void Execution::time_out_task(Live& live, bool heartbeat) {
  if (live.s.phase == Phase::job) stop_job(live);
  if (live.s.phase == Phase::activity) platform_.activities.withdraw(record_.number, live.s.id);
  const Integration in = integration_of(state_of(live));
  const EventNames names = names_of(in);
  Failure failure{"States.Timeout", std::nullopt, heartbeat};
  add_event(live.s.last_event, names.prefix + "TimedOut", names.details("TimedOut").c_str(),
            failure_details(in, failure));
  fail_state(live, std::move(failure));
}

// ---- tokens and activities ----

void Execution::task_succeeded(uint64_t strand, std::string nonce, Value output, Answered done) {
  post([this, strand, nonce = std::move(nonce), output = std::move(output), done = std::move(done)]() mutable {
    Live* live = find_task(strand, nonce);
    if (live) task_done(*live, std::move(output));
    after_commit([done = std::move(done), taken = live != nullptr] { done(taken); });
  });
}

void Execution::task_failed(uint64_t strand, std::string nonce, Failure failure, Answered done) {
  post([this, strand, nonce = std::move(nonce), failure = std::move(failure), done = std::move(done)]() mutable {
    Live* live = find_task(strand, nonce);
    if (live) task_failed_with(*live, std::move(failure));
    after_commit([done = std::move(done), taken = live != nullptr] { done(taken); });
  });
}

void Execution::task_heartbeat(uint64_t strand, std::string nonce, Answered done) {
  post([this, strand, nonce = std::move(nonce), done = std::move(done)]() mutable {
    Live* live = find_task(strand, nonce);
    if (live && live->s.heartbeat_s) {
      live->s.heartbeat_due = platform_.clock.now() + std::chrono::seconds(live->s.heartbeat_s);
      touch(*live);
      wake_at(*live, *live->s.heartbeat_due, &Execution::heartbeat_missed);
    }
    after_commit([done = std::move(done), taken = live != nullptr] { done(taken); });
  });
}

void Execution::offer_activity(Live& live) {
  after_commit([this, arn = integration_of(state_of(live)).resource, id = live.s.id, nonce = live.s.nonce] {
    platform_.activities.offer(arn, {record_.number, id, nonce});
  });
}

void Execution::activity_taken(uint64_t strand, std::string nonce, std::string worker,
                               std::function<void(std::optional<std::string>)> done) {
  post([this, strand, nonce = std::move(nonce), worker = std::move(worker), done = std::move(done)]() mutable {
    Live* live = find_task(strand, nonce);
    std::optional<std::string> input;
    if (live && live->s.phase == Phase::activity && live->s.worker.empty()) {
      live->s.worker = worker.empty() ? "-" : worker;
      begin_limits(*live, limits_of(*live));
      set_deadlines(*live);
      touch(*live);
      Value details = Value::map();
      if (!worker.empty()) details.set("workerName", worker);
      add_event(live->s.last_event, "ActivityStarted", "activityStartedEventDetails", std::move(details));
      input = to_json(live->s.arguments);
    }
    after_commit([done = std::move(done), input = std::move(input)] { done(input); });
  });
}

}  // namespace tarn::states
