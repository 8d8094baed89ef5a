// What a run's arguments mean: those that Glue consumes ("Using job parameters in AWS Glue jobs") and those that are
// the script's own.
#pragma once

#include <string>
#include <vector>

#include "api/glue.hpp"

namespace tarn::compute {

namespace glue = api::glue;

struct RunPlan {
  std::string script;                 // s3://…
  std::vector<std::string> py_files;  // modules that come with it: s3://… of .py, .zip, .egg, .whl
  std::vector<std::string> files;     // --extra-files: copied beside the script
  std::string python_modules;         // --additional-python-modules, as given
  std::string engine = "sail";        // "spark": the script runs on Apache Spark
  std::string bookmark_option = "job-bookmark-disable";
  std::vector<std::string> script_arguments;  // sys.argv after the script's own name
  std::vector<std::string> notes;             // what was given and has no effect here; told in the run's error log
};

// The job's defaults, overridden by the run's arguments, overridden by those that can't be. `job_id` is the job's
// ("j_…").
RunPlan plan_run(const glue::Job& job, const glue::JobRun& run, const std::string& job_id);

}  // namespace tarn::compute
