// What AWS Glue accepts in a job's definition and run, and the defaults that it applies to a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/glue.hpp"

namespace tarn::compute {

namespace glue = api::glue;

// Throws Error (caller, InvalidInputException) for what AWS refuses, and (unsupported, NotImplemented) for what tarn
// does not run: streaming, Ray, Scala, Python 2, visual jobs.
void check_definition(const glue::Job& job);
// The same for what a run overrides.
void check_run(const glue::Job& job, const glue::StartJobRunRequest& request);

// The capacity, timeout and the like of a run of `job`, with AWS's defaults where neither says.
void apply_run_settings(const glue::Job& job, const glue::StartJobRunRequest& request, glue::JobRun& run);

bool is_python_shell(const glue::Job& job);
// The memory that the run's workers have together on AWS.
uint64_t worker_memory_bytes(const glue::JobRun& run, bool python_shell);

// "/aws-glue/jobs" or "/aws-glue/python-jobs"
std::string log_group_of(const glue::Job& job);

}  // namespace tarn::compute
