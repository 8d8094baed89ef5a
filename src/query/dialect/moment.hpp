// Dates, times, timestamps and intervals as literals write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::dialect {

// "2020-01-05", "2020-01-05 1:02:03.456 America/Bogota", "10:20:30.5".
struct Moment {
  bool has_date = false, has_time = false;
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::string fraction;  // digits of the second's fraction
  std::string zone;      // "" when there is none

  std::string date_text() const;  // 2020-01-05
  std::string time_text() const;  // 10:20:30.5
};
std::optional<Moment> parse_moment(std::string_view text);

// INTERVAL 'text' FROM [TO]: months of YEAR and MONTH, milliseconds of the others.
struct IntervalAmount {
  bool months = false;
  int64_t amount = 0;
};
std::optional<IntervalAmount> parse_interval(std::string_view text, std::string_view from, std::string_view to);

}  // namespace tarn::dialect
