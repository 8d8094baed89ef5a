// The limits of queues and topics. They stand apart from base/limits.hpp, which everything includes; AWS's own limits
// keep AWS's numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

inline constexpr uint64_t max_message_size_bytes = 1024 * 1024;
inline constexpr std::size_t max_inflight_messages = 120'000;  // of one queue
inline constexpr uint64_t max_notification_size_bytes = 256 * 1024;
inline constexpr int max_filter_combinations =
    150;  // of a filter policy: the product of the numbers of values of each key
inline constexpr std::size_t max_outbox_entries = 1000;  // the oldest go first
inline constexpr int max_delivery_threads = 16;

}  // namespace tarn::limits
