// States entered, worked off and left; what fails is retried or caught.
#include <cmath>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/choice.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {
namespace {

Value not_truncated() {
  return Value::map({{"truncated", false}});
}

std::string too_large(const std::string& state) {
  return "The state/task '" + state +
         "' returned a result with a size exceeding the maximum number of bytes service limit.";
}

}  // namespace

// The context object, as this strand's state sees it.
Value Execution::context_of(const Live& live) const {
  const ExecutionRecord& r = record_;
  const std::string machine_name = r.machine_arn.substr(r.machine_arn.rfind(':') + 1);
  Value execution = Value::map({{"Id", r.arn},
                                {"Input", input_},
                                {"Name", r.name},
                                {"RoleArn", r.role_arn},
                                {"StartTime", format_iso8601(r.started)},
                                {"RedriveCount", r.redrives}});
  if (r.redriven) execution.set("RedriveTime", format_iso8601(*r.redriven));
  Value out = Value::map({{"Execution", std::move(execution)},
                          {"State", Value::map({{"EnteredTime", format_iso8601(live.s.entered)},
                                                {"Name", live.s.state},
                                                {"RetryCount", live.s.retries}})},
                          {"StateMachine", Value::map({{"Id", r.machine_arn}, {"Name", machine_name}})}});
  if (!live.s.nonce.empty()) out.set("Task", Value::map({{"Token", token_of(live)}}));
  // The nearest Map around it tells the item.
  for (const Live* at = &live; at->s.parent;) {
    const auto parent = strands_.find(at->s.parent);
    if (parent == strands_.end()) break;
    const Children* c = parent->second.children.get();
    if (c && c->items.is_list() && at->s.index < static_cast<int64_t>(c->items.as_list().size())) {
      const Value& item = c->items.as_list()[static_cast<std::size_t>(at->s.index)];
      out.set("Map", Value::map({{"Item", Value::map({{"Index", at->s.index}, {"Value", item}})}}));
      break;
    }
    at = &parent->second;
  }
  return out;
}

void Execution::enter(Live& live) {
  const State* state = nullptr;
  try {
    state = &state_of(live);
  } catch (const Error& e) {
    return strand_failed(live, {e.code(), e.message()});
  }
  if (standing_.last_event >= platform_.max_history_events) {
    const Failure failure{"States.Runtime", "The execution reached the maximum number of history events (" +
                                                std::to_string(platform_.max_history_events) + ")."};
    live.s.phase = Strand::Phase::ended;
    return end("FAILED", &failure, nullptr);
  }
  live.s.entered = platform_.clock.now();
  live.s.attempts.clear();
  live.s.retries = 0;
  ++live.s.attempt;
  Value details = Value::map({{"name", live.s.state}, {"input", to_json(live.s.input)}});
  details.set("inputDetails", not_truncated());
  live.s.entered_event = add_event(live.s.last_event, state->json.at("Type").as_string() + "StateEntered",
                                   "stateEnteredEventDetails", std::move(details));
  touch(live);
  run(live);
}

void Execution::run(Live& live) {
  try {
    switch (state_of(live).type) {
      case StateType::task:
        return run_task(live);
      case StateType::pass:
        return run_pass(live);
      case StateType::choice:
        return run_choice(live);
      case StateType::wait:
        return run_wait(live);
      case StateType::succeed:
        return finish(live, with_situation(live, [](const Situation& s) { return json_path_language().arguments(s); }));
      case StateType::fail:
        return run_fail(live);
      case StateType::parallel:
        return run_parallel(live);
      case StateType::map:
        return run_map(live);
    }
  } catch (const Error& e) {
    fail_in_state(live, e);
  }
}

void Execution::run_pass(Live& live) {
  Value result = with_situation(live, [](const Situation& s) {
    Value in = json_path_language().arguments(s);
    const Value* given = s.state.find("Result");
    return given ? *given : in;
  });
  finish(live, std::move(result));
}

