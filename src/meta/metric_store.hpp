// The data points of CloudWatch's metrics, in a RocksDB of their own that is opened when the first point is written.
//
// Points are kept as sums over four lengths of time, for as long as AWS keeps them: seconds (where they were asked for)
// 3 hours, minutes 15 days, 5 minutes 63 days, hours 455 days. Tarn's own metrics gather in memory and are written once
// a second, so that counting costs little where much happens; a reader sees what was gathered.
//
// Thread-safe. Failing storage throws Error (bug, InternalFailure).
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "meta/metric_limits.hpp"
#include "meta/statistic_set.hpp"

namespace tarn::meta {

struct MetricName {
  std::string account, region;
  std::string name_space, name;  // "AWS/Lambda", "Invocations"
  std::map<std::string, std::string> dimensions;
  auto operator<=>(const MetricName&) const = default;
};

struct MetricSample {
  MetricName metric;
  std::string unit = "None";  // as CloudWatch names it: "Count", "Milliseconds"
  Time at{};
  StatisticSet values;
  bool by_second = false;  // StorageResolution 1
};

class MetricStore {
 public:
  // `durable` false leaves out the flushes: for throw-away use.
  MetricStore(Clock& clock, std::string path, bool durable = true);
  ~MetricStore();  // what was gathered is written
  MetricStore(const MetricStore&) = delete;

  // Tarn's own metrics: counts one value at the present time. Cheap; never throws: a value that can't be kept is lost.
  void put(const MetricName& metric, double value, std::string_view unit);

  // What a client puts: on disk when it returns, all or none. More different metrics than limits.hpp allows throw Error
  // (limit, LimitExceeded).
  void put(std::span<const MetricSample> samples);

  // In the order of their names, those for which `wanted` says so, with the time of their newest point.
  std::vector<std::pair<MetricName, Time>> list(const std::string& account, const std::string& region,
                                                const std::function<bool(const MetricName&)>& wanted);

  // What the metric had in each period from `from` (inclusive) to `to` (exclusive), by unit and by the period's start.
  // Periods begin at `from` and are as long as a length that is kept, or a multiple of it; those without a point are
  // left out. With a unit, only what came with it.
  using Points = std::map<Time, StatisticSet>;
  std::map<std::string, Points> points(const MetricName& metric, const std::optional<std::string>& unit, Time from,
                                       Time to, std::chrono::seconds period);

  // Forgets everything.
  void reset();

 private:
  struct Database;
  Database* open(bool make);  // nullptr when there is none yet and `make` is false
  void write(std::span<const MetricSample> samples, bool flush);
  void write_gathered();
  void gather(std::stop_token stop);

  Clock& clock_;
  const std::string path_;
  const bool durable_;
  std::mutex mutex_;  // guards the database
  std::unique_ptr<Database> database_;

  std::mutex gathering_;  // guards what follows; never held while the database is used
  std::map<std::pair<MetricName, std::string>, std::map<int64_t, StatisticSet>> gathered_;  // by minute
  std::condition_variable_any dirty_;
  std::jthread thread_;
};

}  // namespace tarn::meta
