// When something recurs, as AWS writes it ("Amazon EventBridge User Guide", Schedule expressions; "AWS Glue Developer
// Guide", Time-based schedules for jobs and crawlers). All times are UTC.
//
//   cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)   with , - * / and ?, names (JAN, MON), L, W and #; days of
//   the week are 1 = SUN to
//                                                             7 = SAT; one of the two day fields must be ?
//   rate(VALUE minute|minutes|hour|hours|day|days)
//   at(YYYY-MM-DDThh:mm:ss)
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn {

struct ScheduleForms {
  bool rate = true, at = true;
  // Takes the five fields of Unix's crontab too (days of the week 0 = Sunday to 6; both day fields may be *), with a
  // warning.
  bool five_fields = false;
  bool any_plural = false;  // "rate(5 minute)" too, as EventBridge Scheduler takes it
};

// Immutable; thread-safe.
class Schedule {
 public:
  // Absent, with the reason in `why_not`, when `expression` is none of the forms. A warning goes there as well.
  static std::optional<Schedule> parse(std::string_view expression, ScheduleForms forms, std::string& why_not);

  // The first instant after `t`; absent when there is none. A rate counts from `start`; the others do not need it.
  std::optional<Time> next_after(Time t, Time start = {}) const;

 private:
  enum class Kind { cron, rate, at };
  bool parse_cron(std::string_view fields, bool five_fields, std::string& why_not);
  bool parse_rate(std::string_view text, bool any_plural, std::string& why_not);
  bool has_day(std::chrono::year_month_day day) const;

  Kind kind_ = Kind::cron;
  std::chrono::milliseconds period_{};  // rate
  Time at_{};                           // at

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;  // of the month
  std::bitset<13> months_;
  std::bitset<8> weekdays_;        // 1 = Sunday
  std::bitset<230> years_;         // from 1970
  bool any_day_ = false;           // ? or * in the days of the month
  bool any_weekday_ = false;       // ? or * in the days of the week
  bool last_day_ = false;          // L
  int days_before_last_ = 0;       // L-3
  bool last_workday_ = false;      // LW
  int workday_near_ = 0;           // 15W
  int last_weekday_ = 0;           // 6L: the last Friday
  int nth_weekday_ = 0, nth_ = 0;  // 2#1: the first Monday
};

}  // namespace tarn
