// Limits of CloudWatch's metrics; AWS's own keep AWS's numbers.
#pragma once

#include <cstddef>

namespace tarn::limits {
inline constexpr std::size_t max_metric_data_per_put = 1000;
inline constexpr std::size_t max_values_per_metric_datum = 150;
inline constexpr std::size_t max_metric_queries = 500;
inline constexpr int max_metric_points_per_page = 100'800;
inline constexpr int max_metric_statistics_points = 1440;
inline constexpr std::size_t max_list_metrics = 500;
inline constexpr std::size_t max_metrics_kept = 100'000;  // different ones, of all accounts
}  // namespace tarn::limits
