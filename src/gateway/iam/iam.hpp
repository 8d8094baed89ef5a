// AWS Identity and Access Management: users, groups, roles, policies, instance profiles and access keys, as stored
// records.
#pragma once

#include "api/operations.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway {

void register_iam(api::Operations& operations, meta::Metadata& metadata, Random& random);

}  // namespace tarn::gateway
