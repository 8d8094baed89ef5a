// The limits of state machines. They stand apart from base/limits.hpp, which everything includes; AWS's own limits keep
// AWS's numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

inline constexpr std::size_t max_state_data_size_bytes = 256 * 1024;  // input and output of states and executions
inline constexpr int64_t max_history_events_strict = 25'000;          // of one execution, with --compat strict
inline constexpr int64_t max_history_events = 1'000'000;              // of one execution, else
inline constexpr int64_t max_inline_map_concurrency = 40;
inline constexpr int64_t max_distributed_map_concurrency = 10'000;
inline constexpr int64_t distributed_map_executions_at_once = 1000;            // where MaxConcurrency says nothing
inline constexpr std::size_t max_map_items = 10'000'000;                       // that an ItemReader gives
inline constexpr uint64_t max_item_source_size_bytes = 1024ull * 1024 * 1024;  // of an object that an ItemReader reads
inline constexpr int max_execution_threads = 16;                               // that advance executions
inline constexpr int max_task_threads = 64;                                    // that wait for what tasks call
inline constexpr int max_step_events = 2000;                                   // written at once
inline constexpr int activity_poll_s = 60;
inline constexpr int max_sync_execution_s = 300;
inline constexpr int redrivable_days = 14;

}  // namespace tarn::limits
