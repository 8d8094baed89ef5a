#include "compute/jobs/execution.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "compute/jobs/rules.hpp"
#include "compute/jobs/run_records.hpp"
#include "meta/note_end.hpp"

namespace tarn::compute {
namespace {

namespace state = glue::job_run_state;

constexpr const char* result_file_name = "result.json";
constexpr const char* session_name = "GlueJobRunnerSession";  // as on AWS

struct Address {
  std::string bucket, key;
};

Address parse_address(const std::string& text) {
  std::size_t scheme = text.find("://");
  std::string_view name = std::string_view(text).substr(0, scheme == std::string::npos ? 0 : scheme);
  if (name != "s3" && name != "s3a" && name != "s3n")
    throw Error(ErrorKind::caller, "InvalidInputException",
                "LAUNCH ERROR | " + text + " is not an address on S3 (s3://bucket/key).");
  std::string rest = text.substr(scheme + 3);
  std::size_t slash = std::min(rest.find('/'), rest.size());
  return {rest.substr(0, slash), rest.substr(std::min(slash + 1, rest.size()))};
}

[[noreturn]] void download_failed(const Address& from, const std::string& what, const char* code) {
  throw Error(ErrorKind::missing, code,
              "LAUNCH ERROR | Error downloading from S3 for bucket: " + from.bucket + ", key: " + from.key + "." +
                  what + " (Service: Amazon S3; Status Code: 404; Error Code: " + code + ")");
}

std::string base_name(const std::string& address) {
  return address.substr(address.rfind('/') + 1);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Where packages that were installed for one run are kept for the next.
std::string cache_folder() {
  if (auto given = variable("TARN_CACHE"); !given.empty()) return given;
  if (auto given = variable("XDG_CACHE_HOME"); !given.empty()) return given + "/tarn";
  return variable("HOME") + "/.cache/tarn";
}

}  // namespace

RunExecution::RunExecution(Jobs& jobs, std::string key, Jobs::Live& live)
    : jobs_(jobs), key_(std::move(key)), live_(live), scope_(scope_of_run(key_)) {}

std::optional<std::string> RunExecution::execute() {
  auto& metadata = jobs_.platform_.metadata;
  auto record = metadata.get(run_kind, key_), active = metadata.get(active_kind, key_);
  if (!record || !active) return std::nullopt;
  run_ = api::from<glue::JobRun>(*record);
  job_ = api::from<glue::Job>(active->at("Job"));
  Ended end;
  try {
    if (!wait_for_turn()) {
      end = stopped();
      if (end.state != state::stopped)
        return std::nullopt;  // tarn ends, or the job was deleted: what is on disk stands
    } else {
      end = run();
    }
  } catch (const Error& e) {
    end = e.code() == "Stopped" ? stopped() : Ended{state::failed, e.message()};
  } catch (const std::exception& e) {
    end = {state::failed, std::string("Internal service error : ") + e.what()};
  }
  if (live_.running_since_ms > 0) end.ran = std::chrono::milliseconds(steady_ms() - live_.running_since_ms);
  std::optional<std::string> next;
  meta::note_end(
      "job run " + *run_.id, [&] { next = jobs_.settle(key_, end.state, end.message, end.ran); },
      [&] {
        std::lock_guard lock(jobs_.mutex_);
        return jobs_.closing_;
      });
  return next;
}

bool RunExecution::wait_for_turn() {
  auto active = jobs_.platform_.metadata.get(active_kind, key_);
  if (!active) return false;
  std::stop_token stop = live_.stop.get_token();
  {
    std::unique_lock lock(jobs_.mutex_);
    if (!jobs_.changed_.wait(lock, stop, [this] { return jobs_.started_; })) return false;
  }
  if (const Value* due = active->find("DueMs"))
    if (!jobs_.platform_.clock.wait_until(Time(std::chrono::milliseconds(due->as_int())), stop)) return false;
  if (!active->bool_or("Queued")) return !stop.stop_requested();
  for (;;) {
    uint64_t seen;
    {
      std::lock_guard lock(jobs_.mutex_);
      seen = jobs_.ended_runs_;
    }
    if (stop.stop_requested()) return false;
    if (claim_slot()) return true;
    std::unique_lock lock(jobs_.mutex_);
    if (!jobs_.changed_.wait(lock, stop, [&] { return jobs_.ended_runs_ != seen; })) return false;
  }
}

// Takes the place of a run that ended, where none is longer in the queue than this one.
bool RunExecution::claim_slot() {
  bool claimed = false;
  jobs_.platform_.metadata.change("tarn", [&](meta::Transaction& t) {
    int64_t busy = 0;
    std::string oldest;  // keys count down with time
    for (const meta::Record& r : t.list(active_kind, runs_prefix(scope_, *job_.name))) {
      if (!r.value.bool_or("Queued"))
        ++busy;
      else
        oldest = std::max(oldest, r.key);
    }
    auto active = t.get(active_kind, key_);
    int64_t most = job_.execution_property ? job_.execution_property->max_concurrent_runs.value_or(1) : 1;
    if (!active || busy >= most || oldest != key_) return;
    active->set("Queued", false);
    t.put(active_kind, key_, *active);
    claimed = true;
  });
  return claimed;
}

void RunExecution::set_state(const char* to) {
  jobs_.platform_.metadata.change("tarn", [&](meta::Transaction& t) {
    auto stored = t.get(run_kind, key_);
    if (!stored) throw Error(ErrorKind::caller, "Stopped", "the job was deleted");
    auto present = api::from<glue::JobRun>(*stored);
    if (present.job_run_state == state::stopping) throw Error(ErrorKind::caller, "Stopped", "stopped");
    present.job_run_state = to;
    present.state_detail.reset();
    present.last_modified_on = jobs_.platform_.clock.now();
    t.put(run_kind, key_, to_value(present));
    jobs_.record(t, key_, present);
    run_ = present;
  });
  jobs_.tell(key_, run_);
}

RunExecution::Ended RunExecution::run() {
  set_state(state::starting);
  RunPlan plan = plan_run(job_, run_, job_id());
  std::string group = log_group_of(job_);
  meta::LogScope log_scope{scope_.account, scope_.region};
  meta::LogWriter out = jobs_.platform_.logs.writer(log_scope, group + "/output", *run_.id);
  meta::LogWriter err = jobs_.platform_.logs.writer(log_scope, group + "/error", *run_.id);
  WorkFolder folder(jobs_.work_folder_of(*run_.id));
  try {
    return run_in(folder.path(), plan, out, err);
  } catch (const Error& e) {
    if (e.code() != "Stopped") err.write(e.message());
    throw;
  }
}

RunExecution::Ended RunExecution::run_in(const std::string& folder, const RunPlan& plan, meta::LogWriter& out,
                                         meta::LogWriter& err) {
  for (const std::string& note : plan.notes) err.write(note);
  std::stop_token stop = live_.stop.get_token();
  std::string python = jobs_.runtime_.python(plan.engine, stop, [&](std::string_view line) { err.write(line); });
  Command what = command(folder, plan, python);

  bool bookmarks = plan.bookmark_option != "job-bookmark-disable";
  std::string before;
  if (bookmarks) {
    auto record = jobs_.platform_.metadata.get(bookmark_kind, job_key(scope_, *run_.job_name));
    if (record) before = api::from<glue::JobBookmarkEntry>(*record).job_bookmark.value_or("");
    if (before == "{}") before.clear();
    if (!before.empty()) std::ofstream(folder + "/" + bookmark_file_name, std::ios::binary) << before;
  }

  set_state(state::running);
  live_.running_since_ms = steady_ms();
  ProcessLimits limits{.timeout = *run_.timeout * jobs_.options_.minute,
                       .grace = jobs_.options_.grace,
                       .memory_bytes = memory_limit_bytes(),
                       .max_processes = limits::max_job_processes};
  Outcome outcome = run_process(
      what, limits,
      [&](Stream stream, std::span<const std::string_view> lines) {
        (stream == Stream::output ? out : err).write(lines);
      },
      stop, live_.kill.get_token());

  if (plan.bookmark_option == "job-bookmark-enable") {
    std::string after = read_text(folder + "/" + bookmark_file_name);
    if (!after.empty() && after != before) jobs_.store_bookmark(scope_, run_, after);
  }
  return ended(outcome, folder);
}

Command RunExecution::command(const std::string& folder, const RunPlan& plan, const std::string& python) {
  std::filesystem::create_directories(folder + "/tmp");
  std::string script = folder + "/" + base_name(plan.script);
  fetch(plan.script, script);
  std::vector<std::string> modules;
  for (const std::string& address : plan.py_files) {
    std::string place = folder + "/modules/" + std::to_string(modules.size());
    std::filesystem::create_directories(place);
    modules.push_back(place + "/" + base_name(address));
    fetch(address, modules.back());
  }
  for (const std::string& address : plan.files) fetch(address, folder + "/" + base_name(address));

  Command out{python,
              {"-m", "tarn_job", "--kind", is_python_shell(job_) ? "pythonshell" : "glueetl", "--engine", plan.engine,
               "--script", script},
              {},
              folder};
  if (!modules.empty()) out.arguments.insert(out.arguments.end(), {"--extra-py-files", joined(modules)});
  if (!plan.python_modules.empty())
    out.arguments.insert(out.arguments.end(), {"--python-modules", plan.python_modules});
  out.arguments.push_back("--");
  out.arguments.insert(out.arguments.end(), plan.script_arguments.begin(), plan.script_arguments.end());
  out.environment = environment(folder, python);
  if (plan.bookmark_option != "job-bookmark-disable")
    out.environment.push_back("TARN_BOOKMARK_FILE=" + folder + "/" + bookmark_file_name);
  return out;
}

std::vector<std::string> RunExecution::environment(const std::string& folder, const std::string& python) const {
  // The keys live as long as the run may, and an hour.
  auto keys = jobs_.platform_.identities.assume_role(role_arn(), session_name, *run_.timeout * 60 + 3600);
  std::vector<std::string> out = {
      "PATH=" + std::filesystem::path(python).parent_path().string() + ":/usr/local/bin:/usr/bin:/bin",
      "HOME=" + folder,
      "TMPDIR=" + folder + "/tmp",
      "LANG=C.UTF-8",
      "TZ=UTC",
      "PYTHONPATH=" + jobs_.runtime_.modules_folder(),
      "AWS_ENDPOINT_URL=" + jobs_.endpoint_,
      "AWS_ACCESS_KEY_ID=" + keys.access_key_id,
      "AWS_SECRET_ACCESS_KEY=" + keys.secret_access_key,
      "AWS_SESSION_TOKEN=" + keys.session_token,
      "AWS_REGION=" + scope_.region,
      "AWS_DEFAULT_REGION=" + scope_.region,
      "TARN_JOB_RESULT=" + folder + "/" + result_file_name,
      "TARN_CACHE=" + cache_folder(),
      "NO_PROXY=127.0.0.1,localhost," + variable("NO_PROXY"),
      "no_proxy=127.0.0.1,localhost," + variable("no_proxy")};
  // How this machine reaches package indexes, and where its Java and Spark are.
  for (const char* name :
       {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT",
        "PIP_CONFIG_FILE", "PIP_FIND_LINKS", "PIP_DEFAULT_TIMEOUT", "SSL_CERT_FILE", "JAVA_HOME", "SPARK_HOME",
        "TARN_SPARK_JARS", "TARN_SPARK_MASTER", "TARN_SPARK_MEMORY"})
    if (auto value = variable(name); !value.empty()) out.push_back(std::string(name) + "=" + value);
  return out;
}

void RunExecution::fetch(const std::string& address, const std::string& into) {
  Address from = parse_address(address);
  auto& platform = jobs_.platform_;
  auto principal = platform.identities.role_session(role_arn(), session_name);
  std::unique_ptr<store::ObjectReader> object;
  try {
    object = platform.store.open(platform.authority.objects(principal, store::Access::read, from.bucket, from.key),
                                 from.bucket, from.key);
  } catch (const Error& e) {
    if (e.code() == "NoSuchBucket") download_failed(from, "The specified bucket does not exist", "NoSuchBucket");
    throw;
  }
  if (!object) download_failed(from, "The specified key does not exist.", "NoSuchKey");
  if (object->info().size_bytes > limits::max_job_file_size_bytes)
    throw Error(
        ErrorKind::limit, "InvalidInputException",
        "LAUNCH ERROR | " + address + " is larger than " + std::to_string(limits::max_job_file_size_bytes) + " bytes.");
  std::ofstream file(into, std::ios::binary);
  std::string buffer(1 << 20, '\0');
  while (std::size_t n = object->read(buffer.data(), buffer.size()))
    file.write(buffer.data(), static_cast<std::streamsize>(n));
  file.close();
  if (!file)
    throw Error(ErrorKind::bug, "InternalFailure",
                "LAUNCH ERROR | " + address + " could not be written to " + into + ": " + std::strerror(errno));
}

std::string RunExecution::job_id() const {
  std::string created = job_.created_on ? format_iso8601(*job_.created_on) : "";
  return "j_" + hex_encode(digest(DigestKind::sha256,
                                  scope_.account + "/" + scope_.region + "/" + *run_.job_name + "/" + created));
}

// A job may name its role by ARN or by name.
std::string RunExecution::role_arn() const {
  const std::string& role = *job_.role;
  return role.starts_with("arn:") ? role : "arn:aws:iam::" + scope_.account + ":role/" + role;
}

uint64_t RunExecution::memory_limit_bytes() const {
  if (jobs_.options_.memory_bytes) return jobs_.options_.memory_bytes;
  uint64_t machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  return std::min(worker_memory_bytes(run_, is_python_shell(job_)), machine / 4 * 3);
}

// By its user where the run is STOPPING, by the end of tarn else.
RunExecution::Ended RunExecution::stopped() const {
  auto record = jobs_.platform_.metadata.get(run_kind, key_);
  if (record && record->string_or("JobRunState") == state::stopping) return {state::stopped, ""};
  return {state::failed, interrupted_message};
}

RunExecution::Ended RunExecution::ended(const Outcome& outcome, const std::string& folder) const {
  auto failed = [](const std::string& message) { return Ended{state::failed, message}; };
  switch (outcome.ending) {
    case Ending::stopped:
      return stopped();
    case Ending::timed_out:
      return {state::timeout, "Timed out"};
    case Ending::not_started:
      return failed(std::string("The Python of jobs did not start: ") + std::strerror(outcome.start_errno));
    case Ending::out_of_memory:
      return failed("Command failed with exit code 137. Out of memory: the run used more than " +
                    std::to_string(memory_limit_bytes() >> 20) +
                    " MiB. Give it more workers, a larger worker type or more capacity.");
    case Ending::too_many_processes:
      return failed("Command failed with exit code 137. The run had more than " +
                    std::to_string(limits::max_job_processes) + " processes.");
    case Ending::signalled:
      return failed("Command failed with exit code " + std::to_string(128 + outcome.signal));
    case Ending::exited:
      break;
  }
  std::string text = read_text(folder + "/" + result_file_name);
  if (!text.empty()) {
    try {
      Value result = parse_json(text);
      if (result.string_or("state") == "FAILED") return failed(result.string_or("error_message"));
    } catch (const Error& e) {
      log(LogLevel::warning, "a job's result could not be read",
          Value::map({{"run", *run_.id}, {"error", e.message()}}));
    }
  }
  if (outcome.exit_status != 0) return failed("Command failed with exit code " + std::to_string(outcome.exit_status));
  return {state::succeeded, ""};
}

}  // namespace tarn::compute
