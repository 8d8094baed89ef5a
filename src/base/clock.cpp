#include "base/clock.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "base/error.hpp"

namespace tarn {
namespace {

using std::chrono::milliseconds;

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; i++) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<Time> from_parts(int year, int month, int day, int hour, int minute, int second, int ms) {
  using namespace std::chrono;
  year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                      std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return Time(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) + milliseconds(ms);
}

// The offset at the end of an ISO 8601 text, in minutes: "Z", "+05:30", "-0300", or nothing.
std::optional<int> parse_offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  if (text[0] != '+' && text[0] != '-') return std::nullopt;
  auto hour = digits(text, 1, 2);
  auto minute = text.size() == 6 && text[3] == ':' ? digits(text, 4, 2)
                : text.size() == 5                 ? digits(text, 3, 2)
                : text.size() == 3                 ? std::optional(0)
                                                   : std::nullopt;
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (*hour * 60 + *minute);
}

}  // namespace

Time SystemClock::now() const {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

bool SystemClock::wait_until(Time deadline, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (now() >= deadline) return true;
    wake.wait_until(lock, stop, deadline, [] { return false; });
  }
  return false;
}

Time ManualClock::now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

bool ManualClock::wait_until(Time deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  return moved_.wait(lock, stop, [&] { return now_ >= deadline; });
}

void ManualClock::advance(milliseconds by) {
  TARN_ASSERT(by.count() >= 0);
  {
    std::lock_guard lock(mutex_);
    now_ += by;
  }
  moved_.notify_all();
}

std::string format_time(Time t, const char* strftime_format) {
  std::time_t seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[128];
  return std::string(buffer, std::strftime(buffer, sizeof buffer, strftime_format, &parts));
}

std::string format_iso8601(Time t, bool with_ms) {
  std::string out = format_time(t, "%Y-%m-%dT%H:%M:%S");
  if (with_ms) {
    auto ms = (t - std::chrono::floor<std::chrono::seconds>(t)).count();
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(ms));
    out += fraction;
  }
  return out + "Z";
}

std::string format_http_date(Time t) {
  return format_time(t, "%a, %d %b %Y %H:%M:%S GMT");
}
std::string format_basic_iso8601(Time t) {
  return format_time(t, "%Y%m%dT%H%M%SZ");
}

std::optional<Time> parse_iso8601(std::string_view text) {
  auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (text.size() == 10) return from_parts(*year, *month, *day, 0, 0, 0, 0);
  auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!hour || !minute || !second || (text[10] != 'T' && text[10] != ' ' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  std::size_t at = 19;
  int ms = 0;
  if (at < text.size() && text[at] == '.') {
    std::size_t first = ++at;
    for (int scale = 100; at < text.size() && text[at] >= '0' && text[at] <= '9'; at++, scale /= 10)
      ms += (text[at] - '0') * scale;
    if (at == first || at - first > 9) return std::nullopt;
  }
  auto offset = parse_offset(text.substr(at));
  auto local = from_parts(*year, *month, *day, *hour, *minute, *second, ms);
  if (!offset || !local) return std::nullopt;
  return *local - std::chrono::minutes(*offset);
}

std::optional<Time> parse_http_date(std::string_view text) {
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',') return std::nullopt;
  auto month = months.find(text.substr(8, 3));
  auto year = digits(text, 12, 4), day = digits(text, 5, 2);
  auto hour = digits(text, 17, 2), minute = digits(text, 20, 2), second = digits(text, 23, 2);
  if (month == std::string_view::npos || month % 3 || !year || !day || !hour || !minute || !second) return std::nullopt;
  return from_parts(*year, static_cast<int>(month / 3) + 1, *day, *hour, *minute, *second, 0);
}

std::optional<Time> parse_basic_iso8601(std::string_view text) {
  auto year = digits(text, 0, 4), month = digits(text, 4, 2), day = digits(text, 6, 2);
  auto hour = digits(text, 9, 2), minute = digits(text, 11, 2), second = digits(text, 13, 2);
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z' || !year || !month || !day || !hour || !minute || !second)
    return std::nullopt;
  return from_parts(*year, *month, *day, *hour, *minute, *second, 0);
}

}  // namespace tarn
