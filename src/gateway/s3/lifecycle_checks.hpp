// What S3 takes as a lifecycle configuration ("PutBucketLifecycleConfiguration", "Lifecycle configuration elements").
#pragma once

#include <vector>

#include "api/s3.hpp"

namespace tarn::gateway::s3 {

// Throws Error (caller): MalformedXML for what has no meaning (no rule, more than 1,000, no filter, several predicates
// outside of And), InvalidArgument and InvalidRequest for values that S3 refuses.
void check_lifecycle_rules(const std::vector<api::s3::LifecycleRule>& rules);

}  // namespace tarn::gateway::s3
