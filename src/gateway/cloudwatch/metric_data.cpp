#include "gateway/cloudwatch/metric_data.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "meta/metric_math.hpp"

namespace tarn::gateway {
namespace {

using meta::MathValue;
using meta::TimeSeries;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationError", what);
}

bool is_id(const std::string& id) {
  return !id.empty() && std::islower(static_cast<unsigned char>(id.front())) &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

// The queries of one request, each evaluated once, when it is first asked for.
class Evaluation {
 public:
  Evaluation(meta::MetricStore& store, const api::Context& context, const model::GetMetricDataInput& in)
      : store_(store), context_(context), in_(in) {
    if (in.metric_data_queries.empty() || in.metric_data_queries.size() > limits::max_metric_queries)
      invalid("MetricDataQueries must have 1 to " + std::to_string(limits::max_metric_queries) + " items.");
    for (const model::MetricDataQuery& q : in.metric_data_queries) check(q);
    for (const model::MetricDataQuery& q : in.metric_data_queries)
      period_s_ = std::max(period_s_, q.metric_stat ? q.metric_stat->period : q.period.value_or(0));
    if (period_s_ == 0) period_s_ = 300;
  }

  const MathValue& value(const std::string& id) {
    if (auto known = values_.find(id); known != values_.end()) return known->second;
    auto query = queries_.find(id);
    if (query == queries_.end()) invalid("The expression names " + id + ", which is no query's Id.");
    if (!under_way_.insert(id).second) invalid("The expression " + id + " depends on itself.");
    MathValue v =
        query->second->metric_stat ? MathValue(series(*query->second->metric_stat)) : expression(*query->second);
    under_way_.erase(id);
    return values_.emplace(id, std::move(v)).first->second;
  }

 private:
  void check(const model::MetricDataQuery& q) {
    if (!is_id(q.id))
      invalid("The Id " + q.id + " must begin with a lower-case letter and hold letters, digits and _.");
    if (!queries_.emplace(q.id, &q).second) invalid("The values for parameter Id in MetricDataQueries are not unique.");
    if (q.metric_stat.has_value() == q.expression.has_value())
      invalid("Query " + q.id + " must have either MetricStat or Expression.");
    refuse_given(q.account_id, "AccountId in MetricDataQueries");
    if (q.label && q.label->find("${") != std::string::npos)
      throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not have dynamic labels: " + *q.label + ".");
    if (q.metric_stat) {
      check_period(q.metric_stat->period);
      const model::Metric& metric = q.metric_stat->metric;
      if (!metric.namespace_ || !metric.metric_name) invalid("MetricStat.Metric must have Namespace and MetricName.");
      statistic({}, q.metric_stat->stat);
    } else if (q.period) {
      check_period(*q.period);
    }
  }

  TimeSeries series(const model::MetricStat& stat) {
    Time from = rounded_down(in_.start_time, stat.period);
    auto name = metric_name(context_, *stat.metric.namespace_, *stat.metric.metric_name, stat.metric.dimensions);
    meta::MetricStore::Points all;
    for (const auto& [unit, points] :
         store_.points(name, stat.unit, from, in_.end_time, std::chrono::seconds(stat.period)))
      for (const auto& [at, set] : points) all[at].add(set);
    TimeSeries out;
    for (const auto& [at, set] : all)
      if (auto v = statistic(set, stat.stat)) out[at] = *v;
    return out;
  }

  MathValue expression(const model::MetricDataQuery& q) {
    if (q.expression->find("SEARCH(") != std::string::npos || q.expression->starts_with("SELECT"))
      throw Error(ErrorKind::unsupported, "NotImplemented",
                  "tarn does not have SEARCH expressions and Metrics Insights queries: " + q.id + ".");
    meta::MathNames names;
    names.value = [this](const std::string& id) { return value(id); };
    names.metrics = [this](std::string_view part) {
      std::vector<TimeSeries> out;
      for (const model::MetricDataQuery& other : in_.metric_data_queries)
        if (other.metric_stat && other.id.find(part) != std::string::npos)
          out.push_back(std::get<TimeSeries>(value(other.id)));
      return out;
    };
    names.period_s = static_cast<double>(period_s_);
    for (Time at = rounded_down(in_.start_time, period_s_); at < in_.end_time; at += std::chrono::seconds(period_s_)) {
      names.timeline.push_back(at);
      if (names.timeline.size() > static_cast<std::size_t>(limits::max_metric_points_per_page))
        invalid("The time range has more periods than " + std::to_string(limits::max_metric_points_per_page) + ".");
    }
    return meta::evaluate_math(*q.expression, names);
  }

  meta::MetricStore& store_;
  const api::Context& context_;
  const model::GetMetricDataInput& in_;
  int64_t period_s_ = 0;
  std::map<std::string, const model::MetricDataQuery*> queries_;
  std::map<std::string, MathValue> values_;
  std::set<std::string> under_way_;
};

model::MetricDataResult result_of(const model::MetricDataQuery& q, const TimeSeries& series, bool ascending) {
  model::MetricDataResult out;
  out.id = q.id;
  out.label = q.label ? *q.label : q.metric_stat ? q.metric_stat->metric.metric_name.value_or("") : q.id;
  out.status_code = "Complete";
  out.timestamps.emplace();
  out.values.emplace();
  for (const auto& [at, v] : series) {
    out.timestamps->push_back(at);
    out.values->push_back(v);
  }
  if (!ascending) {
    std::reverse(out.timestamps->begin(), out.timestamps->end());
    std::reverse(out.values->begin(), out.values->end());
  }
  return out;
}

// The part of the results that lies on the page that begins after `from` points.
void cut_page(model::GetMetricDataOutput& out, std::size_t from, std::size_t most) {
  std::size_t seen = 0;
  std::vector<model::MetricDataResult> page;
  for (model::MetricDataResult& r : *out.metric_data_results) {
    const std::size_t size = r.values->size(), begin = seen, end = seen + size;
    seen = end;
    const bool empty_here = size == 0 && begin >= from && begin < from + most;
    std::size_t first = std::max(begin, from), last = std::min(end, from + most);
    if (first >= last && !empty_here) continue;
    auto cut = [&](auto& list) {
      list = {list.begin() + static_cast<std::ptrdiff_t>(first - begin),
              list.begin() + static_cast<std::ptrdiff_t>(last - begin)};
    };
    if (!empty_here) {
      cut(*r.timestamps);
      cut(*r.values);
      if (last < end) r.status_code = "PartialData";
    }
    page.push_back(std::move(r));
  }
  out.metric_data_results = std::move(page);
  if (seen > from + most) out.next_token = page_token(from + most);
}

}  // namespace

std::string page_token(std::size_t place) {
  return base64_encode(std::to_string(place));
}

std::size_t page_place(const std::string& token) {
  auto text = base64_decode(token);
  std::size_t place = 0;
  if (text) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), place);
    if (error == std::errc() && end == text->data() + text->size()) return place;
  }
  throw Error(ErrorKind::caller, "InvalidNextToken", "The NextToken is none that this operation gave.");
}

