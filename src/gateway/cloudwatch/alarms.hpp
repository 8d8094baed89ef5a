// CloudWatch's alarms and dashboards as operations ("Amazon CloudWatch API Reference").
#pragma once

#include "api/operations.hpp"
#include "meta/metadata.hpp"
#include "orchestrate/alarms/alarms.hpp"

namespace tarn::gateway {

// All outlive the operations.
void register_alarms(api::Operations& operations, orchestrate::Alarms& alarms);
// Dashboards are kept as they are given: there is no console that draws them. Their tags, and those of alarms, by ARN.
void register_dashboards(api::Operations& operations, meta::Metadata& metadata, orchestrate::Alarms& alarms);

}  // namespace tarn::gateway
