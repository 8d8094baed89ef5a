// A workflow as a graph: its triggers, the jobs and crawlers that they start and watch, and what became of each in a
// run.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "orchestrate/triggers/chain.hpp"

namespace tarn::orchestrate {

// "wnode_" and 64 hexadecimal digits: the same whenever it is asked for. `type` is TRIGGER, JOB or CRAWLER.
std::string node_id(const Scope& scope, std::string_view workflow, std::string_view type, std::string_view name);

// Without what became of the nodes. Triggers come first, then what they start and watch.
glue::WorkflowGraph graph_of(const Scope& scope, std::string_view workflow, const std::vector<glue::Trigger>& triggers);

// The ids of these nodes and of all that follow from them.
std::set<std::string> downstream(const glue::WorkflowGraph& graph, const std::set<std::string>& ids);

// The jobs and crawlers of the run, counted by how they stand.
glue::WorkflowRunStatistics statistics_of(const Scope& scope, const Chain& chain);

}  // namespace tarn::orchestrate
