// Starts the jobs and crawlers that triggers have fired, and fires triggers at their times. What is to be started is on
// disk before (chain.hpp) and gets its run's id before it is started, so that a start after kill -9 goes on where it
// was and starts nothing twice.
//
// Thread-safe. Owns a thread, from start() on.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "catalog/crawl/crawlers.hpp"
#include "compute/jobs/jobs.hpp"
#include "orchestrate/triggers/chain.hpp"

namespace tarn::orchestrate {

// How a chain begins, beside its trigger.
struct Beginning {
  std::map<std::string, std::string> properties;  // of a workflow's run, over its defaults
  std::optional<glue::StartingEventBatchCondition> events;
};

class Firings {
 public:
  // All must live from start() to stop().
  Firings(meta::Metadata& metadata, Clock& clock, compute::Jobs& jobs, catalog::Crawlers& crawlers)
      : metadata_(metadata), clock_(clock), jobs_(jobs), crawlers_(crawlers) {}
  ~Firings() { stop(); }
  Firings(const Firings&) = delete;

  // Takes up what an earlier tarn left. After Jobs::start().
  void start();
  // Nothing is started any more; what is fired meanwhile stays on disk.
  void stop();
  // What has been fired, or when something fires, has changed.
  void wake();
  // Until the lock goes nothing is started. For a reset of the whole program.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(working_); }

  // An id for a chain: later ones sort before earlier ones.
  std::string new_chain_id() { return "wr_" + jobs_.new_run_id().substr(3); }
  // Begins a chain by this trigger, of its workflow where it has one; wake() must follow. A workflow that has as many
  // runs as it may throws Error (limit, ConcurrentRunsExceededException).
  void begin(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger, const std::string& id,
             const Beginning& beginning) const;
  // The same where nobody waits for an answer: a workflow that has too many runs gets one that says so, in state ERROR.
  void begin_by_itself(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger, const std::string& id,
                       const Beginning& beginning) const;
  // Stops what runs in the chain.
  void stop_runs(const Scope& scope, const Chain& chain);

  // Sets (or removes) the time at which an active trigger fires by its schedule.
  void put_due(meta::Transaction& t, const Scope& scope, const glue::Trigger& trigger) const;

 private:
  void run(std::stop_token stop);
  void start_all();
  void start_action(const meta::Record& record);
  // Gives the action its run's id. False when there is nothing to start any more.
  bool prepare(const std::string& key, Value& action, const std::string& fresh_id);
  void start_run(const Scope& scope, const Chain& chain, const std::string& trigger, const Value& action);
  void settle(const std::string& key, const Value& action, const std::string& failure);
  // Fires what is due; returns when to look next.
  std::optional<Time> look();
  void fire_due(const std::string& key);

  meta::Metadata& metadata_;
  Clock& clock_;
  compute::Jobs& jobs_;
  catalog::Crawlers& crawlers_;
  std::mutex working_;  // held while the thread starts or fires
  std::mutex mutex_;    // guards what follows
  std::stop_source waiting_;
  std::jthread thread_;
};

// A workflow's EVENT trigger fires by these events; those are used up.
Beginning take_events(meta::Transaction& t, const std::string& trigger_key, Time now);

// The schedule's next time after `after`; absent when there is none. InvalidInputException when it is no schedule; a
// warning goes to the program's log.
std::optional<Time> next_time(const glue::Trigger& trigger, Time after);

}  // namespace tarn::orchestrate
