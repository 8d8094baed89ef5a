// The ids that every response carries.
#pragma once

#include <string>

#include "base/random.hpp"

namespace tarn::gateway {

// S3's: 16 upper-case letters and digits. Thread-safe; `random` seeds each thread's sequence once.
std::string short_request_id(Random& random);
// The others': a UUID.
std::string long_request_id(Random& random);

}  // namespace tarn::gateway
