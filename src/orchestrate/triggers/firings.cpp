#include "orchestrate/triggers/firings.hpp"

#include <algorithm>

#include "base/cron.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::size_t max_workflow_runs_kept = 1000;  // of each workflow
constexpr std::string_view waiting = "WAITING", running = "RUNNING", failed_to_start = "ERROR";

struct ActionPlace {
  Scope scope;
  std::string workflow, chain, trigger;
};

ActionPlace place_of(const std::string& key) {
  auto parts = meta::key_parts(key);
  return {{parts.at(0), parts.at(1), "tarn"}, parts.at(2), parts.at(3), parts.at(4)};
}

int64_t to_ms(Time t) {
  return t.time_since_epoch().count();
}
Time from_ms(int64_t ms) {
  return Time(std::chrono::milliseconds(ms));
}

// AWS tells of a workflow's runs for 90 days; beyond this many it is the newest that are kept.
void forget_old_runs(meta::Transaction& t, const Scope& scope, const std::string& workflow) {
  auto keys = t.keys(chain_kind, meta::prefix({scope.account, scope.region, workflow}));
  for (std::size_t i = max_workflow_runs_kept; i < keys.size(); ++i)
    if (!t.get(active_chain_kind, keys[i])) t.erase(chain_kind, keys[i]);
}

Chain new_chain(const std::string& id, const std::string& workflow, Time now) {
  Chain chain;
  chain.id = id;
  chain.workflow = workflow;
  chain.run.started_on = now;
  chain.run.status = glue::workflow_run_status::running;
  return chain;
}

glue::Workflow need_workflow(meta::Reader& reader, const Scope& scope, const std::string& name) {
  auto record = reader.get(workflow_kind, workflow_key(scope, name));
  if (!record) throw Error(ErrorKind::missing, "EntityNotFoundException", "Workflow " + name + " not found.");
  return api::from<glue::Workflow>(*record);
}

void fill_run(Chain& chain, const glue::Workflow& workflow, const Beginning& beginning) {
  chain.run.name = workflow.name;
  chain.run.workflow_run_id = chain.id;
  auto properties = workflow.default_run_properties.value_or(std::map<std::string, std::string>{});
  for (const auto& [name, value] : beginning.properties) properties[name] = value;
  chain.run.workflow_run_properties = std::move(properties);
  chain.run.starting_event_batch_condition = beginning.events;
}

}  // namespace

void Firings::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wake();
  thread_.join();
}

void Firings::start() {
  for (const std::string& key : metadata_.keys(active_chain_kind, {})) {
    auto parts = meta::key_parts(key);
    Scope scope{parts.at(0), parts.at(1), "tarn"};
    auto chain = find_chain(metadata_, scope, parts.at(2), parts.at(3));
    if (chain && chain->stopping()) stop_runs(scope, *chain);
  }
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Firings::wake() {
  std::lock_guard lock(mutex_);
  waiting_.request_stop();
}

void Firings::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::stop_token wait;
    {
      std::lock_guard lock(mutex_);
      waiting_ = {};
      wait = waiting_.get_token();
    }
    std::optional<Time> next;
    try {
      std::lock_guard work(working_);
      next = look();
      start_all();
    } catch (const std::exception& e) {
      log(LogLevel::error, "triggers can't be fired", Value::map({{"why", e.what()}}));
      next = clock_.now() + std::chrono::seconds(1);
    }
    clock_.wait_until(next.value_or(clock_.now() + std::chrono::hours(24)), wait);
  }
}

// ---- what is to be started ----

void Firings::start_all() {
  for (const meta::Record& record : metadata_.list(action_kind, {})) start_action(record);
}

void Firings::start_action(const meta::Record& record) {
  ActionPlace place = place_of(record.key);
  Value action = record.value;
  auto work = api::from<glue::Action>(action.at("Action"));
  std::string fresh = jobs_.new_run_id();
  // A crawl's id has the form of a UUID.
  if (!work.job_name)
    fresh = fresh.substr(3, 8) + "-" + fresh.substr(11, 4) + "-" + fresh.substr(19, 4) + "-" + fresh.substr(23, 4) +
            "-" + fresh.substr(27, 12);
  if (!prepare(record.key, action, fresh)) return;
  auto chain = find_chain(metadata_, place.scope, place.workflow, place.chain);
  std::string failure;
  try {
    if (chain) start_run(place.scope, *chain, place.trigger, action);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;  // it is tried again
    failure = e.code() + ": " + e.message();
    log(LogLevel::warning, "what a trigger starts did not start",
        Value::map({{"trigger", place.trigger},
                    {"started", work.job_name.value_or(work.crawler_name.value_or(""))},
                    {"why", failure}}));
  }
  settle(record.key, action, failure);
}

