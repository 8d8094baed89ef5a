// What a job's run tells CloudWatch when it has ended ("AWS Glue Developer Guide", AWS Glue metrics).
#pragma once

#include "api/glue.hpp"
#include "catalog/catalog.hpp"
#include "meta/metric_store.hpp"

namespace tarn::compute {

// For Spark jobs with --enable-metrics, as on AWS; nothing for a run that has not ended.
void put_run_metrics(meta::MetricStore& store, const catalog::Scope& scope, const api::glue::Job& job,
                     const api::glue::JobRun& run);

}  // namespace tarn::compute
