#include "orchestrate/alarms/alarm_state.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/clock.hpp"

namespace tarn::orchestrate {
namespace {

using Point = std::pair<Time, double>;

// With a decimal point always, as Java prints a double.
std::string number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", v);
  std::string out = text;
  return out.find_first_of(".einf") == out.npos ? out + ".0" : out;
}

std::string datapoints(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " datapoint" : " datapoints");
}

std::string listed(const std::vector<Point>& points) {
  std::string out;
  for (const auto& [at, value] : points)
    out += (out.empty() ? "" : ", ") + number(value) + " (" + format_time(at, "%d/%m/%y %H:%M:%S") + ")";
  return "[" + out + "]";
}

const char* words_of(const std::string& comparison) {
  if (comparison == "GreaterThanOrEqualToThreshold") return "greater than or equal to";
  if (comparison == "LessThanThreshold") return "less than";
  if (comparison == "LessThanOrEqualToThreshold") return "less than or equal to";
  return "greater than";
}

std::string crossed(const AlarmTest& test, const std::vector<Point>& recent, std::size_t missing, bool alarm) {
  const std::string treated = test.treat_missing == "breaching" ? "Breaching" : "NonBreaching";
  if (recent.empty())
    return "Threshold Crossed: no datapoints were received for " + std::to_string(missing) +
           (missing == 1 ? " period" : " periods") + " and " + std::to_string(missing) + " missing " +
           (missing == 1 ? "datapoint was" : "datapoints were") + " treated as [" + treated + "].";
  std::vector<Point> deciding;
  for (const Point& p : recent)
    if (breaches(test, p.second) == alarm) deciding.push_back(p);
  const auto least = static_cast<std::size_t>(alarm ? test.datapoints_to_alarm
                                                    : test.evaluation_periods - test.datapoints_to_alarm + 1);
  return "Threshold Crossed: " + std::to_string(deciding.size()) + " out of the last " +
         std::to_string(test.evaluation_periods) + " datapoints " + listed(deciding) +
         (deciding.size() == 1 ? " was " : " were ") + (alarm ? "" : "not ") + words_of(test.comparison) +
         " the threshold (" + number(test.threshold) + ") (minimum " + datapoints(least) + " for " +
         (alarm ? "OK -> ALARM" : "ALARM -> OK") + " transition).";
}

std::string reason_date(Time t) {
  return format_time(t, "%Y-%m-%dT%H:%M:%S") + ".000+0000";
}

}  // namespace

bool breaches(const AlarmTest& test, double value) {
  if (test.comparison == "GreaterThanOrEqualToThreshold") return value >= test.threshold;
  if (test.comparison == "LessThanThreshold") return value < test.threshold;
  if (test.comparison == "LessThanOrEqualToThreshold") return value <= test.threshold;
  return value > test.threshold;
}

std::optional<AlarmVerdict> judge(const AlarmTest& test, const std::map<Time, double>& points,
                                  const std::string& present_state, Time now) {
  std::vector<Point> recent(points.begin(), points.end());
  const auto wanted = static_cast<std::size_t>(test.evaluation_periods);
  if (recent.size() > wanted) recent.erase(recent.begin(), recent.end() - test.evaluation_periods);
  const std::size_t missing = wanted - recent.size();
  const auto breaching = static_cast<int64_t>(
      std::count_if(recent.begin(), recent.end(), [&](const Point& p) { return breaches(test, p.second); }));
  const bool all_breach = !recent.empty() && breaching == static_cast<int64_t>(recent.size());
  const bool enough = breaching >= test.datapoints_to_alarm;

  std::string state = enough ? "ALARM" : "OK";
  if (test.treat_missing == "breaching") {
    if (breaching + static_cast<int64_t>(missing) >= test.datapoints_to_alarm) state = "ALARM";
  } else if (test.treat_missing == "ignore") {
    if (recent.empty() || (!enough && missing > 0 && all_breach)) return std::nullopt;
  } else if (test.treat_missing == "missing") {
    if (recent.empty()) state = "INSUFFICIENT_DATA";
    if (missing > 0 && all_breach) state = "ALARM";
  }
  if (state == present_state) return std::nullopt;

  AlarmVerdict out;
  out.state = state;
  out.reason = state == "INSUFFICIENT_DATA"
                   ? "Insufficient Data: " + datapoints(missing) + (missing == 1 ? " was" : " were") + " unknown."
                   : crossed(test, recent, missing, state == "ALARM");
  Value values = Value::list(), evaluated = Value::list();
  for (const auto& [at, value] : recent) {
    values.push_back(value);
    evaluated.push_back(Value::map({{"timestamp", reason_date(at)}, {"value", value}}));
  }
  out.reason_data = Value::map({{"version", "1.0"}, {"queryDate", reason_date(now)}});
  if (!recent.empty()) out.reason_data.set("startDate", reason_date(recent.front().first));
  out.reason_data.set("period", test.period_s)
      .set("recentDatapoints", std::move(values))
      .set("threshold", test.threshold)
      .set("evaluatedDatapoints", std::move(evaluated));
  return out;
}

}  // namespace tarn::orchestrate
