// Map runs: what became of the items of a Map in DISTRIBUTED mode.
#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"

namespace tarn::gateway::stepfunctions {
namespace {

using api::Context;
using states::Executions;

states::MapRun find(Executions& e, Context& c, const std::string& arn) {
  checked_arn(c, arn, "mapRun");
  auto found = e.records().map_run(arn);
  if (!found)
    throw Error(ErrorKind::missing, "ResourceNotFound", "Resource not found: '" + arn + "'").with("resourceName", arn);
  return *std::move(found);
}

template <class Counts>
Counts counts_of(const states::MapRunCounts& c) {
  Counts out;
  out.pending = c.pending;
  out.running = c.running;
  out.succeeded = c.succeeded;
  out.failed = c.failed;
  out.timed_out = c.timed_out;
  out.aborted = c.aborted;
  out.total = c.total;
  out.results_written = c.results_written;
  return out;
}

sfn::DescribeMapRunOutput describe(Executions& e, Context& c, const sfn::DescribeMapRunInput& in) {
  const states::MapRun run = find(e, c, in.map_run_arn);
  sfn::DescribeMapRunOutput out;
  out.map_run_arn = run.arn;
  out.execution_arn = run.execution_arn;
  out.status = run.status;
  out.start_date = run.started;
  if (run.stopped) out.stop_date = *run.stopped;
  out.max_concurrency = run.max_concurrency;
  out.tolerated_failure_percentage = run.tolerated_percentage;
  out.tolerated_failure_count = run.tolerated_count;
  out.item_counts = counts_of<sfn::MapRunItemCounts>(run.items);
  out.execution_counts = counts_of<sfn::MapRunExecutionCounts>(run.executions);
  out.redrive_count = 0;
  return out;
}

sfn::ListMapRunsOutput list(Executions& e, Context& c, const sfn::ListMapRunsInput& in) {
  checked_arn(c, in.execution_arn, "execution");
  const std::vector<states::MapRun> all = e.records().map_runs(e.get(in.execution_arn).number);
  const std::size_t size = page_size(in.max_results);
  const std::string place = read_page_token(in.next_token);
  sfn::ListMapRunsOutput out;
  bool begun = place.empty();
  for (const states::MapRun& run : all) {
    if (!begun) {
      begun = run.arn == place;
      continue;
    }
    if (out.map_runs.size() == size) {
      out.next_token = write_page_token(out.map_runs.back().map_run_arn);
      break;
    }
    auto& told = out.map_runs.emplace_back();
    told.execution_arn = run.execution_arn;
    told.map_run_arn = run.arn;
    told.state_machine_arn = run.machine_arn;
    told.start_date = run.started;
    if (run.stopped) told.stop_date = *run.stopped;
  }
  return out;
}

}  // namespace

void register_map_runs(api::Operations& o, Executions& e) {
  o.on<sfn::op::DescribeMapRun>([&](Context& c, const auto& in) { return describe(e, c, in); });
  o.on<sfn::op::ListMapRuns>([&](Context& c, const auto& in) { return list(e, c, in); });
  o.on<sfn::op::UpdateMapRun>([&](Context& c, const sfn::UpdateMapRunInput& in) {
    const states::MapRun run = find(e, c, in.map_run_arn);
    const bool updated =
        run.status == "RUNNING" &&
        e.update_map_run(run, in.max_concurrency, in.tolerated_failure_count, in.tolerated_failure_percentage);
    if (!updated)
      throw Error(ErrorKind::caller, "ValidationException", "Completed Map Run cannot be updated")
          .with("reason", "CANNOT_UPDATE_COMPLETED_MAP_RUN");
    return sfn::op::UpdateMapRun::Output();
  });
}

}  // namespace tarn::gateway::stepfunctions
