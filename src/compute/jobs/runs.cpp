#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "catalog/records.hpp"
#include "compute/jobs/arguments.hpp"
#include "compute/jobs/execution.hpp"
#include "compute/jobs/jobs.hpp"
#include "compute/jobs/rules.hpp"
#include "compute/jobs/run_records.hpp"

namespace tarn::compute {
namespace {

namespace state = glue::job_run_state;

bool has_ended(const glue::JobRun& run) {
  const std::string& s = *run.job_run_state;
  return s != state::starting && s != state::running && s != state::stopping && s != state::waiting;
}

int64_t max_concurrent_runs(const glue::Job& job) {
  return job.execution_property ? job.execution_property->max_concurrent_runs.value_or(1) : 1;
}

// The attempts of one run, newest first.
std::vector<glue::JobRun> attempts_of(meta::Reader& reader, const Scope& scope, std::string_view job,
                                      const std::string& base) {
  std::vector<glue::JobRun> out;
  for (const meta::Record& r : reader.list(run_kind, meta::prefix({scope.account, scope.region, job, base})))
    out.push_back(api::from<glue::JobRun>(r.value));
  return out;
}

// The id of a run that repeats `previous`: the next attempt of the same.
RunId next_attempt(meta::Reader& reader, const Scope& scope, std::string_view job, const std::string& previous) {
  RunId id = parse_run_id(previous);
  auto attempts = attempts_of(reader, scope, job, id.base);
  if (attempts.empty()) no_run(previous);
  if (!has_ended(attempts.front()))
    throw Error(ErrorKind::caller, "InvalidInputException",
                "Job run " + previous + " has not ended: it can't be repeated yet.");
  return {id.base, static_cast<int>(attempts.front().attempt.value_or(0)) + 1};
}

// The hexadecimal digits that begin the ids of runs of this instant: fewer with time, so that the newest sort first.
std::string countdown(int64_t at_us) {
  uint64_t left = UINT64_MAX - static_cast<uint64_t>(at_us);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(left >> shift);
  return hex_encode(bytes);
}

int64_t to_us(Time t) {
  return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
}

// AWS tells of runs for 90 days.
void forget_old_runs(meta::Transaction& t, const Scope& scope, const std::string& job, Time now) {
  std::string oldest_kept = "jr_" + countdown(to_us(now - std::chrono::days(limits::job_run_history_days)));
  for (const std::string& key : t.keys(run_kind, runs_prefix(scope, job), run_key(scope, job, {oldest_kept, 0}), 100))
    if (!t.get(active_kind, key)) t.erase(run_kind, key);
}

// Whether another run of the job may begin now. Runs that queue or wait for their retry do not count.
bool has_free_slot(meta::Reader& reader, const Scope& scope, const glue::Job& job) {
  int64_t busy = 0;
  for (const meta::Record& r : reader.list(active_kind, runs_prefix(scope, *job.name)))
    if (!r.value.bool_or("Queued")) ++busy;
  return busy < max_concurrent_runs(job);
}

}  // namespace

Jobs::Jobs(JobPlatform platform, JobOptions options)
    : platform_(platform), options_(std::move(options)), runtime_(options_.job_runtime_folder, options_.python) {}

Jobs::~Jobs() {
  stop_all(false);
}

void Jobs::start(std::string endpoint) {
  endpoint_ = std::move(endpoint);
  recover();
  std::lock_guard lock(mutex_);
  started_ = true;
  changed_.notify_all();
}

std::unique_lock<std::mutex> Jobs::hold() {
  std::unique_lock held(starting_);
  stop_all(true);
  std::lock_guard lock(mutex_);
  closing_ = false;
  return held;
}

void Jobs::stop_all(bool at_once) {
  std::unique_lock lock(mutex_);
  closing_ = true;
  for (auto& [key, live] : live_) {
    if (at_once) live->kill.request_stop();
    live->stop.request_stop();
  }
  changed_.notify_all();
  changed_.wait(lock, [this] { return live_.empty(); });
}

std::string Jobs::new_run_id() {
  std::lock_guard lock(mutex_);
  last_id_us_ = std::max(last_id_us_ + 1, to_us(platform_.clock.now()));
  return "jr_" + countdown(last_id_us_) + platform_.random.hex(48);
}

void Jobs::put_new_run(meta::Transaction& t, const std::string& key, const glue::JobRun& run, const glue::Job& job,
                       bool queued, std::optional<Time> due) const {
  Value active = Value::map({{"Job", to_value(job)}, {"Queued", queued}});
  if (due) active.set("DueMs", due->time_since_epoch().count());
  t.put(run_kind, key, to_value(run));
  t.put(active_kind, key, active);
}

std::string Jobs::start_run(const Scope& scope, const glue::StartJobRunRequest& request,
                            const std::optional<RunOrigin>& origin) {
  glue::JobRun run;
  run.job_name = request.job_name;
  if (origin) run.trigger_name = origin->trigger_name;
  if (origin) run.predecessor_runs = origin->predecessors;
  run.arguments = request.arguments;
  run.started_on = run.last_modified_on = platform_.clock.now();
  std::string fresh_id = origin ? origin->run_id : new_run_id(), key;
  std::lock_guard starting(starting_);
  if (origin && platform_.metadata.get(run_kind, run_key(scope, request.job_name, {fresh_id, 0}))) return fresh_id;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto definition = t.get(job_kind, job_key(scope, request.job_name));
    if (!definition)
      throw Error(ErrorKind::missing, "EntityNotFoundException", "Failed to start job run due to missing metadata");
    auto job = api::from<glue::Job>(*definition);
    check_run(job, request);
    RunId id{fresh_id, 0};
    if (request.job_run_id) id = next_attempt(t, scope, request.job_name, *request.job_run_id);
    run.id = id.text();
    run.attempt = id.attempt;
    run.previous_run_id = request.job_run_id;
    apply_run_settings(job, request, run);
    bool queued = !has_free_slot(t, scope, job);
    if (queued && !run.job_run_queuing_enabled.value_or(false))
      throw Error(ErrorKind::limit, "ConcurrentRunsExceededException",
                  "Concurrent runs exceeded for " + request.job_name);
    if (t.count(active_kind, {}) >= limits::max_concurrent_job_runs)
      throw Error(
          ErrorKind::limit, "ResourceNumberLimitExceededException",
          "tarn runs " + std::to_string(limits::max_concurrent_job_runs) + " job runs at once. Wait for one to end.");
    run.job_run_state = queued ? state::waiting : state::starting;
    if (queued) run.state_detail = "The job has as many runs under way as its Max Concurrent Runs allows.";
    key = run_key(scope, request.job_name, id);
    forget_old_runs(t, scope, request.job_name, platform_.clock.now());
    put_new_run(t, key, run, job, queued, std::nullopt);
    record(t, key, run);
  });
  tell(key, run);
  launch(key);
  return *run.id;
}

