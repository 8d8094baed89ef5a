#include "cli/runs.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/output.hpp"

namespace tarn::cli {
namespace {

struct Run {
  std::string kind, name, id, state;
  std::optional<Time> started, ended;
  std::string started_by;  // a trigger
  std::string why;         // it failed
  std::string parent;      // the id of the run that it followed, or belongs to
  std::vector<Run> children;
};

std::optional<Time> time_of(const Value& v, std::string_view member) {
  const Value* m = v.find(member);
  return m && !m->is_null() ? std::optional(m->as_time()) : std::nullopt;
}

// All items of a listing, or its first `limit`.
ValueList list_all(Client& client, std::string_view operation, Value input, std::string_view items,
                   std::string_view token, std::size_t limit = SIZE_MAX) {
  ValueList out;
  for (;;) {
    Value page = client.call(operation, input);
    if (const Value* list = page.find(items))
      for (const Value& item : list->as_list()) {
        out.push_back(item);
        if (out.size() == limit) return out;
      }
    std::string next = page.string_or(token);
    if (next.empty()) return out;
    input.set(token, next);
  }
}

Run job_run(const Value& v) {
  Run run{"job",
          v.string_or("JobName"),
          v.string_or("Id"),
          v.string_or("JobRunState"),
          time_of(v, "StartedOn"),
          time_of(v, "CompletedOn"),
          v.string_or("TriggerName"),
          v.string_or("ErrorMessage"),
          {},
          {}};
  if (const Value* before = v.find("PredecessorRuns"); before && before->is_list() && !before->as_list().empty())
    run.parent = before->as_list().back().string_or("RunId");
  return run;
}

// What belongs to a workflow's run: its nodes that ran, in the order of their starts.
void add_nodes(Run& run, const Value& graph) {
  for (const Value& node : graph.at("Nodes").as_list()) {
    if (const Value* details = node.find("JobDetails"))
      for (const Value& v : details->at("JobRuns").as_list()) run.children.push_back(job_run(v));
    if (const Value* details = node.find("CrawlerDetails"))
      for (const Value& v : details->at("Crawls").as_list())
        run.children.push_back({"crawl",
                                node.string_or("Name"),
                                {},
                                v.string_or("State"),
                                time_of(v, "StartedOn"),
                                time_of(v, "CompletedOn"),
                                {},
                                v.string_or("ErrorMessage"),
                                {},
                                {}});
  }
  std::stable_sort(run.children.begin(), run.children.end(),
                   [](const Run& a, const Run& b) { return a.started < b.started; });
}

class Collection {
 public:
  Collection(Client& client, std::size_t limit) : client_(client), limit_(limit) {}

  std::vector<Run> all() {
    for (auto part : {&Collection::workflows, &Collection::jobs, &Collection::crawls, &Collection::queries,
                      &Collection::executions}) {
      try {
        (this->*part)();
      } catch (const Error& e) {
        if (e.code() != "NotImplemented" && e.code() != "UnknownOperationException") throw;
      }
    }
    nest();
    std::stable_sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) { return a.started > b.started; });
    return std::move(runs_);
  }

 private:
  void workflows() {
    for (const Value& name : list_all(client_, "glue:ListWorkflows", Value::map(), "Workflows", "NextToken"))
      for (const Value& v :
           list_all(client_, "glue:GetWorkflowRuns", Value::map({{"Name", name}, {"IncludeGraph", true}}), "Runs",
                    "NextToken", limit_)) {
        Run run{"workflow",
                v.string_or("Name"),
                v.string_or("WorkflowRunId"),
                v.string_or("Status"),
                time_of(v, "StartedOn"),
                time_of(v, "CompletedOn"),
                {},
                v.string_or("ErrorMessage"),
                {},
                {}};
        if (const Value* graph = v.find("Graph")) add_nodes(run, *graph);
        for (const Run& child : run.children) told_.insert(child.id);
        crawls_of_workflows(run);
        runs_.push_back(std::move(run));
      }
  }

  // A crawl in a graph has no id: it is known by its crawler and start.
  void crawls_of_workflows(const Run& run) {
    for (const Run& child : run.children)
      if (child.kind == "crawl" && child.started) told_.insert(child.name + format_iso8601(*child.started));
  }

  void jobs() {
    for (const Value& job : list_all(client_, "glue:GetJobs", Value::map(), "Jobs", "NextToken"))
      for (const Value& v : list_all(client_, "glue:GetJobRuns", Value::map({{"JobName", job.string_or("Name")}}),
                                     "JobRuns", "NextToken", limit_))
        if (!told_.contains(v.string_or("Id"))) runs_.push_back(job_run(v));
  }

  void crawls() {
    for (const Value& name : list_all(client_, "glue:ListCrawlers", Value::map(), "CrawlerNames", "NextToken"))
      for (const Value& v :
           list_all(client_, "glue:ListCrawls", Value::map({{"CrawlerName", name}}), "Crawls", "NextToken", limit_)) {
        Run run{"crawl",
                name.as_string(),
                v.string_or("CrawlId"),
                v.string_or("State"),
                time_of(v, "StartTime"),
                time_of(v, "EndTime"),
                {},
                v.string_or("ErrorMessage"),
                {},
                {}};
        if (run.started && told_.contains(run.name + format_iso8601(*run.started))) continue;
        runs_.push_back(std::move(run));
      }
  }