bool Firings::prepare(const std::string& key, Value& action, const std::string& fresh_id) {
  if (action.find("RunId")) return true;
  ActionPlace place = place_of(key);
  bool prepared = false;
  metadata_.change_quietly([&](meta::Transaction& t) {
    auto chain = find_chain(t, place.scope, place.workflow, place.chain);
    if (!chain || !t.get(action_kind, key)) {  // deleted, or stopped
      t.erase(action_kind, key);
      return;
    }
    ActionRun& run = chain->runs.at(static_cast<std::size_t>(action.int_or("Place")));
    run.id = fresh_id;
    action.set("RunId", fresh_id);
    t.put(action_kind, key, action);
    t.put(started_kind, started_key(place.scope, run),
          Value::map({{"Workflow", place.workflow}, {"Chain", place.chain}}));
    put_chain(t, place.scope, *chain, clock_.now());
    prepared = true;
  });
  return prepared;
}

void Firings::start_run(const Scope& scope, const Chain& chain, const std::string& trigger, const Value& action) {
  auto work = api::from<glue::Action>(action.at("Action"));
  std::string id = action.string_or("RunId");
  if (!work.job_name) return crawlers_.start(scope, work.crawler_name.value_or(""), id);
  glue::StartJobRunRequest request;
  request.job_name = *work.job_name;
  request.arguments = work.arguments;
  request.timeout = work.timeout;
  request.security_configuration = work.security_configuration;
  request.notification_property = work.notification_property;
  if (!chain.workflow.empty()) {
    if (!request.arguments) request.arguments.emplace();
    (*request.arguments)["--WORKFLOW_NAME"] = chain.workflow;
    (*request.arguments)["--WORKFLOW_RUN_ID"] = chain.id;
  }
  compute::RunOrigin origin{id, trigger, {}};
  if (!action.at("Predecessors").as_list().empty())
    api::from_value(action.at("Predecessors"), origin.predecessors.emplace());
  jobs_.start_run(scope, request, origin);
}

void Firings::settle(const std::string& key, const Value& action, const std::string& failure) {
  ActionPlace place = place_of(key);
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.erase(action_kind, key);
    auto chain = find_chain(t, place.scope, place.workflow, place.chain);
    if (!chain) return;
    ActionRun& run = chain->runs.at(static_cast<std::size_t>(action.int_or("Place")));
    if (run.state != waiting) return;  // it has ended meanwhile
    run.started = clock_.now();
    run.state = running;
    if (!failure.empty()) {
      run.state = failed_to_start;
      run.message = failure;
      run.ended = run.started;
      t.erase(started_kind, started_key(place.scope, run));
      run.id.clear();
    }
    advance(t, place.scope, *chain, clock_.now());
  });
}

void Firings::stop_runs(const Scope& scope, const Chain& chain) {
  for (const ActionRun& run : chain.runs) {
    if (!run.under_way() || run.id.empty()) continue;
    try {
      if (run.type == job_type)
        jobs_.stop_run(scope, run.name, run.id);
      else
        crawlers_.stop(scope, run.name);
    } catch (const Error& e) {  // it has just ended, or stops already
      log(LogLevel::info, "a run of a stopped workflow did not stop",
          Value::map({{"run", run.id}, {"why", e.message()}}));
    }
  }
}

// ---- when ----

std::optional<Time> next_time(const glue::Trigger& trigger, Time after) {
  std::string why_not, expression = trigger.schedule.value_or("");
  ScheduleForms forms;
  forms.rate = forms.at = false;
  forms.five_fields = true;
  auto schedule = Schedule::parse(expression, forms, why_not);
  if (!schedule)
    throw Error(ErrorKind::caller, "InvalidInputException",
                "The schedule '" + expression + "' is invalid: " + why_not + ".");
  if (!why_not.empty())
    log(LogLevel::warning, "the schedule of a trigger is not AWS's form",
        Value::map({{"trigger", trigger.name.value_or("")}, {"schedule", expression}, {"why", why_not}}));
  return schedule->next_after(after);
}

