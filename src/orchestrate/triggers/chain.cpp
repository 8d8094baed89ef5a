#include "orchestrate/triggers/chain.hpp"

#include <algorithm>

#include "compute/jobs/run_records.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::string_view waiting = "WAITING";

Value to_value(const ActionRun& run) {
  Value v = Value::map({{"Type", run.type}, {"Name", run.name}, {"Trigger", run.trigger}, {"State", run.state}});
  if (!run.id.empty()) v.set("Id", run.id);
  if (!run.message.empty()) v.set("Message", run.message);
  if (run.started) v.set("StartedOn", *run.started);
  if (run.ended) v.set("CompletedOn", *run.ended);
  return v;
}

ActionRun action_run_from(const Value& v) {
  ActionRun run{v.string_or("Type"),
                v.string_or("Name"),
                v.string_or("Id"),
                v.string_or("Trigger"),
                v.string_or("State"),
                v.string_or("Message"),
                {},
                {}};
  api::read_member(v, "StartedOn", run.started);
  api::read_member(v, "CompletedOn", run.ended);
  return run;
}

Value to_value(const Chain& chain) {
  Value runs = Value::list(), fired = Value::list();
  for (const ActionRun& run : chain.runs) runs.push_back(to_value(run));
  for (const std::string& name : chain.fired) fired.push_back(name);
  return Value::map({{"Id", chain.id},
                     {"Workflow", chain.workflow},
                     {"Run", api::glue::to_value(chain.run)},
                     {"Triggers", api::to_value(chain.triggers)},
                     {"Runs", std::move(runs)},
                     {"Fired", std::move(fired)}});
}

bool is_active(const glue::Trigger& trigger) {
  return trigger.type == glue::trigger_type::conditional && trigger.state == glue::trigger_state::activated &&
         trigger.predicate;
}

// The conditional triggers that may fire in the chain: as they are now, not as they were when it began.
std::vector<glue::Trigger> conditional_triggers(meta::Reader& reader, const Scope& scope, const Chain& chain) {
  std::vector<glue::Trigger> out;
  if (chain.workflow.empty()) {
    for (glue::Trigger& trigger : triggers_of(reader, scope, {}))
      if (is_active(trigger)) out.push_back(std::move(trigger));
    return out;
  }
  for (const glue::Trigger& then : chain.triggers) {
    if (then.type != glue::trigger_type::conditional) continue;
    auto now = reader.get(trigger_kind, trigger_key(scope, *then.name));
    if (!now) continue;
    auto trigger = api::from<glue::Trigger>(*now);
    if (is_active(trigger) && trigger.workflow_name == chain.workflow) out.push_back(std::move(trigger));
  }
  return out;
}

void end_chain(meta::Transaction& t, const std::string& key, Chain& chain, Time now) {
  t.erase(active_chain_kind, key);
  if (chain.run.completed_on) return;
  chain.run.status = chain.stopping() ? glue::workflow_run_status::stopped : glue::workflow_run_status::completed;
  chain.run.completed_on = now;
}

}  // namespace

bool Chain::under_way() const {
  return std::any_of(runs.begin(), runs.end(), [](const ActionRun& r) { return r.under_way(); });
}

const ActionRun* Chain::last_run(std::string_view type, std::string_view name) const {
  auto found =
      std::find_if(runs.rbegin(), runs.rend(), [&](const ActionRun& r) { return r.type == type && r.name == name; });
  return found == runs.rend() ? nullptr : &*found;
}

std::string trigger_key(const Scope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}
std::string workflow_key(const Scope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}
std::string chain_key(const Scope& scope, const Chain& chain) {
  return meta::key({scope.account, scope.region, chain.workflow, chain.id});
}
std::string started_key(const Scope& scope, const ActionRun& run) {
  return meta::key({scope.account, scope.region, run.type, run.name, run.id});
}

Chain chain_from(const Value& v) {
  Chain chain;
  chain.id = v.string_or("Id");
  chain.workflow = v.string_or("Workflow");
  chain.run = api::from<glue::WorkflowRun>(v.at("Run"));
  api::from_value(v.at("Triggers"), chain.triggers);
  for (const Value& run : v.at("Runs").as_list()) chain.runs.push_back(action_run_from(run));
  for (const Value& name : v.at("Fired").as_list()) chain.fired.insert(name.as_string());
  return chain;
}

std::optional<Chain> find_chain(meta::Reader& reader, const Scope& scope, std::string_view workflow,
                                std::string_view id) {
  auto record = reader.get(chain_kind, meta::key({scope.account, scope.region, workflow, id}));
  return record ? std::optional(chain_from(*record)) : std::nullopt;
}

