// Glue jobs: definitions, runs, bookmarks ("AWS Glue Web API Reference", Jobs API). The records are AWS's own shapes.
//
// A run is a process tree of its own (process.hpp) that executes the job's script with the job role's own keys, in a
// folder that is removed afterwards. Every change of a run's state is on disk before it shows; a run that was under way
// when tarn ended is FAILED at the next start, and retried as its job says. Bookmarks survive likewise.
//
// Thread-safe. Errors: Error with Glue's codes (EntityNotFoundException, InvalidInputException,
// IdempotentParameterMismatchException, ConcurrentRunsExceededException, ResourceNumberLimitExceededException); what
// tarn does not run is (unsupported, NotImplemented).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "catalog/catalog.hpp"
#include "compute/jobs/runtime.hpp"
#include "govern/authority.hpp"
#include "govern/identities.hpp"
#include "meta/logs.hpp"
#include "meta/metadata.hpp"
#include "store/store.hpp"

namespace tarn::compute {

namespace glue = api::glue;
using catalog::Scope;

struct JobOptions {
  std::string work_folder;         // runs have their folders in it; all that is in it belongs to tarn
  std::string job_runtime_folder;  // holds python/ (tarn_job, awsglue) and tools/setup-jobs
  std::string python;  // the interpreter; empty: $TARN_JOB_PYTHON, or the one that tools/setup-jobs makes at first use
  uint64_t memory_bytes = 0;  // of one run; 0: what its workers have on AWS, at most three quarters of this machine's
  std::chrono::milliseconds minute{60'000};       // of a run's Timeout; tests have less time
  std::chrono::milliseconds retry_delay{30'000};  // by the Clock
  std::chrono::milliseconds grace{5'000};         // between SIGTERM and SIGKILL
};

// The platform that runs stand on; all outlive the Jobs.
struct JobPlatform {
  meta::Metadata& metadata;
  meta::LogStore& logs;
  store::Store& store;
  const govern::Authority& authority;
  govern::Identities& identities;
  Clock& clock;
  Random& random;
};

// What else is told of a run that something other than its user starts.
struct RunOrigin {
  std::string run_id;  // of new_run_id(); a run that is there under it is not started twice
  std::optional<std::string> trigger_name;
  std::optional<std::vector<glue::Predecessor>> predecessors;
};

// Who wants to know how runs go on. Both are called at every change of a run's state, in the order of the changes.
struct RunListener {
  // Within the transaction that records the state, so that what must follow from it is recorded with it or not at all.
  // It must not call the Metadata itself. `retried`: the run FAILED, and its next attempt is recorded as well.
  std::function<void(meta::Transaction&, const Scope&, const glue::JobRun&, bool retried)> record;
  // Once that is on disk, on the run's thread; not called for what the next start finds and mends after a crash in
  // between. It must not throw.
  std::function<void(const Scope&, const glue::JobRun&)> tell;
};

class Jobs {
 public:
  Jobs(JobPlatform platform, JobOptions options);
  // Stops all runs; they count as interrupted.
  ~Jobs();
  Jobs(const Jobs&) = delete;

  // Either function may be empty. Add before start().
  void add_listener(RunListener listener) { listeners_.push_back(std::move(listener)); }
  // From here on runs are executed; those started before wait for it. `endpoint` is where they reach tarn
  // ("http://127.0.0.1:4566"). Runs that an earlier tarn left in the middle become FAILED; those that waited go on
  // waiting.
  void start(std::string endpoint);
  // Kills all runs, and returns when none is left; until the lock goes, whoever starts one waits. For a reset of the
  // whole program: the records go with the metadata store's own reset().
  [[nodiscard]] std::unique_lock<std::mutex> hold();

  // ---- definitions ----
  // The same request again succeeds; another one under the same name is an IdempotentParameterMismatchException.
  void create(const Scope& scope, const glue::CreateJobRequest& request);
  // What `update` leaves out is gone afterwards, as on AWS.
  void update(const Scope& scope, std::string_view name, const glue::JobUpdate& update);
  std::optional<glue::Job> find(const Scope& scope, std::string_view name) const;
  glue::Job job(const Scope& scope, std::string_view name) const;
  // In the order of their names; with tags only those that carry all of them.
  catalog::Page<glue::Job> list(const Scope& scope, const catalog::PageRequest& page,
                                const std::map<std::string, std::string>& tags = {}) const;
  // With its runs and bookmark; a run under way is stopped. One that is not there is no error.
  void remove(const Scope& scope, std::string_view name);

  // ---- runs ----
  // Returns the run's id at once.
  std::string start_run(const Scope& scope, const glue::StartJobRunRequest& request,
                        const std::optional<RunOrigin>& origin = {});
  // An id that no run has: later ones sort before earlier ones.
  std::string new_run_id();
  glue::JobRun run(const Scope& scope, std::string_view job, std::string_view run_id) const;
  // Newest first.
  catalog::Page<glue::JobRun> runs(const Scope& scope, std::string_view job, const catalog::PageRequest& page) const;
  // Asks the run to stop: STOPPING, soon STOPPED. One that ended throws JobRunInvalidStateTransitionException.
  void stop_run(const Scope& scope, std::string_view job, std::string_view run_id);

  // ---- bookmarks ----
  // Of the run where one is named, else the present one. EntityNotFoundException when there is none.
  glue::JobBookmarkEntry bookmark(const Scope& scope, std::string_view job,
                                  const std::optional<std::string>& run_id) const;
  // Empty again, or what it was at the end of that run.
  glue::JobBookmarkEntry reset_bookmark(const Scope& scope, std::string_view job,
                                        const std::optional<std::string>& run_id);

 private:
  friend class RunExecution;
  // A run that this process executes or waits with.
  struct Live {
    std::stop_source stop;                      // as the user asks
    std::stop_source kill;                      // without a grace
    std::atomic<int64_t> running_since_ms = 0;  // of the machine's steady time; 0: its process does not run yet
  };
  // What starting, retrying and recovering a run put into the metadata store.
  void put_new_run(meta::Transaction& t, const std::string& key, const glue::JobRun& run, const glue::Job& job,
                   bool queued, std::optional<Time> due) const;
  void recover();
  void record(meta::Transaction& t, const std::string& key, const glue::JobRun& run, bool retried = false) const;
  void tell(const std::string& key, const glue::JobRun& run) const;
  void launch(const std::string& key);
  void store_bookmark(const Scope& scope, const glue::JobRun& run, const std::string& state);
  // Writes how a run ended and, where its job says so, its next attempt; returns that attempt's key.
  std::optional<std::string> settle(const std::string& key, const std::string& state, const std::string& message,
                                    std::chrono::milliseconds ran);
  std::string work_folder_of(const std::string& run_id) const { return options_.work_folder + "/" + run_id; }
  void stop_all(bool at_once);

  JobPlatform platform_;
  JobOptions options_;
  std::vector<RunListener> listeners_;
  PythonRuntime runtime_;
  std::string endpoint_;

  std::mutex starting_;       // held while a run is recorded and launched, and by hold()
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Live>> live_;  // by the run's key
  uint64_t ended_runs_ = 0;                            // goes up when a run ends: those that queue look again
  bool closing_ = false, started_ = false;
  int64_t last_id_us_ = 0;
};

}  // namespace tarn::compute