void Execution::run_choice(Live& live) {
  const auto next = with_situation(live, [](const Situation& s) { return json_path_language().choose(s); });
  if (!next)
    throw Error(ErrorKind::caller, "States.NoChoiceMatched",
                "Failed to transition out of the state. The state does not point to a next state.");
  leave(live,
        with_situation(
            live, [](const Situation& s) { return json_path_language().output(s, json_path_language().arguments(s)); }),
        next);
}

void Execution::run_wait(Live& live) {
  Time due = live.s.entered;
  with_situation(live, [&](const Situation& s) {
    if (const auto seconds = json_path_language().field(s, "Seconds")) {
      if (!seconds->is_number() || seconds->as_double() < 0 || seconds->as_double() > 99'999'999)
        throw Error(ErrorKind::caller, "States.Runtime",
                    "The SecondsPath parameter does not reference a positive integer: " + to_json(*seconds));
      due += std::chrono::milliseconds(std::llround(seconds->as_double() * 1000));
      return;
    }
    const auto timestamp = json_path_language().field(s, "Timestamp");
    const auto time = timestamp && timestamp->is_string() ? parse_timestamp(timestamp->as_string()) : std::nullopt;
    if (!time)
      throw Error(ErrorKind::caller, "States.Runtime",
                  "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
                  "string: " +
                      (timestamp ? to_json(*timestamp) : std::string("nothing")));
    due = *time;
  });
  if (due <= platform_.clock.now()) return wait_over(live);
  live.s.phase = Strand::Phase::wait;
  live.s.due = due;
  touch(live);
  wake_at(live, due, &Execution::wait_over);
}

void Execution::wait_over(Live& live) {
  try {
    finish(live, with_situation(live, [](const Situation& s) { return json_path_language().arguments(s); }));
  } catch (const Error& e) {
    fail_in_state(live, e);
  }
}

void Execution::run_fail(Live& live) {
  Failure failure;
  with_situation(live, [&](const Situation& s) {
    auto text = [&](const char* name) -> std::optional<std::string> {
      const auto v = json_path_language().field(s, name);
      if (!v) return std::nullopt;
      if (v->is_string()) return v->as_string();
      throw Error(ErrorKind::caller, "States.Runtime",
                  std::string(name) + "Path must name a string, not " + to_json(*v));
    };
    failure = {text("Error").value_or(""), text("Cause")};
  });
  strand_failed(live, failure);
}

// ---- leaving ----

void Execution::finish(Live& live, Value result) {
  std::optional<Value> output;
  try {
    output =
        with_situation(live, [&](const Situation& s) { return json_path_language().output(s, std::move(result)); });
  } catch (const Error& e) {
    return fail_in_state(live, e);
  }
  const Value* next = state_of(live).json.find("Next");
  leave(live, *output, next ? std::optional(next->as_string()) : std::nullopt);
}

void Execution::leave(Live& live, const Value& output, const std::optional<std::string>& next) {
  const std::string text = to_json(output);
  if (text.size() > limits::max_state_data_size_bytes) {
    const std::string name = live.s.state;
    return fail_state(live, {"States.DataLimitExceeded", too_large(name)});
  }
  stop_timers(live);
  Value details = Value::map({{"name", live.s.state}, {"output", text}});
  details.set("outputDetails", not_truncated());
  add_event(live.s.last_event, state_of(live).json.at("Type").as_string() + "StateExited", "stateExitedEventDetails",
            std::move(details));
  Strand& s = live.s;
  ++s.attempt;
  s.due = s.timeout_due = s.heartbeat_due = std::nullopt;
  s.heartbeat_s = 0;
  s.nonce.clear();
  s.worker.clear();
  s.arguments = s.started = Value();
  s.phase = Strand::Phase::enter;
  if (!next) return strand_done(live, output);
  s.state = *next;
  s.input = output;
  touch(live);
  to_enter_.push_back(s.id);
}

void Execution::strand_done(Live& live, const Value& output) {
  const uint64_t parent = live.s.parent;
  const int64_t index = live.s.index, last_event = live.s.last_event;
  if (!parent) {
    const std::string text = to_json(output);
    return end("SUCCEEDED", nullptr, &text);
  }
  const Value result = output;  // the strand goes, and what it holds
  remove_strand(live.s.id);
  child_done(parent, index, result, last_event);
}

