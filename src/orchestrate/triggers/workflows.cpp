#include "orchestrate/triggers/workflows.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "catalog/records.hpp"
#include "catalog/tags.hpp"
#include "orchestrate/triggers/graph.hpp"
#include "orchestrate/triggers/triggers.hpp"

namespace tarn::orchestrate {
namespace {

namespace status = glue::workflow_run_status;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidInputException", message);
}
[[noreturn]] void no_workflow(const std::string& name) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", "Workflow " + name + " not found.");
}
[[noreturn]] void illegal_state(const std::string& message) {
  throw Error(ErrorKind::conflict, "IllegalWorkflowStateException", message);
}

void check_max_runs(const std::optional<int64_t>& most) {
  if (most && *most < 1) invalid("MaxConcurrentRuns must be at least 1.");
}

// What is not begun yet never is.
void drop_waiting(meta::Transaction& t, const Scope& scope, Chain& chain, Time now) {
  t.erase_all(action_kind, chain_key(scope, chain) + '\0');
  for (ActionRun& run : chain.runs) {
    if (run.state != "WAITING") continue;
    if (!run.id.empty()) t.erase(started_kind, started_key(scope, run));
    run.state = run.type == job_type ? "STOPPED" : "CANCELLED";
    run.ended = now;
  }
}

// A run that could not be started stands in the graph as one in state ERROR, though Glue's lists of runs don't have it.
std::vector<glue::JobRun> job_runs(const compute::Jobs& jobs, const Scope& scope, const ActionRun& run) {
  std::vector<glue::JobRun> out;
  try {
    if (!run.id.empty())
      for (int attempt = 0;; ++attempt) {
        std::string id = attempt ? run.id + "_attempt_" + std::to_string(attempt) : run.id;
        out.push_back(jobs.run(scope, run.name, id));
      }
  } catch (const Error& e) {  // no further attempt
    if (e.code() != "EntityNotFoundException") throw;
  }
  if (!out.empty()) return out;
  auto& known = out.emplace_back();
  known.job_name = run.name;
  known.trigger_name = run.trigger;
  known.job_run_state = run.state;
  known.started_on = run.started;
  known.completed_on = run.ended;
  if (!run.id.empty()) known.id = run.id;
  if (!run.message.empty()) known.error_message = run.message;
  return out;
}

glue::Crawl crawl_of(const catalog::Crawlers& crawlers, const Scope& scope, const ActionRun& run) {
  glue::Crawl out;
  // What waits for its start is told as under way: a crawl has no word for it.
  out.state = run.state == "WAITING" ? "RUNNING" : run.state;
  out.started_on = run.started;
  out.completed_on = run.ended;
  if (!run.message.empty()) out.error_message = run.message;
  if (run.id.empty()) return out;
  glue::CrawlsFilter same;
  same.field_name = "CRAWL_ID";
  same.filter_operator = "EQ";
  same.field_value = run.id;
  try {
    auto found = crawlers.crawls(scope, run.name, {same}, {{}, 1});
    if (found.items.empty()) return out;
    const glue::CrawlerHistory& history = found.items.front();
    out.started_on = history.start_time;
    out.completed_on = history.end_time;
    out.error_message = history.error_message;
    out.log_group = history.log_group;
    out.log_stream = history.log_stream;
  } catch (const Error& e) {  // the crawler is gone
    if (e.code() != "EntityNotFoundException") throw;
  }
  return out;
}

}  // namespace

void Workflows::create(const Scope& scope, const glue::CreateWorkflowRequest& request) {
  check_max_runs(request.max_concurrent_runs);
  glue::Workflow workflow;
  workflow.name = request.name;
  workflow.description = request.description;
  workflow.default_run_properties = request.default_run_properties;
  workflow.max_concurrent_runs = request.max_concurrent_runs;
  workflow.created_on = workflow.last_modified_on = clock_.now();
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = workflow_key(scope, request.name);
    if (t.get(workflow_kind, key))
      throw Error(ErrorKind::conflict, "AlreadyExistsException",
                  "Workflow with name " + request.name + " already exists");
    t.put(workflow_kind, key, to_value(workflow));
    catalog::put_tags(t, catalog::resource_arn(scope, "workflow", request.name),
                      request.tags.value_or(catalog::TagMap{}));
  });
}

void Workflows::update(const Scope& scope, const glue::UpdateWorkflowRequest& request) {
  check_max_runs(request.max_concurrent_runs);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = workflow_key(scope, request.name);
    auto record = t.get(workflow_kind, key);
    if (!record) no_workflow(request.name);
    auto workflow = api::from<glue::Workflow>(*record);
    if (request.description) workflow.description = request.description;
    if (request.default_run_properties) workflow.default_run_properties = request.default_run_properties;
    if (request.max_concurrent_runs) workflow.max_concurrent_runs = request.max_concurrent_runs;
    workflow.last_modified_on = clock_.now();
    t.put(workflow_kind, key, to_value(workflow));
  });
}

