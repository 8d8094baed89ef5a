// Any expression in any time zone; where it is a schedule, its instants go forward. Also any bytes as a compiled zone.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time_zone.hpp"
#include "orchestrate/events/schedule_times.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto zone = tarn::TimeZone::parse(text)) {
    for (int64_t s : {int64_t{-4'000'000'000}, int64_t{0}, int64_t{1'800'000'000}, int64_t{4'000'000'000}}) {
      const tarn::Time t{std::chrono::seconds(s)};
      (void)zone->instant_of(zone->local_at(t));
    }
  }
  const std::size_t line = text.find('\n');
  const std::string zone = line == text.npos ? "America/New_York" : std::string(text.substr(line + 1));
  try {
    const tarn::orchestrate::ScheduleTimes times(std::string(text.substr(0, line)), zone);
    tarn::Time t{std::chrono::days(20'500)};
    for (int i = 0; i < 5; ++i) {
      const auto next = times.next_after(t, tarn::Time(std::chrono::days(20'000)));
      if (!next) break;
      if (*next <= t) __builtin_trap();
      t = *next;
    }
  } catch (const tarn::Error&) {
  }
  return 0;
}
