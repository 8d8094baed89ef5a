// Event patterns: any text either is one, and then matches any event without trouble, or is refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/event_pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  tarn::Value event = tarn::Value::map({{"a", "x"}, {"d", tarn::Value::map({{"n", 1}})}});
  try {
    if (line != text.npos) event = tarn::parse_json(text.substr(line + 1));
    tarn::notify::EventPattern pattern(text.substr(0, line));
    pattern.matches(event);
    (void)pattern.combinations();
  } catch (const tarn::Error&) {
  }
  return 0;
}
