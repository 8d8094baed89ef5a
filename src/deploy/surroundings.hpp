// What templates ask of the rest of tarn, as whoever deploys: parameters, secrets, exports, zones, objects.
#pragma once

#include "deploy/stack_records.hpp"
#include "deploy/template.hpp"
#include "deploy/template_source.hpp"

namespace tarn::deploy {

// Calls operations as `asking`, so each may throw what they throw. `records` outlives the result.
Surroundings make_surroundings(const Asking& asking, StackRecords& records, const StackScope& scope);

}  // namespace tarn::deploy
