#include "orchestrate/triggers/graph.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::string_view trigger_type = "TRIGGER";

// Adds the node unless it is there; returns its id.
std::string add_node(glue::WorkflowGraph& graph, const Scope& scope, std::string_view workflow, std::string_view type,
                     const std::string& name) {
  std::string id = node_id(scope, workflow, type, name);
  auto present =
      std::any_of(graph.nodes->begin(), graph.nodes->end(), [&](const glue::Node& n) { return n.unique_id == id; });
  if (present) return id;
  glue::Node node;
  node.type = std::string(type);
  node.name = name;
  node.unique_id = id;
  graph.nodes->push_back(std::move(node));
  return id;
}

}  // namespace

std::string node_id(const Scope& scope, std::string_view workflow, std::string_view type, std::string_view name) {
  return "wnode_" +
         hex_encode(digest(DigestKind::sha256, meta::key({scope.account, scope.region, workflow, type, name})));
}

glue::WorkflowGraph graph_of(const Scope& scope, std::string_view workflow,
                             const std::vector<glue::Trigger>& triggers) {
  glue::WorkflowGraph graph;
  graph.nodes.emplace();
  graph.edges.emplace();
  for (const glue::Trigger& trigger : triggers) {
    add_node(graph, scope, workflow, trigger_type, *trigger.name);
    graph.nodes->back().trigger_details.emplace().trigger = trigger;
  }
  auto part = [&](const std::optional<std::string>& job, const std::optional<std::string>& crawler) {
    return job ? add_node(graph, scope, workflow, job_type, *job)
               : add_node(graph, scope, workflow, crawler_type, crawler.value_or(""));
  };
  for (const glue::Trigger& trigger : triggers) {
    std::string own = node_id(scope, workflow, trigger_type, *trigger.name);
    for (const glue::Condition& c :
         trigger.predicate.value_or(glue::Predicate{}).conditions.value_or(std::vector<glue::Condition>{}))
      graph.edges->push_back({part(c.job_name, c.crawler_name), own});
    for (const glue::Action& a : trigger.actions.value_or(std::vector<glue::Action>{}))
      graph.edges->push_back({own, part(a.job_name, a.crawler_name)});
  }
  return graph;
}

std::set<std::string> downstream(const glue::WorkflowGraph& graph, const std::set<std::string>& ids) {
  std::set<std::string> out = ids;
  for (bool grown = true; grown;) {
    grown = false;
    for (const glue::Edge& edge : *graph.edges)
      if (out.contains(*edge.source_id) && out.insert(*edge.destination_id).second) grown = true;
  }
  return out;
}

glue::WorkflowRunStatistics statistics_of(const Scope& scope, const Chain& chain) {
  glue::WorkflowRunStatistics s;
  int64_t total = 0, timeout = 0, failed = 0, stopped = 0, succeeded = 0, running = 0, errored = 0, waiting = 0;
  const glue::WorkflowGraph graph = graph_of(scope, chain.workflow, chain.triggers);
  for (const glue::Node& node : *graph.nodes) {
    if (node.type == trigger_type) continue;
    ++total;
    const ActionRun* run = chain.last_run(*node.type, *node.name);
    if (!run) continue;
    const std::string& state = run->state;
    ++(state == "TIMEOUT"                           ? timeout
       : state == "FAILED"                          ? failed
       : state == "STOPPED" || state == "CANCELLED" ? stopped
       : state == "SUCCEEDED"                       ? succeeded
       : state == "ERROR"                           ? errored
       : state == "WAITING"                         ? waiting
                                                    : running);
  }
  s.total_actions = total;
  s.timeout_actions = timeout;
  s.failed_actions = failed;
  s.stopped_actions = stopped;
  s.succeeded_actions = succeeded;
  s.running_actions = running;
  s.errored_actions = errored;
  s.waiting_actions = waiting;
  return s;
}

}  // namespace tarn::orchestrate
