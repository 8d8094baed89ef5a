#include "compute/jobs/arguments.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "compute/jobs/rules.hpp"

namespace tarn::compute {
namespace {

// Switches of AWS's own machinery (metrics, its console, its autoscaling): without them a script does the same.
constexpr std::array<std::string_view, 14> harmless = {"--job-language",
                                                       "--enable-metrics",
                                                       "--enable-observability-metrics",
                                                       "--enable-continuous-cloudwatch-log",
                                                       "--enable-continuous-log-filter",
                                                       "--enable-glue-datacatalog",
                                                       "--enable-spark-ui",
                                                       "--spark-event-logs-path",
                                                       "--enable-job-insights",
                                                       "--enable-auto-scaling",
                                                       "--enable-s3-parquet-optimized-committer",
                                                       "--enable-rename-algorithm-v2",
                                                       "--job-insights-byo-rules",
                                                       "--datalake-formats"};

// Those that change what a script meets on AWS and change nothing here.
constexpr std::array<std::string_view, 14> without_effect = {"--conf",
                                                             "--extra-jars",
                                                             "--user-jars-first",
                                                             "--continuous-log-logGroup",
                                                             "--continuous-log-logStreamPrefix",
                                                             "--continuous-log-conversionPattern",
                                                             "--custom-logGroup-prefix",
                                                             "--custom-logStream-prefix",
                                                             "--write-shuffle-files-to-s3",
                                                             "--write-shuffle-spills-to-s3",
                                                             "--python-modules-installer-option",
                                                             "--disable-proxy",
                                                             "--disable-proxy-v2",
                                                             "--enable-lakeformation-fine-grained-access"};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) out.emplace_back(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

using Arguments = std::map<std::string, std::string>;

Arguments merged(const glue::Job& job, const glue::JobRun& run) {
  Arguments all = job.default_arguments.value_or(Arguments{});
  for (const auto& [name, value] : run.arguments.value_or(Arguments{})) all[name] = value;
  for (const auto& [name, value] : job.non_overridable_arguments.value_or(Arguments{})) all[name] = value;
  return all;
}

}  // namespace

RunPlan plan_run(const glue::Job& job, const glue::JobRun& run, const std::string& job_id) {
  Arguments all = merged(job, run);
  auto take = [&](const char* name) -> std::optional<std::string> {
    auto node = all.extract(name);
    return node ? std::optional(std::move(node.mapped())) : std::nullopt;
  };
  RunPlan plan;
  plan.script =
      take("--scriptLocation").value_or(job.command.value_or(glue::JobCommand{}).script_location.value_or(""));
  plan.py_files = split(take("--extra-py-files").value_or(""));
  plan.files = split(take("--extra-files").value_or(""));
  plan.python_modules = take("--additional-python-modules").value_or("");
  plan.engine = take("--engine").value_or("sail");
  plan.bookmark_option = take("--job-bookmark-option").value_or(plan.bookmark_option);
  for (std::string_view name : harmless) all.erase(std::string(name));
  for (std::string_view name : without_effect)
    if (take(std::string(name).c_str())) plan.notes.push_back("tarn: " + std::string(name) + " has no effect here.");

  auto& argv = plan.script_arguments;
  if (!is_python_shell(job)) {
    argv = {"--job-bookmark-option", plan.bookmark_option, "--JOB_ID",   job_id,
            "--JOB_RUN_ID",          run.id.value_or(""),  "--JOB_NAME", run.job_name.value_or("")};
    for (const char* ours : {"--JOB_ID", "--JOB_RUN_ID", "--JOB_NAME"}) all.erase(ours);
  }
  for (auto& [name, value] : all) {
    argv.push_back(name);
    argv.push_back(std::move(value));
  }
  return plan;
}

}  // namespace tarn::compute