  void queries() {
    ValueList ids = list_all(client_, "athena:ListQueryExecutions", Value::map(), "QueryExecutionIds", "NextToken",
                             std::min<std::size_t>(limit_, 50));
    if (ids.empty()) return;
    Value found = client_.call("athena:BatchGetQueryExecution", Value::map({{"QueryExecutionIds", Value(ids)}}));
    for (const Value& v : found.at("QueryExecutions").as_list()) {
      const Value& status = v.at("Status");
      std::string text = v.string_or("Query");
      std::replace(text.begin(), text.end(), '\n', ' ');
      runs_.push_back({"query",
                       text.size() > 60 ? text.substr(0, 57) + "..." : text,
                       v.string_or("QueryExecutionId"),
                       status.string_or("State"),
                       time_of(status, "SubmissionDateTime"),
                       time_of(status, "CompletionDateTime"),
                       {},
                       status.string_or("State") == "FAILED" ? status.string_or("StateChangeReason") : "",
                       {},
                       {}});
    }
  }

  void executions() {
    for (const Value& machine :
         list_all(client_, "states:ListStateMachines", Value::map(), "stateMachines", "nextToken")) {
      if (machine.string_or("type") == "EXPRESS") continue;  // their executions stand in logs alone
      for (const Value& v : list_all(client_, "states:ListExecutions",
                                     Value::map({{"stateMachineArn", machine.string_or("stateMachineArn")}}),
                                     "executions", "nextToken", limit_)) {
        Run run{"execution",
                machine.string_or("name") + "/" + v.string_or("name"),
                v.string_or("executionArn"),
                v.string_or("status"),
                time_of(v, "startDate"),
                time_of(v, "stopDate"),
                {},
                {},
                {},
                {}};
        if (run.state == "FAILED" || run.state == "TIMED_OUT" || run.state == "ABORTED") {
          Value told = client_.call("states:DescribeExecution", Value::map({{"executionArn", run.id}}));
          run.why = told.string_or("error") + (told.string_or("cause").empty() ? "" : ": " + told.string_or("cause"));
        }
        runs_.push_back(std::move(run));
      }
    }
  }

  // Runs that followed others hang below them.
  void nest() {
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < runs_.size(); ++i) places[runs_[i].id] = i;
    std::vector<std::vector<std::size_t>> below(runs_.size());
    std::vector<bool> top(runs_.size(), true);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      auto parent = runs_[i].parent.empty() ? places.end() : places.find(runs_[i].parent);
      if (parent == places.end() || parent->second == i) continue;
      below[parent->second].push_back(i);
      top[i] = false;
    }
    std::function<Run(std::size_t)> whole = [&](std::size_t i) {
      Run run = std::move(runs_[i]);
      for (std::size_t child : below[i]) run.children.push_back(whole(child));
      return run;
    };
    std::vector<Run> out;
    for (std::size_t i = 0; i < below.size(); ++i)
      if (top[i]) out.push_back(whole(i));
    runs_ = std::move(out);
  }

  Client& client_;
  std::size_t limit_;
  std::vector<Run> runs_;
  std::set<std::string> told_;  // runs that stand in a workflow's
};

std::string duration_of(const Run& run) {
  if (!run.started || !run.ended) return {};
  double s = std::chrono::duration<double>(*run.ended - *run.started).count();
  char text[32];
  if (s < 60)
    std::snprintf(text, sizeof text, "%.1f s", s);
  else
    std::snprintf(text, sizeof text, "%d m %02d s", static_cast<int>(s) / 60, static_cast<int>(s) % 60);
  return text;
}

void add_rows(std::vector<Row>& rows, const Run& run, const std::string& before, const std::string& below) {
  std::string why = run.why.substr(0, run.why.find('\n'));
  rows.push_back({before + run.kind + " " + run.name, run.state,
                  run.started ? std::optional(format_iso8601(*run.started, false)) : std::nullopt, duration_of(run),
                  run.started_by, why, run.id});
  for (std::size_t i = 0; i < run.children.size(); ++i) {
    bool last = i + 1 == run.children.size();
    add_rows(rows, run.children[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "));
  }
}

Value as_json(const Run& run) {
  Value out = Value::map({{"kind", run.kind}, {"name", run.name}, {"state", run.state}});
  auto set = [&](const char* member, const std::string& text) {
    if (!text.empty()) out.set(member, text);
  };
  set("id", run.id);
  if (run.started) out.set("started", format_iso8601(*run.started));
  if (run.ended) out.set("ended", format_iso8601(*run.ended));
  if (run.started && run.ended) out.set("duration_ms", (*run.ended - *run.started).count());
  set("started_by", run.started_by);
  set("why", run.why);
  if (!run.children.empty()) {
    Value children = Value::list();
    for (const Run& child : run.children) children.push_back(as_json(child));
    out.set("children", std::move(children));
  }
  return out;
}

}  // namespace

int runs(Client& client, const RunsOptions& options) {
  std::vector<Run> all = Collection(client, options.limit).all();
  if (options.json) {
    Value out = Value::list();
    for (const Run& run : all) out.push_back(as_json(run));
    print_json(out);
    return 0;
  }
  std::vector<Row> rows;
  for (const Run& run : all) add_rows(rows, run, {}, {});
  print_table({"run", "state", "started", "took", "trigger", "why", "id"}, rows);
  return 0;
}

}  // namespace tarn::cli
