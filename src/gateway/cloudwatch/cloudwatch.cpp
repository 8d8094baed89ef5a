#include "gateway/cloudwatch/cloudwatch.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "gateway/cloudwatch/metric_data.hpp"
#include "gateway/cloudwatch/metric_requests.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using meta::MetricStore;

void check_number(double v, const char* what) {
  static const double most = std::pow(2.0, 360);
  if (!std::isfinite(v) || std::abs(v) > most)
    invalid_value(std::string("The value of ") + what + " must be a number from -2^360 to 2^360.");
}

meta::StatisticSet values_of(const model::MetricDatum& datum, const std::string& where) {
  int given = (datum.value ? 1 : 0) + (datum.statistic_values ? 1 : 0) + (datum.values ? 1 : 0);
  if (given == 0)
    throw Error(
        ErrorKind::caller, "MissingParameter",
        "The parameter " + where + ".Value, " + where + ".StatisticValues or " + where + ".Values must be given.");
  if (given > 1)
    invalid_combination("The parameters " + where + ".Value, " + where + ".StatisticValues and " + where +
                        ".Values exclude each other.");
  if (datum.counts && !datum.values) invalid_combination(where + ".Counts is for " + where + ".Values.");
  meta::StatisticSet out;
  if (datum.value) {
    check_number(*datum.value, "Value");
    out.add(*datum.value);
  } else if (datum.statistic_values) {
    const model::StatisticSet& s = *datum.statistic_values;
    for (double v : {s.sample_count, s.sum, s.minimum, s.maximum}) check_number(v, "StatisticValues");
    if (s.sample_count <= 0) invalid_value(where + ".StatisticValues.SampleCount must be greater than 0.");
    if (s.minimum > s.maximum) invalid_value(where + ".StatisticValues.Minimum must not be greater than Maximum.");
    out = meta::StatisticSet::of_sums(s.sample_count, s.sum, s.minimum, s.maximum);
  } else {
    const auto& values = *datum.values;
    if (values.empty() || values.size() > limits::max_values_per_metric_datum)
      invalid_value(where + ".Values must have 1 to " + std::to_string(limits::max_values_per_metric_datum) +
                    " items.");
    if (datum.counts && datum.counts->size() != values.size())
      invalid_value(where + ".Values and " + where + ".Counts must have the same number of items.");
    for (std::size_t i = 0; i < values.size(); ++i) {
      double times = datum.counts ? (*datum.counts)[i] : 1;
      check_number(values[i], "Values");
      check_number(times, "Counts");
      if (times <= 0) invalid_value(where + ".Counts must be greater than 0.");
      out.add(values[i], times);
    }
  }
  return out;
}

api::Empty put_metric_data(MetricStore& store, Context& context, const model::PutMetricDataInput& in) {
  refuse_given(in.entity_metric_data, "EntityMetricData");
  refuse_given(in.strict_entity_validation, "StrictEntityValidation");
  if (in.namespace_.starts_with("AWS/")) invalid_value("The parameter Namespace must not begin with AWS/.");
  const auto data = in.metric_data.value_or(std::vector<model::MetricDatum>{});
  if (data.empty())
    throw Error(ErrorKind::caller, "MissingParameter", "The parameter MetricData must contain at least one item.");
  if (data.size() > limits::max_metric_data_per_put)
    invalid_value("The collection MetricData must not have a size greater than " +
                  std::to_string(limits::max_metric_data_per_put) + ".");
  std::vector<meta::MetricSample> samples;
  for (const model::MetricDatum& datum : data) {
    std::string where = "MetricData.member." + std::to_string(samples.size() + 1);
    meta::MetricSample sample;
    sample.metric = metric_name(context, in.namespace_, datum.metric_name, datum.dimensions);
    sample.unit = datum.unit.value_or("None");
    sample.at = datum.timestamp.value_or(context.now);
    if (sample.at < context.now - std::chrono::weeks(2) || sample.at > context.now + std::chrono::hours(2))
      invalid_value("The parameter " + where + ".Timestamp must lie within the past two weeks and the next two hours.");
    sample.values = values_of(datum, where);
    if (datum.storage_resolution && *datum.storage_resolution != 1 && *datum.storage_resolution != 60)
      invalid_value("The parameter " + where + ".StorageResolution must be 1 or 60.");
    sample.by_second = datum.storage_resolution == 1;
    samples.push_back(std::move(sample));
  }
  store.put(samples);
  return {};
}