void Firings::put_due(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger) const {
  if (trigger.type == glue::trigger_type::event) return;  // its time comes with its events
  std::string key = trigger_key(scope, *trigger.name);
  std::optional<Time> next;
  if (trigger.type == glue::trigger_type::scheduled && trigger.state == glue::trigger_state::activated)
    next = next_time(trigger, clock_.now());
  if (next)
    t.put(due_kind, key, Value::map({{"DueMs", to_ms(*next)}}));
  else
    t.erase(due_kind, key);
}

std::optional<Time> Firings::look() {
  Time now = clock_.now();
  for (const meta::Record& due : metadata_.list(due_kind, {}))
    if (from_ms(due.value.int_or("DueMs")) <= now) fire_due(due.key);
  std::optional<Time> soonest;
  for (const meta::Record& due : metadata_.list(due_kind, {})) {
    Time at = from_ms(due.value.int_or("DueMs"));
    if (!soonest || at < *soonest) soonest = at;
  }
  return soonest;
}

void Firings::fire_due(const std::string& key) {
  auto parts = meta::key_parts(key);
  Scope scope{parts.at(0), parts.at(1), "tarn"};
  std::string id = new_chain_id();
  metadata_.change("tarn", [&](meta::Transaction& t) {
    auto due = t.get(due_kind, key), record = t.get(trigger_kind, key);
    if (!due || from_ms(due->int_or("DueMs")) > clock_.now()) return;
    t.erase(due_kind, key);
    if (!record) return;
    auto trigger = api::from<glue::Trigger>(*record);
    if (trigger.type == glue::trigger_type::event)
      return begin_by_itself(t, scope, trigger, id, take_events(t, key, clock_.now()));
    put_due(t, scope, trigger);
    begin_by_itself(t, scope, trigger, id, {});
  });
}

// ---- beginnings ----

void Firings::begin(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger, const std::string& id,
                    const Beginning& beginning) const {
  Chain chain = new_chain(id, trigger.workflow_name.value_or(""), clock_.now());
  if (!chain.workflow.empty()) {
    glue::Workflow workflow = need_workflow(t, scope, chain.workflow);
    auto running_now = t.count(active_chain_kind, meta::prefix({scope.account, scope.region, chain.workflow}));
    if (workflow.max_concurrent_runs && static_cast<int64_t>(running_now) >= *workflow.max_concurrent_runs)
      throw Error(ErrorKind::limit, "ConcurrentRunsExceededException",
                  "Concurrent runs exceeded for workflow: " + chain.workflow);
    chain.triggers = triggers_of(t, scope, chain.workflow);
    fill_run(chain, workflow, beginning);
    forget_old_runs(t, scope, chain.workflow);
  }
  fire(t, scope, chain, trigger);
  put_chain(t, scope, chain, clock_.now());
}

void Firings::begin_by_itself(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger,
                              const std::string& id, const Beginning& beginning) const {
  try {
    begin(t, scope, trigger, id, beginning);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    log(LogLevel::warning, "a trigger did not fire",
        Value::map({{"trigger", trigger.name.value_or("")}, {"why", e.message()}}));
    if (e.code() != "ConcurrentRunsExceededException") return;
    Chain chain = new_chain(id, *trigger.workflow_name, clock_.now());
    fill_run(chain, need_workflow(t, scope, chain.workflow), beginning);
    chain.triggers = triggers_of(t, scope, chain.workflow);
    chain.run.status = glue::workflow_run_status::error;
    chain.run.error_message = e.message();
    chain.run.completed_on = clock_.now();
    put_chain(t, scope, chain, clock_.now());
  }
}

Beginning take_events(meta::Transaction& t, const std::string& key, Time now) {
  Beginning out;
  Value events = t.get(events_kind, key).value_or(Value::map());
  t.erase(events_kind, key);
  std::string ids;
  int64_t count = 0;
  if (const Value* list = events.find("Ids"))
    for (const Value& id : list->as_list()) {
      ids += (ids.empty() ? "" : ", ") + id.as_string();
      ++count;
    }
  out.properties["aws:eventIds"] = "[" + ids + "]";
  auto& batch = out.events.emplace();
  batch.batch_size = count;
  batch.batch_window = std::max<int64_t>(0, (to_ms(now) - events.int_or("FirstMs", to_ms(now))) / 1000);
  return out;
}

}  // namespace tarn::orchestrate
