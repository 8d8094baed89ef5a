#include "gateway/cloudwatch/metric_requests.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"

namespace tarn::gateway {

void invalid_value(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterValue", what);
}
void invalid_combination(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterCombination", what);
}

meta::MetricName metric_name(const api::Context& context, const std::string& name_space, const std::string& name,
                             const std::optional<std::vector<model::Dimension>>& dimensions) {
  meta::MetricName out{context.account(), context.region, name_space, name, {}};
  for (const model::Dimension& d : dimensions.value_or(std::vector<model::Dimension>{}))
    if (!out.dimensions.emplace(d.name, d.value).second)
      invalid_value("No two dimensions of a metric may have the same name: " + d.name + ".");
  return out;
}

model::Metric metric_of(const meta::MetricName& name) {
  model::Metric out;
  out.namespace_ = name.name_space;
  out.metric_name = name.name;
  out.dimensions.emplace();
  for (const auto& [key, value] : name.dimensions) out.dimensions->push_back({key, value});
  return out;
}

std::optional<double> statistic(const meta::StatisticSet& set, const std::string& name) {
  if (name == "SampleCount") return set.count;
  if (name == "Average") return set.average();
  if (name == "Sum") return set.sum;
  if (name == "Minimum") return set.minimum;
  if (name == "Maximum") return set.maximum;
  if (name.size() > 1 && name.front() == 'p') {
    double percent = 0;
    auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), percent);
    if (error == std::errc() && end == name.data() + name.size() && percent >= 0 && percent <= 100)
      return set.percentile(percent);
  }
  static constexpr std::array<std::string_view, 6> others = {"tm", "wm", "tc", "ts", "PR", "IQM"};
  for (std::string_view other : others) {
    std::string_view start = std::string_view(name).substr(0, other.size());
    bool same = std::equal(start.begin(), start.end(), other.begin(), other.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    });
    if (same) throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not have the statistic " + name + ".");
  }
  invalid_value("The value " + name + " is no statistic.");
}

void check_period(int64_t period_s) {
  bool short_one = period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 || period_s == 30;
  if (!short_one && (period_s < 60 || period_s % 60 != 0))
    invalid_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
}

void check_times(Time from, Time to) {
  if (from >= to) invalid_value("The parameter StartTime must be less than the parameter EndTime.");
}

Time rounded_down(Time t, int64_t step_s) {
  auto step = std::chrono::seconds(step_s);
  auto since = t.time_since_epoch();
  return Time(since - since % std::chrono::duration_cast<std::chrono::milliseconds>(step));
}

}  // namespace tarn::gateway
