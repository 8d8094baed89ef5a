// AWS Security Token Service.
#pragma once

#include "api/operations.hpp"
#include "govern/identities.hpp"

namespace tarn::gateway {

void register_sts(api::Operations& operations, govern::Identities& identities);

}  // namespace tarn::gateway
