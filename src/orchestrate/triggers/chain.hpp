// What follows from one start. A trigger that is fired by hand, by its schedule or by events begins a chain; the jobs
// and crawlers that it starts belong to the chain, and so do those that conditional triggers start after them. In a
// workflow the chain is the workflow's run. A conditional trigger looks at the runs of one chain alone and fires once
// in it ("AWS Glue Developer Guide", AWS Glue triggers: a dependent job starts only where the job that it waits for was
// started by a trigger).
//
// Everything here works within a transaction, so that the end of a run, the firing that it brings about and the state
// of the chain are one change on disk: what is fired is neither lost nor fired twice, whenever tarn is killed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"
#include "catalog/catalog.hpp"
#include "meta/metadata.hpp"

namespace tarn::orchestrate {

namespace glue = api::glue;
using catalog::Scope;

// Kinds of the metadata store. `chain` keys: account, region, workflow (empty outside of workflows), chain id.
inline constexpr std::string_view trigger_kind = "glue.trigger";     // account, region, name: glue::Trigger
inline constexpr std::string_view workflow_kind = "glue.workflow";   // account, region, name: glue::Workflow
inline constexpr std::string_view chain_kind = "glue.workflow_run";  // Chain
inline constexpr std::string_view active_chain_kind = "glue.active_workflow_run";  // the chain's key while it runs
inline constexpr std::string_view action_kind =
    "glue.trigger_action";  // the chain's key, trigger, number: to be started
inline constexpr std::string_view started_kind = "glue.triggered_run";  // account, region, type, name, run: its chain
inline constexpr std::string_view due_kind = "glue.trigger_due";        // the trigger's key: when it fires
inline constexpr std::string_view events_kind = "glue.trigger_events";  // the trigger's key: events not yet used

inline constexpr std::string_view job_type = "JOB", crawler_type = "CRAWLER";

// One run of a job or crawler in a chain.
struct ActionRun {
  std::string type, name;  // JOB or CRAWLER, and which
  std::string id;          // of the job's first attempt, or of the crawl; empty until it is started
  std::string trigger;     // that started it
  std::string state;       // WAITING to be started, RUNNING, or how it ended; ERROR: it could not be started
  std::string message;     // why not
  std::optional<Time> started, ended;
  bool under_way() const { return state == "WAITING" || state == "RUNNING"; }
};

struct Chain {
  std::string id, workflow;
  glue::WorkflowRun run;                // of a workflow; without graph and statistics
  std::vector<glue::Trigger> triggers;  // the workflow's, as they were when it began
  std::vector<ActionRun> runs;          // in the order in which they were fired
  std::set<std::string> fired;          // names of triggers
  bool under_way() const;
  bool stopping() const { return run.status == glue::workflow_run_status::stopping; }
  // The last one of that job or crawler; null when there is none.
  const ActionRun* last_run(std::string_view type, std::string_view name) const;
};

std::string trigger_key(const Scope& scope, std::string_view name);
std::string workflow_key(const Scope& scope, std::string_view name);
std::string chain_key(const Scope& scope, const Chain& chain);
std::string started_key(const Scope& scope, const ActionRun& run);
std::optional<Chain> find_chain(meta::Reader& reader, const Scope& scope, std::string_view workflow,
                                std::string_view id);
Chain chain_from(const Value& v);
// Writes the chain. One that has nothing under way any more is ended first; outside of workflows it is forgotten then.
void put_chain(meta::Transaction& t, const Scope& scope, Chain& chain, Time now);

// The triggers of a workflow (empty: those outside of workflows), in the order of their names.
std::vector<glue::Trigger> triggers_of(meta::Reader& reader, const Scope& scope, std::string_view workflow);
// The one that starts a workflow: neither it nor a schedule of its own depends on others. Null when there is none.
const glue::Trigger* start_trigger(const std::vector<glue::Trigger>& triggers);

// Adds what the trigger starts to the chain and to what is to be started.
void fire(meta::Transaction& t, const Scope& scope, Chain& chain, const glue::Trigger& trigger);
// Fires each conditional trigger whose conditions have come to hold, then writes the chain.
void advance(meta::Transaction& t, const Scope& scope, Chain& chain, Time now);
// A run of a job or crawler has ended: SUCCEEDED, FAILED, STOPPED, TIMEOUT, CANCELLED. Nothing happens when no trigger
// started it.
void record_end(meta::Transaction& t, const Scope& scope, std::string_view type, std::string_view name,
                std::string_view run_id, std::string_view state, Time now);

// What the listeners of jobs and crawlers call within the transaction that ends a run.
void record_job_run(meta::Transaction& t, const Scope& scope, const glue::JobRun& run, bool retried);
void record_crawl(meta::Transaction& t, const Scope& scope, const std::string& crawler, const std::string& crawl_id,
                  const std::string& state, Time now);

// Whether the predicate holds in the chain.
bool holds(const glue::Predicate& predicate, const Chain& chain);

}  // namespace tarn::orchestrate
