#include "base/cron.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/clock.hpp"

namespace tarn {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 12> month_names = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> day_names = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr int last_year = 2199;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::optional<int> number(std::string_view text) {
  if (text.empty() || text.size() > 6) return std::nullopt;
  int out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    auto end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One field: its range, and the names that stand for its numbers.
struct FieldKind {
  const char* name;
  int least, most;
  std::string_view const* names = nullptr;
  int name_count = 0, first_name = 0;

  std::optional<int> value(std::string_view text) const {
    for (int i = 0; i < name_count; ++i)
      if (names[i] == text) return first_name + i;
    auto n = number(text);
    return n && *n >= least && *n <= most ? n : std::nullopt;
  }
};

// Sets the bits that "1,3-5,10/2,*" names; bit 0 stands for `base`. Ranges of days of the week may go over the end
// (FRI-MON).
template <std::size_t N>
bool set_bits(std::string_view field, const FieldKind& kind, int base, std::bitset<N>& out) {
  for (std::string_view part : split(field, ',')) {
    int step = 1;
    auto slash = part.find('/');
    if (slash != part.npos) {
      auto n = number(part.substr(slash + 1));
      if (!n || *n < 1) return false;
      step = *n;
      part = part.substr(0, slash);
    }
    int from = kind.least, to = kind.most;
    if (part != "*") {
      auto dash = part.find('-');
      auto first = kind.value(part.substr(0, dash));
      auto last = dash == part.npos ? first : kind.value(part.substr(dash + 1));
      if (!first || !last) return false;
      from = *first;
      to = dash == part.npos && slash != part.npos ? kind.most : *last;  // 5/15: from 5 on
    }
    int width = kind.most - kind.least + 1;
    if (to < from) to += width;
    for (int v = from; v <= to; v += step)
      out.set(static_cast<std::size_t>((v - kind.least) % width + kind.least - base));
  }
  return true;
}

constexpr FieldKind minute_field{"minutes", 0, 59}, hour_field{"hours", 0, 23}, day_field{"day of month", 1, 31},
    year_field{"year", 1970, last_year};
constexpr FieldKind month_field{"month", 1, 12, month_names.data(), 12, 1};
constexpr FieldKind weekday_field{"day of week", 1, 7, day_names.data(), 7, 1};
constexpr FieldKind unix_weekday_field{"day of week", 0, 7, day_names.data(), 7, 0};

unsigned last_day_of(chrono::year_month_day d) {
  return static_cast<unsigned>((d.year() / d.month() / chrono::last).day());
}
// 1 = Sunday.
int weekday_of(chrono::year_month_day d) {
  return static_cast<int>(chrono::weekday(chrono::sys_days(d)).c_encoding()) + 1;
}

// The workday nearest to that day, within its month.
unsigned workday_near(chrono::year_month_day month, unsigned day) {
  unsigned last = last_day_of(month);
  day = std::min(day, last);
  int weekday = weekday_of(month.year() / month.month() / chrono::day(day));
  if (weekday == 7) return day == 1 ? 3 : day - 1;
  if (weekday == 1) return day == last ? day - 2 : day + 1;
  return day;
}

}  // namespace

bool Schedule::parse_rate(std::string_view text, bool any_plural, std::string& why_not) {
  auto parts = split(text, ' ');
  auto n = parts.size() == 2 ? number(parts[0]) : std::nullopt;
  why_not = "a rate is a number and minute, minutes, hour, hours, day or days";
  if (!n || *n < 1) return false;
  std::string_view unit = parts[1];
  bool plural = unit.ends_with('s');
  if (plural) unit.remove_suffix(1);
  if (plural ? *n == 1 : *n > 1 && !any_plural) {
    why_not = "a rate of 1 takes the singular, any other the plural";
    return false;
  }
  if (unit == "minute")
    period_ = chrono::minutes(*n);
  else if (unit == "hour")
    period_ = chrono::hours(*n);
  else if (unit == "day")
    period_ = chrono::days(*n);
  else
    return false;
  why_not.clear();
  kind_ = Kind::rate;
  return true;
}

bool Schedule::parse_cron(std::string_view text, bool five_fields, std::string& why_not) {
  std::vector<std::string> fields;
  for (std::string_view f : split(text, ' '))
    if (!f.empty()) fields.push_back(upper(f));
  bool unix_form = five_fields && fields.size() == 5;
  if (unix_form) {
    fields.push_back("*");
    if (fields[2] == "*" && fields[4] != "*") fields[2] = "?";
  } else if (fields.size() != 6) {
    why_not = "a cron expression has six fields: minutes, hours, day of month, month, day of week, year";
    return false;
  }
  auto bad = [&](const char* field, const std::string& value) {
    why_not = std::string("the field ") + field + " can't be '" + value + "'";
    return false;
  };
  if (!set_bits(fields[0], minute_field, 0, minutes_)) return bad("minutes", fields[0]);
  if (!set_bits(fields[1], hour_field, 0, hours_)) return bad("hours", fields[1]);
  if (!set_bits(fields[3], month_field, 0, months_)) return bad("month", fields[3]);
  if (!set_bits(fields[5], year_field, 1970, years_)) return bad("year", fields[5]);

  const std::string &day = fields[2], &weekday = fields[4];
  any_day_ = day == "?" || day == "*";
  any_weekday_ = weekday == "?" || weekday == "*";
  if (!unix_form && (day == "?") == (weekday == "?")) {
    why_not = "exactly one of day of month and day of week must be ?";
    return false;
  }
  if (day == "L") {
    last_day_ = true;
  } else if (day == "LW") {
    last_workday_ = true;
  } else if (day.starts_with("L-")) {
    auto n = number(std::string_view(day).substr(2));
    if (!n || *n > 30) return bad("day of month", day);
    last_day_ = true;
    days_before_last_ = *n;
  } else if (day.size() > 1 && day.ends_with('W')) {
    auto n = day_field.value(std::string_view(day).substr(0, day.size() - 1));
    if (!n) return bad("day of month", day);
    workday_near_ = *n;
  } else if (!any_day_ && !set_bits(day, day_field, 0, days_)) {
    return bad("day of month", day);
  }

  if (auto hash = weekday.find('#'); hash != weekday.npos) {
    auto d = weekday_field.value(std::string_view(weekday).substr(0, hash));
    auto n = number(std::string_view(weekday).substr(hash + 1));
    if (!d || !n || *n < 1 || *n > 5) return bad("day of week", weekday);
    nth_weekday_ = *d;
    nth_ = *n;
  } else if (weekday == "L") {
    weekdays_.set(7);
  } else if (weekday.size() > 1 && weekday.ends_with('L')) {
    auto d = weekday_field.value(std::string_view(weekday).substr(0, weekday.size() - 1));
    if (!d) return bad("day of week", weekday);
    last_weekday_ = *d;
  } else if (!any_weekday_ && unix_form) {
    std::bitset<8> from_zero;
    if (!set_bits(weekday, unix_weekday_field, 0, from_zero)) return bad("day of week", weekday);
    for (std::size_t i = 0; i < 8; ++i)
      if (from_zero[i]) weekdays_.set(i % 7 + 1);
  } else if (!any_weekday_ && !set_bits(weekday, weekday_field, 0, weekdays_)) {
    return bad("day of week", weekday);
  }
  if (unix_form)
    why_not =
        "read as a crontab line of five fields; AWS takes six: cron(minutes hours day-of-month month day-of-week year)";
  return true;
}

std::optional<Schedule> Schedule::parse(std::string_view expression, ScheduleForms forms, std::string& why_not) {
  Schedule out;
  why_not.clear();
  auto inside = [&](std::string_view name) -> std::optional<std::string_view> {
    if (!expression.starts_with(name) || !expression.ends_with(')') || expression.size() < name.size() + 1)
      return std::nullopt;
    return expression.substr(name.size(), expression.size() - name.size() - 1);
  };
  if (expression.size() > 256) {
    why_not = "it is longer than 256 characters";
  } else if (auto cron = inside("cron(")) {
    if (out.parse_cron(*cron, forms.five_fields, why_not)) return out;
  } else if (auto rate = forms.rate ? inside("rate(") : std::nullopt) {
    if (out.parse_rate(*rate, forms.any_plural, why_not)) return out;
  } else if (auto at = forms.at ? inside("at(") : std::nullopt) {
    auto t = at->size() == 19 ? parse_iso8601(*at) : std::nullopt;
    if (t) {
      out.kind_ = Kind::at;
      out.at_ = *t;
      return out;
    }
    why_not = "at takes YYYY-MM-DDThh:mm:ss";
  } else {
    why_not = std::string("it is not of the form cron(…)") + (forms.rate ? " or rate(…)" : "") +
              (forms.at ? " or at(…)" : "");
  }
  return std::nullopt;
}

bool Schedule::has_day(chrono::year_month_day d) const {
  auto day = static_cast<unsigned>(d.day());
  bool by_day = any_day_ || days_[day];
  if (last_day_) by_day = static_cast<int>(day) == static_cast<int>(last_day_of(d)) - days_before_last_;
  if (last_workday_) by_day = day == workday_near(d, 31);
  if (workday_near_)
    by_day = day == workday_near(d, static_cast<unsigned>(workday_near_)) &&
             static_cast<unsigned>(workday_near_) <= last_day_of(d);
  int weekday = weekday_of(d);
  bool by_weekday = any_weekday_ || weekdays_[static_cast<std::size_t>(weekday)];
  if (last_weekday_) by_weekday = weekday == last_weekday_ && day + 7 > last_day_of(d);
  if (nth_) by_weekday = weekday == nth_weekday_ && static_cast<int>((day - 1) / 7 + 1) == nth_;
  if (!any_day_ && !any_weekday_) return by_day || by_weekday;  // crontab(5): either
  return by_day && by_weekday;
}

std::optional<Time> Schedule::next_after(Time t, Time start) const {
  if (kind_ == Kind::at) return at_ > t ? std::optional(at_) : std::nullopt;
  if (kind_ == Kind::rate) {
    if (t < start) return start + period_;
    return start + ((t - start) / period_ + 1) * period_;
  }
  Time from = chrono::floor<chrono::minutes>(t) + chrono::minutes(1);
  chrono::sys_days day = chrono::floor<chrono::days>(from);
  auto minute_of_day = static_cast<std::size_t>(chrono::duration_cast<chrono::minutes>(from - day).count());
  for (;; minute_of_day = 0) {
    chrono::year_month_day d(day);
    int year = static_cast<int>(d.year());
    if (year > last_year) return std::nullopt;
    if (year < 1970 || !years_[static_cast<std::size_t>(year - 1970)]) {
      day = chrono::sys_days((d.year() + chrono::years(1)) / 1 / 1);
      continue;
    }
    if (!months_[static_cast<unsigned>(d.month())]) {
      day = chrono::sys_days(d.year() / d.month() / chrono::last) + chrono::days(1);
      continue;
    }
    if (has_day(d)) {
      for (std::size_t m = minute_of_day; m < 24 * 60; ++m)
        if (hours_[m / 60] && minutes_[m % 60]) return day + chrono::minutes(m);
    }
    day += chrono::days(1);
  }
}

}  // namespace tarn
