#include "compute/jobs/run_metrics.hpp"

#include "compute/jobs/rules.hpp"

namespace tarn::compute {
namespace {

bool wants_metrics(const glue::Job& job, const glue::JobRun& run) {
  for (const auto* arguments : {&job.default_arguments, &job.non_overridable_arguments, &run.arguments})
    if (*arguments && (*arguments)->contains("--enable-metrics")) return true;
  return false;
}

}  // namespace

void put_run_metrics(meta::MetricStore& store, const catalog::Scope& scope, const glue::Job& job,
                     const glue::JobRun& run) {
  if (!run.completed_on || is_python_shell(job) || !wants_metrics(job, run)) return;
  // Each value is told for the run, and for all runs of the job together.
  for (const std::string& id : {run.id.value_or(""), std::string("ALL")})
    store.put({scope.account,
               scope.region,
               "Glue",
               "glue.driver.aggregate.elapsedTime",
               {{"JobName", *run.job_name}, {"JobRunId", id}, {"Type", "count"}}},
              static_cast<double>(run.execution_time.value_or(0)) * 1000, "Milliseconds");
}

}  // namespace tarn::compute
