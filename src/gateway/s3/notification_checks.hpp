// What S3 takes as a notification configuration ("Event notification types and destinations", "Configuring event
// notifications using object key name filtering").
#pragma once

#include "api/s3.hpp"

namespace tarn::gateway::s3 {

// Throws Error (caller, InvalidArgument): unknown events, filters of no known form, ids that are doubled, two rules
// that would both be told of one event. Destinations are not looked up.
void check_notifications(const api::s3::NotificationConfiguration& configuration);

}  // namespace tarn::gateway::s3
