// Metric math ("Amazon CloudWatch User Guide", Using math expressions with CloudWatch metrics): arithmetic, comparisons
// and functions over time series.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/value.hpp"

namespace tarn::meta {

using TimeSeries = std::map<Time, double>;
// A number, a series, or several of them (METRICS(), [m1, m2]).
using MathValue = std::variant<double, TimeSeries, std::vector<TimeSeries>>;

// What an expression may name.
struct MathNames {
  // The value of an id; throws where there is none.
  std::function<MathValue(const std::string& id)> value;
  // The series of all queries that name a metric and whose id contains this text, for METRICS().
  std::function<std::vector<TimeSeries>(std::string_view part_of_id)> metrics;
  std::vector<Time> timeline;  // the start of each period asked for, for FILL and TIME_SERIES
  double period_s = 60;
};

// Throws Error (caller, ValidationError) for what is no expression, and (unsupported, NotImplemented) with the name of
// a function that tarn does not have.
MathValue evaluate_math(std::string_view expression, const MathNames& names);

}  // namespace tarn::meta
