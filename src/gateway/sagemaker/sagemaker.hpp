// Amazon SageMaker, to the extent of processing jobs ("Amazon SageMaker API Reference").
#pragma once

#include "api/operations.hpp"
#include "compute/processing/processing_jobs.hpp"
#include "orchestrate/events/service_events.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations.
void register_sagemaker(api::Operations& operations, compute::ProcessingJobs& jobs);

// The event that a job's status gives, as SageMaker tells it.
orchestrate::ServiceEvent processing_job_event(const compute::ProcessingJob& job);

}  // namespace tarn::gateway
