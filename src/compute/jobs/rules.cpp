#include "compute/jobs/rules.hpp"

#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::compute {
namespace {

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidInputException", message);
}
[[noreturn]] void unsupported(const std::string& message) {
  throw Error(ErrorKind::unsupported, "NotImplemented", message);
}

struct Worker {
  std::string_view name;
  double dpu;
  uint64_t memory_gb;
};
constexpr std::array<Worker, 12> workers = {{{"Standard", 1, 16},
                                             {"G.025X", 0.25, 4},
                                             {"G.1X", 1, 16},
                                             {"G.2X", 2, 32},
                                             {"G.4X", 4, 64},
                                             {"G.8X", 8, 128},
                                             {"G.12X", 12, 192},
                                             {"G.16X", 16, 256},
                                             {"R.1X", 1, 32},
                                             {"R.2X", 2, 64},
                                             {"R.4X", 4, 128},
                                             {"R.8X", 8, 256}}};

const Worker* find_worker(std::string_view name) {
  for (const Worker& w : workers)
    if (w.name == name) return &w;
  return nullptr;
}

// The major version of "4.0"; absent where none is given ("auto" too).
std::optional<int> major_version(const std::optional<std::string>& version) {
  if (!version || version->empty() || !std::isdigit(static_cast<unsigned char>(version->front()))) return std::nullopt;
  return std::atoi(version->c_str());
}

void check_command(const glue::JobCommand& command) {
  std::string name = command.name.value_or("");
  if (name == "gluestreaming" || name == "glueray")
    unsupported("tarn does not run jobs of type " + name + ": it has glueetl and pythonshell.");
  if (name != "glueetl" && name != "pythonshell")
    invalid("Invalid job command name: '" + name + "'. Valid names are glueetl, gluestreaming, pythonshell, glueray.");
  if (command.python_version == "2") unsupported("tarn does not run Python 2: set PythonVersion to 3.");
  if (command.runtime) invalid("Runtime is for jobs of type glueray.");
}

void check_arguments(const std::optional<std::map<std::string, std::string>>& arguments) {
  if (!arguments) return;
  if (auto language = arguments->find("--job-language"); language != arguments->end() && language->second != "python")
    unsupported("tarn does not run jobs in " + language->second + ": --job-language can be python.");
  if (arguments->contains("--class")) unsupported("tarn does not run jobs in Scala or Java (--class).");
  for (const char* name : {"--job-bookmark-from", "--job-bookmark-to"})
    if (arguments->contains(name))
      unsupported(std::string("tarn does not have ") + name + ". ResetJobBookmark with a RunId goes back to that run.");
  if (auto engine = arguments->find("--engine");
      engine != arguments->end() && engine->second != "sail" && engine->second != "spark")
    invalid("--engine can be sail or spark.");
}

struct Capacity {
  std::optional<double> max_capacity;
  std::optional<std::string> worker_type;
  std::optional<int64_t> number_of_workers;
};

void check_capacity(const Capacity& c, bool python_shell) {
  if (c.max_capacity && (c.worker_type || c.number_of_workers))
    invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.");
  if (c.worker_type.has_value() != c.number_of_workers.has_value())
    invalid("Please set both Worker Type and Number of Workers.");
  if (python_shell) {
    if (c.worker_type)
      invalid("Worker Type and Number of Workers are not for Python shell jobs: set Max Capacity to 0.0625 or 1.");
    if (c.max_capacity && *c.max_capacity != 0.0625 && *c.max_capacity != 1)
      invalid("Max Capacity of a Python shell job must be 0.0625 or 1.");
    return;
  }
  if (c.max_capacity &&
      (*c.max_capacity < 2 || *c.max_capacity > 100 || *c.max_capacity != std::floor(*c.max_capacity)))
    invalid("Max Capacity of a Spark job must be a whole number from 2 to 100.");
  if (c.worker_type && !find_worker(*c.worker_type))
    invalid("Worker Type " + *c.worker_type + " is not for jobs of type glueetl.");
  if (c.number_of_workers && *c.number_of_workers < 2) invalid("Number of Workers must be at least 2.");
}

void check_timeout(const std::optional<int64_t>& timeout) {
  if (timeout && (*timeout < 1 || *timeout > limits::max_job_timeout_min))
    invalid("Timeout must be from 1 to 10080 minutes.");
}

}  // namespace

bool is_python_shell(const glue::Job& job) {
  return job.command && job.command->name == "pythonshell";
}

