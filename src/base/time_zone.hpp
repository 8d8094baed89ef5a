// Time zones by their names in the IANA time zone database ("Europe/Berlin"), read from the system's compiled form
// (RFC 8536, TZif), rules for the years to come included.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn {

// Immutable; thread-safe. A local time is a Time whose calendar parts are what clocks show there.
class TimeZone {
 public:
  // Absent when there is no zone of that name. "UTC" always is. Kept once read.
  static std::shared_ptr<const TimeZone> find(std::string_view name);
  // Of the bytes of a compiled zone; absent when they are none.
  static std::optional<TimeZone> parse(std::string_view tzif);

  std::chrono::seconds offset_at(Time t) const;
  Time local_at(Time t) const { return t + offset_at(t); }
  // When clocks show `local`. Where they show it twice (they were put back), the first time; absent where they never do
  // (they were put forward over it).
  std::optional<Time> instant_of(Time local) const;

 private:
  // The day on which clocks change, of a year ("M3.2.0", "J60", "59"), and when, in local seconds of that day.
  struct ChangeDay {
    char kind = 'M';
    int month = 0, week = 0, day = 0;
    int64_t second = 2 * 3600;
    int64_t second_in(int year) const;  // since 1970, in local time
  };
  static bool parse_rule(std::string_view text, TimeZone& into);

  struct Transition {
    int64_t at_s;
    int32_t offset_s;
  };
  std::vector<Transition> transitions_;
  int32_t first_offset_s_ = 0;  // before the first transition
  // After the last transition: standard time, and daylight saving time between two days where there is one.
  int32_t standard_s_ = 0, daylight_s_ = 0;
  bool has_rule_ = false, has_daylight_ = false;
  ChangeDay begins_, ends_;
};

}  // namespace tarn
