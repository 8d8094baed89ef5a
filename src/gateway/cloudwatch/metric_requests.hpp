// What the handlers of CloudWatch's metrics share: names of metrics, statistics, periods, errors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/cloudwatch.hpp"
#include "api/operations.hpp"
#include "meta/metric_store.hpp"

namespace tarn::gateway {

namespace model = api::cloudwatch;

[[noreturn]] void invalid_value(const std::string& what);
[[noreturn]] void invalid_combination(const std::string& what);

template <class T>
void refuse_given(const std::optional<T>& given, const char* property) {
  if (given)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string("tarn does not have ") + property + " of CloudWatch.");
}

meta::MetricName metric_name(const api::Context& context, const std::string& name_space, const std::string& name,
                             const std::optional<std::vector<model::Dimension>>& dimensions);
model::Metric metric_of(const meta::MetricName& name);

// "Sum", "p99.9" ... of a period; absent where it can't be known (a percentile of sums). What is no statistic throws
// InvalidParameterValue, one that tarn does not have (unsupported, NotImplemented).
std::optional<double> statistic(const meta::StatisticSet& set, const std::string& name);

// A period can be 1, 5, 10, 20, 30 or a multiple of 60 seconds.
void check_period(int64_t period_s);
void check_times(Time from, Time to);
Time rounded_down(Time t, int64_t step_s);

}  // namespace tarn::gateway
