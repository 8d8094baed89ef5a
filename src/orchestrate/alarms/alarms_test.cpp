#include <gtest/gtest.h>

#include "base/error.hpp"
#include "orchestrate/alarms/alarm_rule.hpp"
#include "orchestrate/alarms/alarm_state.hpp"

namespace tarn::orchestrate {
namespace {

const Time start{std::chrono::hours(500'000)};

// What a metric alarm comes to whose last five periods had these points, the oldest first: 'X' over the threshold, '0'
// under it, '-' none. "stay": its state stays.
std::string verdict(const std::string& points, int64_t periods, int64_t datapoints, const std::string& treat,
                    const std::string& present = "OTHER") {
  AlarmTest test{60, periods, datapoints, 1, "GreaterThanThreshold", treat};
  std::map<Time, double> series;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (points[i] != '-') series[start + std::chrono::minutes(i)] = points[i] == 'X' ? 2 : 0;
  const auto out = judge(test, series, present, start);
  return out ? out->state : "stay";
}

// The tables of "Configuring how CloudWatch alarms treat missing data".
TEST(AlarmState, MissingDataAsDocumented) {
  struct Row {
    const char *points, *missing, *ignore, *breaching, *not_breaching;
  };
  for (const Row& r :
       {Row{"0-X-X", "OK", "OK", "OK", "OK"}, Row{"----0", "OK", "OK", "OK", "OK"},
        Row{"-----", "INSUFFICIENT_DATA", "stay", "ALARM", "OK"}, Row{"0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"},
        Row{"--X--", "ALARM", "stay", "ALARM", "OK"}}) {
    EXPECT_EQ(verdict(r.points, 3, 3, "missing"), r.missing) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 3, "ignore"), r.ignore) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 3, "breaching"), r.breaching) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 3, "notBreaching"), r.not_breaching) << r.points;
  }
  for (const Row& r : {Row{"0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"},
                       Row{"00X0X", "ALARM", "ALARM", "ALARM", "ALARM"}, Row{"0-X--", "OK", "OK", "ALARM", "OK"},
                       Row{"----0", "OK", "OK", "ALARM", "OK"}, Row{"----X", "ALARM", "stay", "ALARM", "OK"}}) {
    EXPECT_EQ(verdict(r.points, 3, 2, "missing"), r.missing) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 2, "ignore"), r.ignore) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 2, "breaching"), r.breaching) << r.points;
    EXPECT_EQ(verdict(r.points, 3, 2, "notBreaching"), r.not_breaching) << r.points;
  }
}

TEST(AlarmState, SaysWhy) {
  const AlarmTest test{60, 2, 1, 1.5, "GreaterThanThreshold", "missing"};
  const auto out = judge(test, {{start, 1}, {start + std::chrono::minutes(1), 2}}, "OK", start);
  ASSERT_TRUE(out);
  EXPECT_EQ(
      out->reason,
      "Threshold Crossed: 1 out of the last 2 datapoints [2.0 (15/01/27 08:01:00)] was greater than the threshold "
      "(1.5) (minimum 1 datapoint for OK -> ALARM transition).");
  EXPECT_EQ(judge(test, {}, "OK", start)->reason, "Insufficient Data: 2 datapoints were unknown.");
  EXPECT_FALSE(judge(test, {{start, 2}}, "ALARM", start)) << "the state is the same";
}

bool holds(const std::string& rule) {
  return AlarmRule::parse(rule).holds([](const std::string& name) -> std::optional<std::string> {
    if (name == "gone") return std::nullopt;
    return name.starts_with("bad") ? "ALARM" : "OK";
  });
}

TEST(AlarmRule, Evaluates) {
  EXPECT_TRUE(holds("ALARM(bad)"));
  EXPECT_TRUE(holds("ALARM(\"bad one\") AND OK(good)"));
  EXPECT_FALSE(holds("ALARM(good) OR INSUFFICIENT_DATA(bad)"));
  EXPECT_TRUE(holds("NOT ALARM(good) AND (FALSE OR ALARM(bad1))"));
  EXPECT_TRUE(holds("FALSE AND FALSE OR TRUE")) << "AND before OR";
  EXPECT_FALSE(holds("OK(gone)"));
  EXPECT_EQ(AlarmRule::parse("ALARM(a) OR (OK(b) AND ALARM(a))").alarms(), (std::vector<std::string>{"a", "b"}));
}

TEST(AlarmRule, RefusesWhatIsNone) {
  for (const char* text : {"", "ALARM", "ALARM()", "ALARM(a", "ALARM(a) ALARM(b)", "ALARM(a) AND", "NOT", "ALARMED(a)",
                           "BROKEN(a)", "(ALARM(a)", "ALARM(\"a)"})
    EXPECT_THROW(AlarmRule::parse(text), Error) << text;
  EXPECT_THROW(AlarmRule::parse(std::string(100'000, '(')), Error);
}

}  // namespace
}  // namespace tarn::orchestrate
