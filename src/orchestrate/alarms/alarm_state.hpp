// What state a metric alarm is in, given the points of its metric ("Amazon CloudWatch User Guide", Evaluating an alarm,
// and: Configuring how CloudWatch alarms treat missing data). Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/value.hpp"

namespace tarn::orchestrate {

struct AlarmTest {
  int64_t period_s = 60;
  int64_t evaluation_periods = 1, datapoints_to_alarm = 1;
  double threshold = 0;
  std::string comparison;                 // "GreaterThanThreshold" ...
  std::string treat_missing = "missing";  // or "ignore", "breaching", "notBreaching"

  // How many periods are looked at: more than are evaluated, so that a late point or two does no harm.
  int64_t range_periods() const { return evaluation_periods + 2; }
};

struct AlarmVerdict {
  std::string state;   // "OK", "ALARM", "INSUFFICIENT_DATA"
  std::string reason;  // as CloudWatch words it
  Value reason_data;   // a map
};

bool breaches(const AlarmTest& test, double value);

// `points`: by the start of their period, those of the range; `now` goes into the reason's data. Absent: the state that
// it has stays.
std::optional<AlarmVerdict> judge(const AlarmTest& test, const std::map<Time, double>& points,
                                  const std::string& present_state, Time now);

}  // namespace tarn::orchestrate