// ---- failing ----

void Execution::fail_in_state(Live& live, const Error& e) {
  const std::string code = e.code().starts_with("States.") ? e.code() : "States.Runtime";
  fail_state(live,
             {code, "An error occurred while executing the state '" + live.s.state + "' (entered at the event id #" +
                        std::to_string(live.s.entered_event) + "). " + e.message()});
}

void Execution::fail_state(Live& live, Failure failure) {
  stop_timers(live);
  ++live.s.attempt;
  live.s.nonce.clear();
  live.s.worker.clear();
  live.s.started = Value();
  touch(live);
  try {
    if (retry(live, failure) || handle(live, failure)) return;
  } catch (const Error& e) {
    failure = {"States.Runtime", e.message()};
  }
  strand_failed(live, failure);
}

namespace {

bool matches(const Value& rule, const Failure& failure) {
  if (failure.error == "States.Runtime") return false;  // never retried, never caught
  for (const Value& name : rule.at("ErrorEquals").as_list()) {
    const std::string& n = name.as_string();
    if (n == failure.error) return true;
    if (n == "States.HeartbeatTimeout" && failure.heartbeat) return true;
    if (n == "States.ALL" || (n == "States.TaskFailed" && failure.error != "States.Timeout")) return true;
  }
  return false;
}

}  // namespace

bool Execution::retry(Live& live, const Failure& failure) {
  const Value* retriers = state_of(live).json.find("Retry");
  if (!retriers) return false;
  live.s.attempts.resize(retriers->as_list().size());
  for (std::size_t i = 0; i < retriers->as_list().size(); i++) {
    const Value& r = retriers->as_list()[i];
    if (!matches(r, failure)) continue;
    int64_t& made = live.s.attempts[i];
    if (made >= r.int_or("MaxAttempts", 3)) return false;
    const Value* rate = r.find("BackoffRate");
    double delay_s = static_cast<double>(r.int_or("IntervalSeconds", 1)) *
                     std::pow(rate ? rate->as_double() : 2.0, static_cast<double>(made));
    delay_s = std::min(delay_s, static_cast<double>(r.int_or("MaxDelaySeconds", 31'622'400)));
    if (r.string_or("JitterStrategy") == "FULL")
      delay_s *= static_cast<double>(platform_.random.next() >> 11) / static_cast<double>(uint64_t{1} << 53);
    ++made;
    ++live.s.retries;
    live.s.phase = Strand::Phase::backoff;
    live.s.due = platform_.clock.now() + std::chrono::milliseconds(std::llround(delay_s * 1000));
    wake_at(live, *live.s.due, &Execution::backoff_over);
    return true;
  }
  return false;
}

void Execution::backoff_over(Live& live) {
  ++live.s.attempt;
  live.s.due.reset();
  touch(live);
  run(live);
}

bool Execution::handle(Live& live, const Failure& failure) {
  const Value* catchers = state_of(live).json.find("Catch");
  if (!catchers) return false;
  for (const Value& c : catchers->as_list()) {
    if (!matches(c, failure)) continue;
    Value error = Value::map({{"Error", failure.error}});
    if (failure.cause) error.set("Cause", *failure.cause);
    const Value output =
        with_situation(live, [&](const Situation& s) { return json_path_language().caught(s, c, std::move(error)); });
    if (to_json(output).size() > limits::max_state_data_size_bytes)
      throw Error(ErrorKind::limit, "States.DataLimitExceeded", too_large(live.s.state));
    leave(live, output, c.at("Next").as_string());
    return true;
  }
  return false;
}

void Execution::strand_failed(Live& live, const Failure& failure) {
  const uint64_t parent = live.s.parent;
  const int64_t index = live.s.index, last_event = live.s.last_event;
  live.s.phase = Strand::Phase::ended;
  touch(live);
  if (!parent) return end("FAILED", &failure, nullptr);
  remove_strand(live.s.id);
  child_failed(parent, index, failure, last_event);
}

}  // namespace tarn::states
