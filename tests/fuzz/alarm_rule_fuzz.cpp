// Rules of composite alarms: whatever the text, a rule or AWS's error.
#include "base/error.hpp"
#include "orchestrate/alarms/alarm_rule.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    const auto rule = tarn::orchestrate::AlarmRule::parse(std::string_view(reinterpret_cast<const char*>(data), size));
    rule.holds([](const std::string&) { return std::optional<std::string>("ALARM"); });
  } catch (const tarn::Error&) {
  }
  return 0;
}
