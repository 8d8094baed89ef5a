#include "orchestrate/rotations/rotation_times.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tarn::orchestrate {
namespace {

using api::secretsmanager::RotationRulesType;

Time at(const char* text) {
  return *parse_iso8601(text);
}
RotationRulesType by(const char* expression, std::optional<std::string> duration = std::nullopt) {
  return {std::nullopt, duration, expression};
}
std::string window(const RotationRulesType& rules, const char* after) {
  const auto w = next_window(rules, at(after));
  return w ? format_iso8601(w->opens, false) + " " + format_iso8601(w->closes, false) : "none";
}

TEST(RotationTimes, DaysCountFromMidnightAndHoursFromTheFullHour) {
  EXPECT_EQ(window({30, std::nullopt, std::nullopt}, "2026-01-01T13:30:00Z"),
            "2026-01-31T00:00:00Z 2026-02-01T00:00:00Z");
  EXPECT_EQ(window(by("rate(2 days)", "3h"), "2026-01-01T13:30:00Z"), "2026-01-03T00:00:00Z 2026-01-03T03:00:00Z");
  EXPECT_EQ(window(by("rate(6 hours)"), "2026-01-01T13:30:00Z"), "2026-01-01T19:00:00Z 2026-01-01T20:00:00Z");
  EXPECT_EQ(window(by("cron(0 8 1 * ? *)"), "2026-01-01T13:30:00Z"), "2026-02-01T08:00:00Z 2026-02-02T00:00:00Z");
  EXPECT_EQ(window(by("cron(0 /8 * * ? *)"), "2026-01-01T13:30:00Z"), "2026-01-01T16:00:00Z 2026-01-01T17:00:00Z");
  EXPECT_EQ(window({}, "2026-01-01T13:30:00Z"), "none");
}

TEST(RotationTimes, WhatIsRefused) {
  for (const char* good : {"rate(4 hours)", "rate(999 days)", "cron(0 */4 * * ? *)", "cron(0 3 ? * MON#1 *)"})
    EXPECT_NO_THROW(check_rotation_rules(by(good))) << good;
  for (const char* bad :
       {"", "rate(3 hours)", "rate(5 minutes)", "rate(1000 days)", "rate(1 days)", "cron(30 3 1 * ? *)",
        "cron(0 */3 * * ? *)", "cron(0 3 1 * ? 2027)", "at(2026-01-01T00:00:00)", "cron(0)"})
    EXPECT_THROW(check_rotation_rules(by(bad)), Error) << bad;
  EXPECT_THROW(check_rotation_rules(by("rate(4 hours)", "5h")), Error);
  EXPECT_THROW(check_rotation_rules(by("rate(1 day)", "25h")), Error);
  EXPECT_THROW(check_rotation_rules({1, std::nullopt, "rate(1 day)"}), Error);
}

}  // namespace
}  // namespace tarn::orchestrate