bool has_dimensions(const meta::MetricName& metric, const std::vector<model::DimensionFilter>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const model::DimensionFilter& f) {
    auto found = metric.dimensions.find(f.name);
    return found != metric.dimensions.end() && (!f.value || *f.value == found->second);
  });
}

model::ListMetricsOutput list_metrics(MetricStore& store, Context& context, const model::ListMetricsInput& in) {
  if (in.include_linked_accounts.value_or(false)) refuse_given(in.include_linked_accounts, "IncludeLinkedAccounts");
  refuse_given(in.owning_account, "OwningAccount");
  const auto filters = in.dimensions.value_or(std::vector<model::DimensionFilter>{});
  auto all = store.list(context.account(), context.region, [&](const meta::MetricName& metric) {
    return (!in.namespace_ || *in.namespace_ == metric.name_space) &&
           (!in.metric_name || *in.metric_name == metric.name) && has_dimensions(metric, filters);
  });
  // AWS lists what had a point within two weeks.
  Time oldest = context.now - (in.recently_active ? std::chrono::hours(3) : std::chrono::hours(14 * 24));
  std::erase_if(all, [&](const auto& metric) { return metric.second < oldest; });
  std::size_t from = in.next_token ? page_place(*in.next_token) : 0;
  model::ListMetricsOutput out;
  out.metrics.emplace();
  for (std::size_t i = from; i < all.size() && i < from + limits::max_list_metrics; ++i)
    out.metrics->push_back(metric_of(all[i].first));
  if (all.size() > from + limits::max_list_metrics) out.next_token = page_token(from + limits::max_list_metrics);
  return out;
}

model::GetMetricStatisticsOutput get_statistics(MetricStore& store, Context& context,
                                                const model::GetMetricStatisticsInput& in) {
  check_times(in.start_time, in.end_time);
  check_period(in.period);
  const auto names = in.statistics.value_or(std::vector<std::string>{});
  const auto percentiles = in.extended_statistics.value_or(std::vector<std::string>{});
  if (names.empty() && percentiles.empty())
    throw Error(ErrorKind::caller, "MissingParameter", "Statistics or ExtendedStatistics must be given.");
  Time from = rounded_down(in.start_time, in.period < 60 ? in.period : 60);
  if ((in.end_time - from) / std::chrono::seconds(in.period) > limits::max_metric_statistics_points)
    invalid_combination(
        "You have requested more datapoints than the limit of 1,440. You may reduce the datapoints requested by "
        "increasing Period, or decreasing the time range.");
  auto points = store.points(metric_name(context, in.namespace_, in.metric_name, in.dimensions), in.unit, from,
                             in.end_time, std::chrono::seconds(in.period));
  model::GetMetricStatisticsOutput out;
  out.label = in.metric_name;
  out.datapoints.emplace();
  for (const auto& [unit, at_times] : points)
    for (const auto& [at, set] : at_times) {
      model::Datapoint& point = out.datapoints->emplace_back();
      point.timestamp = at;
      point.unit = unit;
      for (const std::string& name : names) {
        auto v = statistic(set, name);
        (name == "SampleCount" ? point.sample_count
         : name == "Average"   ? point.average
         : name == "Sum"       ? point.sum
         : name == "Minimum"   ? point.minimum
                               : point.maximum) = v;
      }
      for (const std::string& name : percentiles)
        if (auto v = statistic(set, name)) {
          if (!point.extended_statistics) point.extended_statistics.emplace();
          (*point.extended_statistics)[name] = *v;
        }
    }
  if (points.empty())
    for (const std::string& name : percentiles) statistic({}, name);  // one that is none is told all the same
  return out;
}

}  // namespace

void register_cloudwatch(api::Operations& operations, MetricStore& store) {
  namespace op = model::op;
  operations.on<op::PutMetricData>(
      [&](Context& c, const model::PutMetricDataInput& in) { return put_metric_data(store, c, in); });
  operations.on<op::ListMetrics>(
      [&](Context& c, const model::ListMetricsInput& in) { return list_metrics(store, c, in); });
  operations.on<op::GetMetricStatistics>(
      [&](Context& c, const model::GetMetricStatisticsInput& in) { return get_statistics(store, c, in); });
  operations.on<op::GetMetricData>(
      [&](Context& c, const model::GetMetricDataInput& in) { return get_metric_data(store, c, in); });
}

}  // namespace tarn::gateway