void Workflows::remove(const Scope& scope, const std::string& name) {
  std::vector<Chain> ended;
  {
    auto still = firings_.hold();
    metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
      ended.clear();
      if (!t.erase(workflow_kind, workflow_key(scope, name))) return;
      catalog::erase_tags(t, catalog::resource_arn(scope, "workflow", name));
      std::string mine = meta::prefix({scope.account, scope.region, name});
      for (const std::string& key : t.keys(active_chain_kind, mine))
        if (auto record = t.get(chain_kind, key)) ended.push_back(chain_from(*record));
      for (std::string_view kind : {chain_kind, active_chain_kind, action_kind}) t.erase_all(kind, mine);
      for (const glue::Trigger& trigger : triggers_of(t, scope, name)) erase_trigger(t, scope, *trigger.name);
    });
  }
  for (const Chain& chain : ended) firings_.stop_runs(scope, chain);
}

std::optional<glue::Workflow> Workflows::find(const Scope& scope, const std::string& name, bool with_graph) const {
  auto record = metadata_.get(workflow_kind, workflow_key(scope, name));
  if (!record) return std::nullopt;
  auto workflow = api::from<glue::Workflow>(*record);
  auto newest = metadata_.list(chain_kind, meta::prefix({scope.account, scope.region, name}), {}, 1);
  if (!newest.empty()) workflow.last_run = describe(scope, chain_from(newest.front().value), with_graph);
  if (with_graph) workflow.graph = graph_of(scope, name, triggers_of(metadata_, scope, name));
  return workflow;
}

glue::Workflow Workflows::get(const Scope& scope, const std::string& name, bool with_graph) const {
  auto workflow = find(scope, name, with_graph);
  if (!workflow) no_workflow(name);
  return *workflow;
}

catalog::Page<std::string> Workflows::names(const Scope& scope, const catalog::PageRequest& request) const {
  auto page = catalog::page_of_records<glue::Workflow>(metadata_, workflow_kind,
                                                       meta::prefix({scope.account, scope.region}), request);
  catalog::Page<std::string> out;
  for (const glue::Workflow& workflow : page.items) out.items.push_back(*workflow.name);
  out.next = page.next;
  return out;
}

// ---- runs ----

glue::WorkflowRun Workflows::describe(const Scope& scope, const Chain& chain, bool with_graph) const {
  glue::WorkflowRun run = chain.run;
  run.statistics = statistics_of(scope, chain);
  if (!with_graph) return run;
  run.graph = graph_of(scope, chain.workflow, chain.triggers);
  for (glue::Node& node : *run.graph->nodes) {
    for (const ActionRun& action : chain.runs) {
      if (action.type != *node.type || action.name != *node.name) continue;
      if (action.type == crawler_type) {
        if (!node.crawler_details) node.crawler_details.emplace().crawls.emplace();
        node.crawler_details->crawls->push_back(crawl_of(crawlers_, scope, action));
        continue;
      }
      if (!node.job_details) node.job_details.emplace().job_runs.emplace();
      for (glue::JobRun& job_run : job_runs(jobs_, scope, action))
        node.job_details->job_runs->push_back(std::move(job_run));
    }
  }
  return run;
}

Chain Workflows::need_run(meta::Reader& reader, const Scope& scope, const std::string& name,
                          const std::string& run_id) const {
  if (!reader.get(workflow_kind, workflow_key(scope, name))) no_workflow(name);
  auto chain = find_chain(reader, scope, name, run_id);
  if (!chain)
    throw Error(ErrorKind::missing, "EntityNotFoundException",
                "Workflow run " + run_id + " of workflow " + name + " not found.");
  return *chain;
}

std::string Workflows::start_run(const Scope& scope, const glue::StartWorkflowRunRequest& request) {
  std::string id = firings_.new_chain_id();
  Beginning beginning;
  if (request.run_properties) beginning.properties = *request.run_properties;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (!t.get(workflow_kind, workflow_key(scope, request.name))) no_workflow(request.name);
    auto triggers = triggers_of(t, scope, request.name);
    const glue::Trigger* first = start_trigger(triggers);
    if (!first) invalid("Workflow " + request.name + " has no starting trigger.");
    firings_.begin(t, scope, *first, id, beginning);
  });
  firings_.wake();
  return id;
}

glue::WorkflowRun Workflows::run(const Scope& scope, const std::string& name, const std::string& run_id,
                                 bool with_graph) const {
  return describe(scope, need_run(metadata_, scope, name, run_id), with_graph);
}

