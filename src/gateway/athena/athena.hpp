// Amazon Athena.
#pragma once

#include "api/operations.hpp"
#include "query/athena.hpp"

namespace tarn::gateway {

// `athena` must outlive `operations`.
void register_athena(api::Operations& operations, query::Athena& athena);

}  // namespace tarn::gateway
