// AWS Resource Groups Tagging API ("Resource Groups Tagging API Reference"): the tags of all services' resources in one
// place. It keeps nothing: it asks each service by its own operations, in the caller's name.
#pragma once

#include "api/operations.hpp"

namespace tarn::gateway {

void register_tagging(api::Operations& operations);

}  // namespace tarn::gateway
