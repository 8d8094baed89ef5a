// What AWS Glue accepts of a trigger ("AWS Glue Web API Reference", Triggers; "AWS Glue Developer Guide", AWS Glue
// triggers).
#pragma once

#include "api/glue.hpp"

namespace tarn::orchestrate {

// Checks a trigger and gives it AWS's defaults (the operator of a condition, the batch's window). Throws Error (caller,
// InvalidInputException), and EntityNotFoundException for a security configuration, of which tarn has none. Whether the
// jobs and crawlers that it names exist is not asked here.
void check_trigger(api::glue::Trigger& trigger);

}  // namespace tarn::orchestrate
