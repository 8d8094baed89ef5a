// The limits of functions. They stand apart from base/limits.hpp, which everything includes; AWS's own limits keep
// AWS's numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

inline constexpr int64_t max_function_timeout_s = 900;
inline constexpr int64_t max_function_memory_mb = 10'240;
inline constexpr int64_t max_ephemeral_storage_mb = 10'240;
inline constexpr std::size_t max_function_name_size = 64;
inline constexpr std::size_t max_function_environment_size_bytes = 4096;
inline constexpr std::size_t max_function_layers = 5;
inline constexpr uint64_t max_zipped_code_size_bytes = 50ull * 1024 * 1024;     // sent in a request
inline constexpr uint64_t max_unzipped_code_size_bytes = 250ull * 1024 * 1024;  // of code and layers together
inline constexpr uint64_t max_code_storage_size_bytes = 75ull * 1024 * 1024 * 1024;
inline constexpr uint64_t max_invoke_payload_size_bytes = 6ull * 1024 * 1024;
inline constexpr uint64_t max_invoke_response_size_bytes = 6ull * 1024 * 1024 + 100;
inline constexpr uint64_t max_event_payload_size_bytes = 1024ull * 1024;
inline constexpr std::size_t max_client_context_size_bytes = 3583;
inline constexpr int64_t max_concurrent_executions = 1000;  // of an account in a region
inline constexpr int64_t min_unreserved_concurrency = 100;  // what reservations must leave
inline constexpr std::size_t log_tail_size_bytes = 4096;
inline constexpr std::size_t max_function_policy_size_bytes = 20 * 1024;
inline constexpr int function_init_timeout_s = 10;
inline constexpr int function_idle_timeout_s = 10 * 60;  // then an environment that nobody needs ends
inline constexpr int function_credentials_lifetime_s = 12 * 3600;
inline constexpr int max_function_processes = 1024;                              // in one environment, as on AWS
inline constexpr uint64_t function_share_of_memory_bytes = 64ull * 1024 * 1024;  // of this machine, for an environment
inline constexpr std::size_t max_runtime_connections = 16;  // of one environment to its runtime API
inline constexpr int64_t default_event_age_s = 6 * 3600;
inline constexpr int64_t default_event_retries = 2;
inline constexpr int max_event_threads = 64;              // asynchronous invocations under way
inline constexpr int64_t default_queue_concurrency = 10;  // batches of one event source mapping at once

}  // namespace tarn::limits
