// The answer of every service whose data has no room left: 503, so that clients wait and try again.
#pragma once

#include "base/error.hpp"

namespace tarn {

inline Error disk_full() {
  return Error(ErrorKind::outside, "ServiceUnavailable",
               "The disk that holds the data folder is full. Free some space and try again.");
}

}  // namespace tarn
