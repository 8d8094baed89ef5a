// What S3 takes as a replication configuration ("Replication configuration file elements").
#pragma once

#include "api/s3.hpp"

namespace tarn::gateway::s3 {

// Throws Error (caller): MalformedXML, InvalidArgument, InvalidRequest. Buckets are not looked up.
void check_replication(const api::s3::ReplicationConfiguration& configuration);

}  // namespace tarn::gateway::s3