glue::JobRun Jobs::run(const Scope& scope, std::string_view job, std::string_view run_id) const {
  std::string key = run_key(scope, job, parse_run_id(run_id));
  auto record = platform_.metadata.get(run_kind, key);
  if (!record) no_run(run_id);
  auto run = api::from<glue::JobRun>(*record);
  std::lock_guard lock(mutex_);
  auto live = live_.find(key);
  if (live != live_.end() && live->second->running_since_ms > 0 && !has_ended(run))
    run.execution_time = (steady_ms() - live->second->running_since_ms) / 1000;
  return run;
}

catalog::Page<glue::JobRun> Jobs::runs(const Scope& scope, std::string_view job,
                                       const catalog::PageRequest& page) const {
  this->job(scope, job);
  return catalog::page_of_records<glue::JobRun>(platform_.metadata, run_kind, runs_prefix(scope, job), page);
}

void Jobs::stop_run(const Scope& scope, std::string_view job, std::string_view run_id) {
  std::string key = run_key(scope, job, parse_run_id(run_id));
  glue::JobRun run;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto present = t.get(run_kind, key);
    if (!present) no_run(run_id);
    run = api::from<glue::JobRun>(*present);
    if (has_ended(run))
      throw Error(ErrorKind::conflict, "JobRunInvalidStateTransitionException",
                  "Job run " + std::string(run_id) + " is " + *run.job_run_state + ": it can't be stopped.");
    run.job_run_state = state::stopping;
    run.last_modified_on = platform_.clock.now();
    t.put(run_kind, key, to_value(run));
    record(t, key, run);
  });
  tell(key, run);
  std::lock_guard lock(mutex_);
  auto live = live_.find(key);
  if (live == live_.end()) return;
  live->second->stop.request_stop();
}

