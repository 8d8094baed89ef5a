#include "meta/metric_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/random.hpp"
#include "meta/metric_math.hpp"

namespace tarn::meta {
namespace {

using namespace std::chrono_literals;
const Time start = Time{} + std::chrono::days(20000);

struct MetricStoreTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("tarn-metrics-" + SystemRandom().hex(12));
  ManualClock clock{start};
  std::unique_ptr<MetricStore> store = std::make_unique<MetricStore>(clock, folder, false);
  MetricName sent{"000000000000", "us-east-1", "AWS/SQS", "NumberOfMessagesSent", {{"QueueName", "q"}}};

  ~MetricStoreTest() override {
    store.reset();
    std::filesystem::remove_all(folder);
  }
  MetricSample sample(Time at, double value) {
    MetricSample s{sent, "Count", at, {}, false};
    s.values.add(value);
    return s;
  }
  MetricStore::Points points(std::chrono::seconds period) {
    return store->points(sent, "Count", start, start + 24h, period)["Count"];
  }
};

TEST_F(MetricStoreTest, SumsByPeriodAndSurvivesARestart) {
  std::vector<MetricSample> some = {sample(start, 1), sample(start + 30s, 2), sample(start + 61s, 4)};
  store->put(some);
  store.reset();
  store = std::make_unique<MetricStore>(clock, folder, false);
  auto by_minute = points(60s);
  ASSERT_EQ(by_minute.size(), 2u);
  EXPECT_EQ(by_minute[start].sum, 3);
  EXPECT_EQ(by_minute[start].count, 2);
  EXPECT_EQ(by_minute[start + 60s].maximum, 4);
  auto by_hour = points(3600s);
  ASSERT_EQ(by_hour.size(), 1u);
  EXPECT_EQ(by_hour[start].sum, 7);
  EXPECT_EQ(by_hour[start].minimum, 1);
}

TEST_F(MetricStoreTest, WhatTarnCountsItselfShowsAtOnce) {
  for (int i = 0; i < 1000; ++i) store->put(sent, 1, "Count");
  EXPECT_EQ(points(60s)[start].sum, 1000);
  auto all = store->list("000000000000", "us-east-1", [](const MetricName&) { return true; });
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].first, sent);
  EXPECT_TRUE(store->list("000000000000", "eu-west-1", [](const MetricName&) { return true; }).empty());
}

TEST_F(MetricStoreTest, OldMinutesGoAndHoursStay) {
  store->put(std::vector{sample(start, 1)});
  clock.advance(16 * 24h);
  store->put(std::vector{sample(clock.now(), 1)});
  auto minutes = store->points(sent, {}, start, start + 1h, 60s);
  ASSERT_EQ(minutes["Count"].size(), 1u) << "told by five minutes";
  clock.advance(64 * 24h);
  store->put(std::vector{sample(clock.now(), 1)});
  EXPECT_EQ(store->points(sent, {}, start, start + 1h, 3600s)["Count"][start].sum, 1);
}

TEST(StatisticSet, PercentilesAreWithinAQuarterOfAPercent) {
  StatisticSet set;
  for (int i = 1; i <= 1000; ++i) set.add(i);
  EXPECT_NEAR(*set.percentile(50), 500, 500 * 0.005);
  EXPECT_NEAR(*set.percentile(99), 990, 990 * 0.005);
  EXPECT_EQ(*set.percentile(100), 1000);
  auto again = decode_statistic_set(encode(set));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->percentile(50), set.percentile(50));
  set.add(StatisticSet::of_sums(2, 10, 1, 9));
  EXPECT_FALSE(set.percentile(50)) << "sums tell no distribution";
  EXPECT_FALSE(decode_statistic_set("short"));
}

struct MetricMathTest : testing::Test {
  TimeSeries m1 = {{start, 10}, {start + 60s, 20}, {start + 180s, 40}};
  TimeSeries m2 = {{start, 2}, {start + 60s, 0}};
  MathNames names;
  MetricMathTest() {
    names.timeline = {start, start + 60s, start + 120s, start + 180s};
    names.value = [this](const std::string& id) -> MathValue {
      if (id == "m1") return m1;
      if (id == "m2") return m2;
      throw Error(ErrorKind::caller, "ValidationError", "no " + id);
    };
    names.metrics = [this](std::string_view) { return std::vector<TimeSeries>{m1, m2}; };
  }
  TimeSeries series(const char* text) { return std::get<TimeSeries>(evaluate_math(text, names)); }
  double number(const char* text) { return std::get<double>(evaluate_math(text, names)); }
  std::string error(const char* text) {
    try {
      evaluate_math(text, names);
      return "none";
    } catch (const Error& e) {
      return e.code();
    }
  }
};

TEST_F(MetricMathTest, Expressions) {
  EXPECT_EQ(number("2 + 3 * 4 ^ 2 / 8 - -1"), 9);
  EXPECT_EQ(series("m1 / m2"), (TimeSeries{{start, 5}})) << "a division by 0 has no point";
  EXPECT_EQ(series("SUM(METRICS())")[start], 12);
  EXPECT_EQ(number("SUM(m1)"), 70);
  EXPECT_EQ(number("AVG(m2)"), 1);
  EXPECT_EQ(series("100 * m1 / SUM([m1, m1])")[start + 60s], 50);
  EXPECT_EQ(series("FILL(m2, 7)")[start + 180s], 7);
  EXPECT_EQ(series("FILL(m1, REPEAT)")[start + 120s], 20);
  EXPECT_EQ(series("FILL(m1, LINEAR)")[start + 120s], 30);
  EXPECT_EQ(series("RUNNING_SUM(m1)")[start + 180s], 70);
  EXPECT_EQ(series("DIFF(m1)").size(), 2u);
  EXPECT_EQ(series("RATE(m1)")[start + 180s], 20.0 / 120);
  EXPECT_EQ(series("IF(m1 > 15 AND m1 < 30, m1, 0)"), (TimeSeries{{start, 0}, {start + 60s, 20}, {start + 180s, 0}}));
  EXPECT_EQ(series("IF(m1 > 15, 1)").size(), 2u);
  EXPECT_EQ(series("TIME_SERIES(3)").size(), 4u);
  EXPECT_EQ(error("m1 +"), "ValidationError");
  EXPECT_EQ(error("(m1"), "ValidationError");
  EXPECT_EQ(error("m9"), "ValidationError");
  EXPECT_EQ(error("ANOMALY_DETECTION_BAND(m1)"), "NotImplemented");
  EXPECT_EQ(error(std::string(5000, '(').c_str()), "ValidationError");
}

}  // namespace
}  // namespace tarn::meta
