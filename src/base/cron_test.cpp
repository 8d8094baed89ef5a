#include "base/cron.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace tarn {
namespace {

// The next instants after `from`, separated by blanks; or the reason.
std::string next(std::string_view expression, std::string_view from, int count = 1, ScheduleForms forms = {}) {
  std::string why;
  auto s = Schedule::parse(expression, forms, why);
  if (!s) return "refused: " + why;
  std::string out;
  auto t = parse_iso8601(from);
  for (int i = 0; i < count; ++i) {
    t = s->next_after(*t);
    if (!t) return out + (i ? " never" : "never");
    out += (i ? " " : "") + format_iso8601(*t, false);
  }
  return out;
}

TEST(Cron, AwsExamples) {
  EXPECT_EQ(next("cron(15 12 * * ? *)", "2024-01-31T12:15:00Z"), "2024-02-01T12:15:00Z");
  EXPECT_EQ(next("cron(0 18 ? * MON-FRI *)", "2024-03-01T18:00:00Z"), "2024-03-04T18:00:00Z");
  EXPECT_EQ(next("cron(0 8 1 * ? *)", "2024-12-15T00:00:00Z"), "2025-01-01T08:00:00Z");
  EXPECT_EQ(next("cron(0/10 * ? * MON-FRI *)", "2024-03-01T23:45:00Z", 2), "2024-03-01T23:50:00Z 2024-03-04T00:00:00Z");
  EXPECT_EQ(next("cron(0/5 8-17 ? * mon-fri *)", "2024-03-01T17:55:00Z"), "2024-03-04T08:00:00Z");
  EXPECT_EQ(next("cron(0 9 ? * 2#1 *)", "2024-03-05T00:00:00Z"), "2024-04-01T09:00:00Z");
  EXPECT_EQ(next("cron(30 0 L * ? *)", "2024-02-01T00:00:00Z", 2), "2024-02-29T00:30:00Z 2024-03-31T00:30:00Z");
  EXPECT_EQ(next("cron(0 0 L-2 * ? *)", "2023-02-01T00:00:00Z"), "2023-02-26T00:00:00Z");
  EXPECT_EQ(next("cron(0 0 LW * ? *)", "2024-06-01T00:00:00Z"), "2024-06-28T00:00:00Z");
  EXPECT_EQ(next("cron(0 10 15W * ? *)", "2024-06-01T00:00:00Z"), "2024-06-14T10:00:00Z");
  EXPECT_EQ(next("cron(0 10 1W * ? *)", "2024-05-30T00:00:00Z"), "2024-06-03T10:00:00Z");
  EXPECT_EQ(next("cron(0 10 ? * 6L 2022-2023)", "2023-12-01T00:00:00Z", 2), "2023-12-29T10:00:00Z never");
  EXPECT_EQ(next("cron(0 10 ? * L *)", "2024-03-03T00:00:00Z"), "2024-03-09T10:00:00Z");
  EXPECT_EQ(next("cron(0 0 ? JAN,JUL FRI-MON *)", "2024-01-02T00:00:00Z", 2),
            "2024-01-05T00:00:00Z 2024-01-06T00:00:00Z");
  EXPECT_EQ(next("cron(5/20 3 29 2 ? *)", "2023-01-01T00:00:00Z", 2), "2024-02-29T03:05:00Z 2024-02-29T03:25:00Z");
}

TEST(Cron, NeverAgain) {
  EXPECT_EQ(next("cron(0 0 30 2 ? *)", "2024-01-01T00:00:00Z"), "never");
  EXPECT_EQ(next("cron(0 0 1 1 ? 2020)", "2024-01-01T00:00:00Z"), "never");
}

TEST(Cron, RatesCountFromTheStart) {
  std::string why;
  auto rate = Schedule::parse("rate(90 minutes)", {}, why);
  ASSERT_TRUE(rate);
  Time start = *parse_iso8601("2024-01-01T00:07:00Z");
  EXPECT_EQ(format_iso8601(*rate->next_after(start, start), false), "2024-01-01T01:37:00Z");
  EXPECT_EQ(format_iso8601(*rate->next_after(*parse_iso8601("2024-01-01T03:00:00Z"), start), false),
            "2024-01-01T03:07:00Z");
  EXPECT_EQ(next("rate(1 hour)", "2024-01-01T00:00:00Z"), "2024-01-01T01:00:00Z");
  EXPECT_EQ(next("at(2024-05-06T07:08:09)", "2024-01-01T00:00:00Z", 2), "2024-05-06T07:08:09Z never");
}

TEST(Cron, UnixLinesOnlyWhereAllowed) {
  ScheduleForms forms;
  forms.five_fields = true;
  EXPECT_EQ(next("cron(0 1 * * *)", "2024-01-01T00:00:00Z", 1, forms), "2024-01-01T01:00:00Z");
  EXPECT_EQ(next("cron(0 1 * * 0)", "2024-01-01T00:00:00Z", 1, forms), "2024-01-07T01:00:00Z");
  EXPECT_EQ(next("cron(0 1 * * 7)", "2024-01-01T00:00:00Z", 1, forms), "2024-01-07T01:00:00Z");
  EXPECT_EQ(next("cron(0 1 13 * 5)", "2024-01-01T00:00:00Z", 3, forms),
            "2024-01-05T01:00:00Z 2024-01-12T01:00:00Z 2024-01-13T01:00:00Z");
  EXPECT_EQ(next("cron(0 1 * * *)", "2024-01-01T00:00:00Z").substr(0, 8), "refused:");
}

TEST(Cron, RefusesOtherForms) {
  for (const char* bad : {"",
                          "cron",
                          "cron()",
                          "cron(0 12 * * * *)",
                          "cron(0 12 ? * ? *)",
                          "cron(60 12 * * ? *)",
                          "cron(0 24 * * ? *)",
                          "cron(0 0 32 * ? *)",
                          "cron(0 0 * 13 ? *)",
                          "cron(0 0 ? * 8 *)",
                          "cron(0 0 ? * MOO *)",
                          "cron(0 0 ? * 2#6 *)",
                          "cron(0/0 0 * * ? *)",
                          "cron(0 0 * * ? 1969)",
                          "cron(- 0 * * ? *)",
                          "cron(1, 0 * * ? *)",
                          "cron(0 0 * * ? *",
                          "rate(0 minutes)",
                          "rate(1 minutes)",
                          "rate(2 minute)",
                          "rate(5 weeks)",
                          "rate(5)",
                          "at(2024-02-30T00:00:00)",
                          "every day"})
    EXPECT_EQ(next(bad, "2024-01-01T00:00:00Z").substr(0, 8), "refused:") << bad;
}

}  // namespace
}  // namespace tarn