void check_definition(const glue::Job& job) {
  if (job.role.value_or("").empty()) invalid("Role must not be empty.");
  if (job.code_gen_configuration_nodes)
    unsupported(
        "tarn does not generate scripts from CodeGenConfigurationNodes: give the script in Command.ScriptLocation.");
  check_command(job.command.value_or(glue::JobCommand{}));
  check_arguments(job.default_arguments);
  check_arguments(job.non_overridable_arguments);
  check_capacity({job.max_capacity, job.worker_type, job.number_of_workers}, is_python_shell(job));
  check_timeout(job.timeout);
  if (job.max_retries && (*job.max_retries < 0 || *job.max_retries > 10)) invalid("Max Retries must be from 0 to 10.");
  if (job.execution_property && job.execution_property->max_concurrent_runs &&
      (*job.execution_property->max_concurrent_runs < 1 ||
       *job.execution_property->max_concurrent_runs > limits::max_concurrent_runs_of_job))
    invalid("Max Concurrent Runs must be from 1 to " + std::to_string(limits::max_concurrent_runs_of_job) + ".");
  if (job.maintenance_window) invalid("A maintenance window is for streaming jobs.");
  if (job.execution_class == "FLEX" && (is_python_shell(job) || major_version(job.glue_version).value_or(5) < 3))
    invalid("Execution class FLEX is for jobs of type glueetl with Glue version 3.0 or later.");
}

void check_run(const glue::Job& job, const glue::StartJobRunRequest& request) {
  if (request.execution_role_session_policy)
    unsupported(
        "StartJobRun with ExecutionRoleSessionPolicy: tarn does not enforce policies yet, so it can't run a job with "
        "less than its role.");
  if (auto configuration = request.security_configuration ? request.security_configuration : job.security_configuration)
    throw Error(ErrorKind::missing, "EntityNotFoundException",
                "Security configuration " + *configuration + " not found.");
  check_arguments(request.arguments);
  check_timeout(request.timeout);
  Capacity own{request.max_capacity, request.worker_type, request.number_of_workers};
  check_capacity(own, is_python_shell(job));
  if (job.command.value_or(glue::JobCommand{}).script_location.value_or("").empty() &&
      !(request.arguments && request.arguments->contains("--scriptLocation")))
    invalid("The job has no script: set Command.ScriptLocation.");
}

void apply_run_settings(const glue::Job& job, const glue::StartJobRunRequest& request, glue::JobRun& run) {
  bool shell = is_python_shell(job);
  bool own_capacity = request.max_capacity || request.worker_type;
  run.worker_type = own_capacity ? request.worker_type : job.worker_type;
  run.number_of_workers = own_capacity ? request.number_of_workers : job.number_of_workers;
  std::optional<double> capacity = own_capacity ? request.max_capacity : job.max_capacity;
  if (!own_capacity && !capacity && !run.worker_type) {
    auto allocated = request.allocated_capacity ? request.allocated_capacity : job.allocated_capacity;
    if (allocated) capacity = static_cast<double>(*allocated);
  }
  if (run.worker_type) {
    const Worker* worker = find_worker(*run.worker_type);
    capacity = (worker ? worker->dpu : 1) * static_cast<double>(run.number_of_workers.value_or(2));
  }
  run.max_capacity = capacity.value_or(shell ? 0.0625 : 10);
  run.allocated_capacity = static_cast<int64_t>(*run.max_capacity);
  bool short_default = !shell && major_version(job.glue_version).value_or(5) >= 5;
  run.timeout = request.timeout.value_or(
      job.timeout.value_or(short_default ? limits::default_job_timeout_glue5_min : limits::default_job_timeout_min));
  run.glue_version = job.glue_version;
  run.security_configuration =
      request.security_configuration ? request.security_configuration : job.security_configuration;
  run.notification_property = request.notification_property ? request.notification_property : job.notification_property;
  run.execution_class = request.execution_class ? request.execution_class : job.execution_class;
  run.job_mode = job.job_mode;
  run.job_run_queuing_enabled =
      request.job_run_queuing_enabled ? request.job_run_queuing_enabled : job.job_run_queuing_enabled;
  run.log_group_name = log_group_of(job);
}

uint64_t worker_memory_bytes(const glue::JobRun& run, bool python_shell) {
  constexpr uint64_t gb = 1ull << 30;
  if (python_shell) return (run.max_capacity.value_or(0.0625) < 1 ? 1 : 16) * gb;
  const Worker* worker = run.worker_type ? find_worker(*run.worker_type) : nullptr;
  if (worker) return worker->memory_gb * gb * static_cast<uint64_t>(run.number_of_workers.value_or(2));
  return static_cast<uint64_t>(run.max_capacity.value_or(10)) * 16 * gb;
}

std::string log_group_of(const glue::Job& job) {
  return is_python_shell(job) ? "/aws-glue/python-jobs" : "/aws-glue/jobs";
}

}  // namespace tarn::compute
