#include "base/time_zone.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace tarn {
namespace {

std::string local(const char* zone, const char* utc) {
  return format_iso8601(TimeZone::find(zone)->local_at(*parse_iso8601(utc)), false);
}
std::string utc(const char* zone, const char* shown) {
  auto t = TimeZone::find(zone)->instant_of(*parse_iso8601(shown));
  return t ? format_iso8601(*t, false) : "never";
}

TEST(TimeZone, Offsets) {
  EXPECT_EQ(local("UTC", "2026-07-01T12:00:00Z"), "2026-07-01T12:00:00Z");
  EXPECT_EQ(local("Europe/Berlin", "2026-07-01T12:00:00Z"), "2026-07-01T14:00:00Z");
  EXPECT_EQ(local("Europe/Berlin", "2026-12-01T12:00:00Z"), "2026-12-01T13:00:00Z");
  EXPECT_EQ(local("Asia/Kolkata", "2026-12-01T12:00:00Z"), "2026-12-01T17:30:00Z");
  EXPECT_EQ(local("America/Bogota", "2026-12-01T12:00:00Z"), "2026-12-01T07:00:00Z");
  // Long after the last change that is listed: by the rule.
  EXPECT_EQ(local("America/New_York", "2090-07-01T12:00:00Z"), "2090-07-01T08:00:00Z");
  EXPECT_EQ(local("America/New_York", "2090-12-01T12:00:00Z"), "2090-12-01T07:00:00Z");
  EXPECT_EQ(local("Australia/Sydney", "2090-01-01T12:00:00Z"), "2090-01-01T23:00:00Z");
  EXPECT_EQ(local("Australia/Sydney", "2090-07-01T12:00:00Z"), "2090-07-01T22:00:00Z");
}

TEST(TimeZone, ClocksPutForwardAndBack) {
  EXPECT_EQ(utc("America/New_York", "2027-03-14T01:59:00Z"), "2027-03-14T06:59:00Z");
  EXPECT_EQ(utc("America/New_York", "2027-03-14T02:30:00Z"), "never");
  EXPECT_EQ(utc("America/New_York", "2027-03-14T03:00:00Z"), "2027-03-14T07:00:00Z");
  EXPECT_EQ(utc("America/New_York", "2026-11-01T01:30:00Z"), "2026-11-01T05:30:00Z");  // the first of two
  EXPECT_EQ(utc("America/New_York", "2026-11-01T02:00:00Z"), "2026-11-01T07:00:00Z");
  EXPECT_EQ(utc("Europe/Berlin", "2089-03-27T02:30:00Z"), "never");
}

TEST(TimeZone, WhatIsNone) {
  for (const char* name : {"", "Nowhere/Land", "../zoneinfo/UTC", "/etc/passwd", "Europe", "tzdata.zi"})
    EXPECT_EQ(TimeZone::find(name), nullptr) << name;
  for (const char* bytes : {"", "TZif", "TZif2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})
    EXPECT_FALSE(TimeZone::parse(bytes)) << bytes;
}

}  // namespace
}  // namespace tarn