std::optional<std::string> Jobs::settle(const std::string& key, const std::string& end_state,
                                        const std::string& message, std::chrono::milliseconds ran) {
  std::optional<std::string> next;
  std::optional<glue::JobRun> settled;
  platform_.metadata.change("tarn", [&](meta::Transaction& t) {
    auto present = t.get(run_kind, key);
    auto active = t.get(active_kind, key);
    if (!present || !active) return;  // the job was deleted meanwhile
    auto run = api::from<glue::JobRun>(*present);
    auto job = api::from<glue::Job>(active->at("Job"));
    Time now = platform_.clock.now();
    run.job_run_state = end_state;
    run.completed_on = run.last_modified_on = now;
    run.execution_time = std::chrono::round<std::chrono::seconds>(ran).count();
    run.state_detail.reset();
    if (!message.empty()) run.error_message = message;
    bool scaled = job.default_arguments && job.default_arguments->contains("--enable-auto-scaling");
    if (run.execution_class == "FLEX" || scaled)
      run.dpu_seconds = static_cast<double>(*run.execution_time) * run.max_capacity.value_or(0);
    t.put(run_kind, key, to_value(run));
    t.erase(active_kind, key);
    settled = run;

    RunId id = parse_run_id(*run.id);
    bool retried = end_state == state::failed && id.attempt < job.max_retries.value_or(0);
    record(t, key, run, retried);
    if (!retried) return;
    glue::JobRun again = run;
    again.completed_on.reset();
    again.execution_time.reset();
    again.error_message.reset();
    again.dpu_seconds.reset();
    again.previous_run_id = run.id;
    again.attempt = ++id.attempt;
    again.id = id.text();
    again.started_on = again.last_modified_on = now;
    again.job_run_state = state::waiting;
    again.state_detail = "Waiting to retry.";
    next = run_key(scope_of_run(key), job_of_run(key), id);
    put_new_run(t, *next, again, job, false, now + options_.retry_delay);
  });
  if (settled) tell(key, *settled);
  return next;
}

void Jobs::store_bookmark(const Scope& scope, const glue::JobRun& run, const std::string& text) {
  platform_.metadata.change("tarn", [&](meta::Transaction& t) {
    if (!t.get(run_kind, run_key(scope, *run.job_name, parse_run_id(*run.id)))) return;
    auto present = t.get(bookmark_kind, job_key(scope, *run.job_name));
    auto before = present ? api::from<glue::JobBookmarkEntry>(*present) : glue::JobBookmarkEntry{};
    glue::JobBookmarkEntry entry;
    entry.job_name = run.job_name;
    entry.version = before.version.value_or(0) + 1;
    entry.run = before.run.value_or(0) + 1;
    entry.attempt = run.attempt;
    entry.previous_run_id = before.run_id;
    entry.run_id = run.id;
    entry.job_bookmark = text;
    t.put(bookmark_kind, job_key(scope, *run.job_name), to_value(entry));
    t.put(run_bookmark_kind, meta::key({scope.account, scope.region, *run.job_name, *run.id}), to_value(entry));
  });
}

void Jobs::record(meta::Transaction& t, const std::string& key, const glue::JobRun& run, bool retried) const {
  for (const RunListener& l : listeners_)
    if (l.record) l.record(t, scope_of_run(key), run, retried);
}

void Jobs::tell(const std::string& key, const glue::JobRun& run) const {
  for (const RunListener& l : listeners_)
    if (l.tell) l.tell(scope_of_run(key), run);
}

void Jobs::launch(const std::string& key) {
  std::lock_guard lock(mutex_);
  if (closing_) return;  // it is on disk: the next start takes it up
  auto live = std::make_shared<Live>();
  live_[key] = live;
  std::thread([this, key, live] {
    std::optional<std::string> next;
    try {
      next = RunExecution(*this, key, *live).execute();
    } catch (const std::exception& e) {
      log(LogLevel::error, "a job run could not be carried to its end",
          Value::map({{"run", key}, {"error", e.what()}}));
    }
    // The next attempt is launched before this one goes, so that whoever waits for none to be left waits for it too.
    if (next) launch(*next);
    std::lock_guard gone(mutex_);
    live_.erase(key);
    ++ended_runs_;
    changed_.notify_all();
  }).detach();
}

void Jobs::recover() {
  std::vector<std::string> resumed;
  for (const meta::Record& active : platform_.metadata.list(active_kind, {})) {
    {
      std::lock_guard lock(mutex_);
      if (live_.contains(active.key)) continue;  // of this tarn: it waits for start()
    }
    auto record = platform_.metadata.get(run_kind, active.key);
    if (!record) {
      platform_.metadata.change_quietly([&](meta::Transaction& t) { t.erase(active_kind, active.key); });
      continue;
    }
    auto run = api::from<glue::JobRun>(*record);
    if (run.job_run_state == state::waiting) {
      resumed.push_back(active.key);
      continue;
    }
    // A bookmark that the script had committed counts, though nobody was there to take it.
    std::ifstream file(work_folder_of(*run.id) + "/" + bookmark_file_name);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (plan_run(api::from<glue::Job>(active.value.at("Job")), run, "").bookmark_option == "job-bookmark-enable" &&
        !text.empty())
      store_bookmark(scope_of_run(active.key), run, text);
    bool stopping = run.job_run_state == state::stopping;
    auto next = settle(active.key, stopping ? state::stopped : state::failed, stopping ? "" : interrupted_message,
                       std::chrono::milliseconds(0));
    if (next) resumed.push_back(*next);
  }
  std::error_code ignored;
  std::filesystem::remove_all(options_.work_folder, ignored);
  for (const std::string& key : resumed) launch(key);
}

}  // namespace tarn::compute
