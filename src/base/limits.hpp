// Every limit of tarn, with its unit in its name. AWS's own limits keep AWS's numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

// HTTP
inline constexpr uint64_t max_request_head_size_bytes = 64 * 1024;
inline constexpr uint64_t max_control_body_size_bytes = 64 * 1024 * 1024;
inline constexpr int idle_connection_timeout_s = 120;
inline constexpr int body_read_timeout_s = 60;
inline constexpr int max_worker_threads = 256;
inline constexpr int max_connections = 10'000;
inline constexpr int max_clock_skew_s = 15 * 60;
inline constexpr std::size_t max_form_parameters = 20'000;
inline constexpr int max_body_depth = 128;  // XML elements, CBOR items and form names within each other
inline constexpr int max_presigned_lifetime_s = 7 * 24 * 3600;

// S3
inline constexpr uint64_t max_object_size_bytes = 5ull * 1024 * 1024 * 1024 * 1024;
inline constexpr uint64_t max_single_put_size_bytes = 5ull * 1024 * 1024 * 1024;
inline constexpr uint64_t min_part_size_bytes = 5 * 1024 * 1024;
inline constexpr int max_parts = 10'000;
inline constexpr int max_key_size_bytes = 1024;
inline constexpr int max_user_metadata_size_bytes = 2048;
inline constexpr int max_list_keys = 1000;
inline constexpr int max_delete_objects = 1000;
inline constexpr int max_default_retention_days = 36'500;
inline constexpr int max_default_retention_years = 100;
inline constexpr uint64_t max_inline_object_size_bytes = 32 * 1024;  // larger bodies are files of their own
inline constexpr uint64_t reserved_disk_space_bytes =
    64 * 1024 * 1024;  // kept free, so that deleting still works on a full disk

inline constexpr std::size_t max_bucket_configurations = 1000;  // of analytics, inventory, metrics and tiering, each
inline constexpr std::size_t max_bucket_policy_size_bytes = 20 * 1024;
inline constexpr std::size_t max_lifecycle_rules = 1000;
inline constexpr std::size_t max_notification_rules = 100;
inline constexpr std::size_t max_unread_object_events = 1'000'000;    // in the outbox, for each of its readers
inline constexpr std::size_t max_undelivered_object_events = 10'000;  // tried again, before newer ones are looked at
inline constexpr std::size_t max_form_fields_size_bytes = 20 * 1024;  // of a browser's upload, before the file
inline constexpr int object_event_lifetime_h = 24;  // a destination that fails so long gets it no more

// Athena
inline constexpr int max_query_string_size_bytes = 262'144;
inline constexpr int max_query_results_rows = 1000;

// Glue jobs
inline constexpr int max_job_timeout_min = 7 * 24 * 60;
inline constexpr int default_job_timeout_min = 48 * 60;
inline constexpr int default_job_timeout_glue5_min = 8 * 60;
inline constexpr int max_concurrent_runs_of_job = 1000;
inline constexpr int max_concurrent_job_runs = 100;  // those of all jobs that are under way or wait
inline constexpr int job_run_history_days = 90;
inline constexpr int max_job_processes = 2048;                              // in one run's tree
inline constexpr uint64_t max_job_file_size_bytes = 1024ull * 1024 * 1024;  // a script, or a file that comes with it

// CloudWatch Logs
inline constexpr uint64_t max_log_event_size_bytes = 1024 * 1024;
inline constexpr uint64_t max_log_batch_size_bytes = 1024 * 1024;
inline constexpr uint64_t max_log_page_size_bytes = 1024 * 1024;
inline constexpr int max_log_page_events = 10'000;
inline constexpr int max_log_events_scanned = 200'000;  // by one FilterLogEvents, which then gives a token to go on

// Text handed on by another process
inline constexpr uint64_t max_log_line_size_bytes = 256 * 1024;

}  // namespace tarn::limits
