// The limits of what the store does by itself, and of bodies on another's S3. Those of S3 are in base/limits.hpp.
#pragma once

#include <cstdint>

namespace tarn::limits {

inline constexpr int scrub_interval_h = 7 * 24;  // from the start of a pass to that of the next
inline constexpr uint64_t default_scrub_rate_bytes_per_s = 8 * 1024 * 1024;  // of `tarn up --scrub-rate`

inline constexpr uint64_t remote_part_size_bytes = 8 * 1024 * 1024;      // of a body on its way to another S3
inline constexpr uint64_t max_remote_read_size_bytes = 4 * 1024 * 1024;  // at once, of a body that is read in order
inline constexpr int remote_attempts = 4;                                // of a request to another S3
inline constexpr int remote_stall_timeout_s = 20;                        // a request that moves nothing so long fails

}  // namespace tarn::limits
