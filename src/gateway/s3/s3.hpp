// Amazon S3's operations ("Amazon S3 API Reference") over the object store.
#pragma once

#include "api/operations.hpp"
#include "base/random.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"

namespace tarn::gateway {

// All that is passed must outlive `operations`.
void register_s3(api::Operations& operations, store::Store& store, govern::Authority& authority, Random& random);

}  // namespace tarn::gateway
