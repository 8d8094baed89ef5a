// AWS Key Management Service.
#pragma once

#include "api/operations.hpp"
#include "govern/keys.hpp"

namespace tarn::gateway {

void register_kms(api::Operations& operations, govern::Keys& keys);

}  // namespace tarn::gateway
