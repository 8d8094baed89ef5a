// Any text as a schedule; where it is one, its instants go forward.
#include <cstdint>
#include <string_view>

#include "base/cron.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  tarn::ScheduleForms forms;
  forms.five_fields = data[0] & 1;
  std::string why_not;
  auto schedule = tarn::Schedule::parse({reinterpret_cast<const char*>(data) + 1, size - 1}, forms, why_not);
  if (!schedule) return 0;
  tarn::Time t{std::chrono::days(19000)};
  for (int i = 0; i < 3; ++i) {
    auto next = schedule->next_after(t);
    if (!next) break;
    if (*next <= t) __builtin_trap();
    t = *next;
  }
  return 0;
}