model::GetMetricDataOutput get_metric_data(meta::MetricStore& store, api::Context& context,
                                           const model::GetMetricDataInput& in) {
  check_times(in.start_time, in.end_time);
  refuse_given(in.label_options, "LabelOptions");
  int64_t most = in.max_datapoints.value_or(limits::max_metric_points_per_page);
  if (most < 1 || most > limits::max_metric_points_per_page)
    invalid("MaxDatapoints must be from 1 to " + std::to_string(limits::max_metric_points_per_page) + ".");
  const bool ascending = in.scan_by == "TimestampAscending";
  Evaluation evaluation(store, context, in);
  model::GetMetricDataOutput out;
  out.metric_data_results.emplace();
  out.messages.emplace();
  for (const model::MetricDataQuery& q : in.metric_data_queries) {
    if (!q.return_data.value_or(true)) continue;
    const MathValue& v = evaluation.value(q.id);
    if (std::holds_alternative<double>(v)) invalid("The expression " + q.id + " does not return a time series.");
    if (auto* list = std::get_if<std::vector<TimeSeries>>(&v)) {
      for (const TimeSeries& one : *list) out.metric_data_results->push_back(result_of(q, one, ascending));
      continue;
    }
    out.metric_data_results->push_back(result_of(q, std::get<TimeSeries>(v), ascending));
  }
  cut_page(out, in.next_token ? page_place(*in.next_token) : 0, static_cast<std::size_t>(most));
  return out;
}

}  // namespace tarn::gateway
