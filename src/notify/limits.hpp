// The limits of queues. They stand apart from base/limits.hpp, which everything includes; AWS's own limits keep AWS's
// numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

inline constexpr uint64_t max_message_size_bytes = 1024 * 1024;
inline constexpr std::size_t max_inflight_messages = 120'000;  // of one queue

}  // namespace tarn::limits