catalog::Page<glue::WorkflowRun> Workflows::runs(const Scope& scope, const std::string& name, bool with_graph,
                                                 const catalog::PageRequest& request) const {
  if (!metadata_.get(workflow_kind, workflow_key(scope, name))) no_workflow(name);
  catalog::Page<glue::WorkflowRun> page;
  auto records = metadata_.list(chain_kind, meta::prefix({scope.account, scope.region, name}),
                                catalog::key_of_token(request.token), request.limit + 1);
  bool more = records.size() > request.limit;
  if (more) records.pop_back();
  for (const meta::Record& r : records) page.items.push_back(describe(scope, chain_from(r.value), with_graph));
  if (more) page.next = catalog::token_after(records.back().key);
  return page;
}

std::map<std::string, std::string> Workflows::properties(const Scope& scope, const std::string& name,
                                                         const std::string& run_id) const {
  return need_run(metadata_, scope, name, run_id)
      .run.workflow_run_properties.value_or(std::map<std::string, std::string>{});
}

void Workflows::put_properties(const Scope& scope, const glue::PutWorkflowRunPropertiesRequest& request) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    Chain chain = need_run(t, scope, request.name, request.run_id);
    auto& properties = chain.run.workflow_run_properties;
    if (!properties) properties.emplace();
    for (const auto& [name, value] : request.run_properties) (*properties)[name] = value;
    put_chain(t, scope, chain, clock_.now());
  });
}

void Workflows::stop_run(const Scope& scope, const std::string& name, const std::string& run_id) {
  Chain chain;
  {
    auto still = firings_.hold();  // nothing is between its record and its start
    metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
      chain = need_run(t, scope, name, run_id);
      if (chain.run.status != status::running)
        illegal_state("Workflow run " + run_id + " is " + chain.run.status.value_or("") + ": it can't be stopped.");
      chain.run.status = status::stopping;
      drop_waiting(t, scope, chain, clock_.now());
      put_chain(t, scope, chain, clock_.now());
    });
  }
  firings_.stop_runs(scope, chain);
}

std::string Workflows::resume_run(const Scope& scope, const std::string& name, const std::string& run_id,
                                  const std::vector<std::string>& node_ids) {
  if (node_ids.empty()) invalid("NodeIds must name at least one node.");
  std::string id = firings_.new_chain_id();
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    Chain before = need_run(t, scope, name, run_id);
    if (!before.run.completed_on)
      illegal_state("Workflow run " + run_id + " is " + before.run.status.value_or("") + ": it can't be resumed yet.");
    auto workflow = api::from<glue::Workflow>(*t.get(workflow_kind, workflow_key(scope, name)));
    auto under_way = t.count(active_chain_kind, meta::prefix({scope.account, scope.region, name}));
    if (workflow.max_concurrent_runs && static_cast<int64_t>(under_way) >= *workflow.max_concurrent_runs)
      throw Error(ErrorKind::limit, "ConcurrentRunsExceededException",
                  "Concurrent runs exceeded for workflow: " + name);
    glue::WorkflowGraph graph = graph_of(scope, name, before.triggers);
    std::set<std::string> chosen(node_ids.begin(), node_ids.end()), again = downstream(graph, chosen);
    for (const std::string& wanted : node_ids) {
      auto node = std::find_if(graph.nodes->begin(), graph.nodes->end(),
                               [&](const glue::Node& n) { return n.unique_id == wanted; });
      if (node == graph.nodes->end() || node->trigger_details || !before.last_run(*node->type, *node->name))
        invalid("Node " + wanted + " can't be resumed: it must be a job or crawler that ran in this run.");
    }
    Chain chain = before;
    chain.id = id;
    chain.run.workflow_run_id = id;
    chain.run.previous_run_id = run_id;
    chain.run.status = status::running;
    chain.run.started_on = clock_.now();
    chain.run.completed_on.reset();
    chain.run.error_message.reset();
    auto runs_again = [&](std::string_view type, std::string_view of) {
      return again.contains(node_id(scope, name, type, of));
    };
    std::erase_if(chain.runs, [&](const ActionRun& r) { return runs_again(r.type, r.name); });
    std::erase_if(chain.fired, [&](const std::string& trigger) { return runs_again("TRIGGER", trigger); });
    // The chosen nodes are started as the triggers that start them say; those that hang on others of them wait.
    for (const glue::Trigger& trigger : chain.triggers) {
      if (runs_again("TRIGGER", *trigger.name)) continue;
      glue::Trigger part = trigger;
      std::erase_if(*part.actions, [&](const glue::Action& a) {
        return !chosen.contains(node_id(scope, name, a.job_name ? job_type : crawler_type,
                                        a.job_name ? *a.job_name : a.crawler_name.value_or("")));
      });
      if (!part.actions->empty() && before.fired.contains(*trigger.name)) fire(t, scope, chain, part);
    }
    put_chain(t, scope, chain, clock_.now());
  });
  firings_.wake();
  return id;
}

}  // namespace tarn::orchestrate
