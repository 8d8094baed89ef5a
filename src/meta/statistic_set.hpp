// What CloudWatch keeps of the values that a metric had within a time: how many, their sum, the least, the greatest,
// and (where each value was told) how they are distributed, for percentiles.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::meta {

struct StatisticSet {
  double count = 0, sum = 0, minimum = 0, maximum = 0;
  // How often a value came, by its class; values within a quarter of a percent share a class. Empty while the
  // distribution is not known, since sums came without their values, or too many different ones.
  std::map<int32_t, double> classes;
  bool distributed = true;

  // Adds a value that came `times` times; the value and the times are finite, the times greater than 0.
  void add(double value, double times = 1);
  // Adds what somebody else has summed up.
  void add(const StatisticSet& other);
  // One that is known by its sums alone; where there is but one value, it is known after all.
  static StatisticSet of_sums(double count, double sum, double minimum, double maximum);

  double average() const { return count > 0 ? sum / count : 0; }
  // The value that `percent` of all do not pass, to a quarter of a percent; absent where the distribution is not known.
  std::optional<double> percentile(double percent) const;
};

// On disk. decode() takes any bytes; those that encode() did not make give an absent result.
std::string encode(const StatisticSet& set);
std::optional<StatisticSet> decode_statistic_set(std::string_view bytes);

}  // namespace tarn::meta
