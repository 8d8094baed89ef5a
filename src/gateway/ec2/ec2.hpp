// Amazon EC2, as far as it is networks: every action of network/.
#pragma once

#include "api/operations.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway {

void register_ec2(api::Operations& operations, meta::Metadata& metadata, Random& random);

}  // namespace tarn::gateway
