#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tarn {
namespace {

using testing::HasSubstr;

TEST(Metrics, TextHasEverySeries) {
  Metrics metrics;
  metrics.counter("requests_total", "Requests.", {{"operation", "s3:GetObject"}, {"status", "200"}}).add(2);
  metrics.counter("requests_total", "Requests.", {{"operation", "a\"b"}}).add();
  metrics.histogram("duration_seconds", "Durations.").observe(2000);
  metrics.gauge("connections", "Open.", [] { return 3.0; });
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("requests_total{operation=\"s3:GetObject\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("requests_total{operation=\"a\\\"b\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_bucket{le=\"0.001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_bucket{le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_bucket{le=\"+Inf\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_sum 0.002\n"));
  EXPECT_THAT(text, HasSubstr("connections 3\n"));
}

TEST(Metrics, TheSameSeriesIsOneCounter) {
  Metrics metrics;
  EXPECT_EQ(&metrics.counter("a", "", {{"x", "1"}}), &metrics.counter("a", "", {{"x", "1"}}));
  EXPECT_NE(&metrics.counter("a", "", {{"x", "1"}}), &metrics.counter("a", "", {{"x", "2"}}));
}

}  // namespace
}  // namespace tarn
