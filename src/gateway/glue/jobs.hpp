// AWS Glue's jobs as operations ("AWS Glue Web API Reference", Jobs API): definitions, runs, bookmarks.
#pragma once

#include "api/operations.hpp"
#include "compute/jobs/jobs.hpp"

namespace tarn::gateway::glue {

// The jobs outlive the operations.
void register_glue_jobs(api::Operations& operations, compute::Jobs& jobs);

}  // namespace tarn::gateway::glue