void put_chain(meta::Transaction& t, const Scope& scope, Chain& chain, Time now) {
  std::string key = chain_key(scope, chain);
  if (chain.under_way()) {
    t.put(active_chain_kind, key, Value::map());
  } else {
    end_chain(t, key, chain, now);
    if (chain.workflow.empty()) {
      t.erase(chain_kind, key);
      return;
    }
  }
  t.put(chain_kind, key, to_value(chain));
}

std::vector<glue::Trigger> triggers_of(meta::Reader& reader, const Scope& scope, std::string_view workflow) {
  std::vector<glue::Trigger> out;
  for (const meta::Record& r : reader.list(trigger_kind, meta::prefix({scope.account, scope.region})))
    if (r.value.string_or("WorkflowName") == workflow) out.push_back(api::from<glue::Trigger>(r.value));
  return out;
}

const glue::Trigger* start_trigger(const std::vector<glue::Trigger>& triggers) {
  auto found = std::find_if(triggers.begin(), triggers.end(),
                            [](const glue::Trigger& t) { return t.type != glue::trigger_type::conditional; });
  return found == triggers.end() ? nullptr : &*found;
}

void fire(meta::Transaction& t, const Scope& scope, Chain& chain, const glue::Trigger& trigger) {
  chain.fired.insert(*trigger.name);
  Value predecessors = Value::list();
  for (const glue::Condition& c :
       trigger.predicate.value_or(glue::Predicate{}).conditions.value_or(std::vector<glue::Condition>{}))
    if (const ActionRun* run = c.job_name ? chain.last_run(job_type, *c.job_name) : nullptr; run && !run->id.empty())
      predecessors.push_back(Value::map({{"JobName", run->name}, {"RunId", run->id}}));
  const std::vector<glue::Action> actions = trigger.actions.value_or(std::vector<glue::Action>{});
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const glue::Action& action = actions[i];
    ActionRun run;
    run.type = action.job_name ? job_type : crawler_type;
    run.name = action.job_name ? *action.job_name : action.crawler_name.value_or("");
    run.trigger = *trigger.name;
    run.state = waiting;
    Value record = Value::map({{"Action", api::glue::to_value(action)},
                               {"Predecessors", predecessors},
                               {"Place", static_cast<int64_t>(chain.runs.size())}});
    chain.runs.push_back(std::move(run));
    std::string number = std::to_string(1000 + i);
    t.put(action_kind, meta::key({scope.account, scope.region, chain.workflow, chain.id, *trigger.name, number}),
          record);
  }
}

bool holds(const glue::Predicate& predicate, const Chain& chain) {
  auto satisfied = [&](const glue::Condition& c) {
    const ActionRun* run =
        c.job_name ? chain.last_run(job_type, *c.job_name) : chain.last_run(crawler_type, c.crawler_name.value_or(""));
    return run && !run->under_way() && run->state == (c.job_name ? c.state : c.crawl_state).value_or("");
  };
  const std::vector<glue::Condition> conditions = predicate.conditions.value_or(std::vector<glue::Condition>{});
  if (conditions.empty()) return false;
  return predicate.logical == glue::logical::any ? std::any_of(conditions.begin(), conditions.end(), satisfied)
                                                 : std::all_of(conditions.begin(), conditions.end(), satisfied);
}

void advance(meta::Transaction& t, const Scope& scope, Chain& chain, Time now) {
  if (!chain.stopping())
    for (const glue::Trigger& trigger : conditional_triggers(t, scope, chain))
      if (!chain.fired.contains(*trigger.name) && holds(*trigger.predicate, chain)) fire(t, scope, chain, trigger);
  put_chain(t, scope, chain, now);
}

void record_end(meta::Transaction& t, const Scope& scope, std::string_view type, std::string_view name,
                std::string_view run_id, std::string_view state, Time now) {
  std::string key = meta::key({scope.account, scope.region, type, name, run_id});
  auto started = t.get(started_kind, key);
  if (!started) return;
  t.erase(started_kind, key);
  auto chain = find_chain(t, scope, started->string_or("Workflow"), started->string_or("Chain"));
  if (!chain) return;
  for (ActionRun& run : chain->runs)
    if (run.type == type && run.id == run_id) {
      run.state = state;
      run.ended = now;
    }
  advance(t, scope, *chain, now);
}

void record_job_run(meta::Transaction& t, const Scope& scope, const glue::JobRun& run, bool retried) {
  if (!run.completed_on || retried) return;
  record_end(t, scope, job_type, *run.job_name, compute::parse_run_id(*run.id).base, *run.job_run_state,
             *run.completed_on);
}

void record_crawl(meta::Transaction& t, const Scope& scope, const std::string& crawler, const std::string& crawl_id,
                  const std::string& state, Time now) {
  const char* told = state == "COMPLETED" ? "SUCCEEDED" : state == "STOPPED" ? "CANCELLED" : "FAILED";
  record_end(t, scope, crawler_type, crawler, crawl_id, told, now);
}

}  // namespace tarn::orchestrate
