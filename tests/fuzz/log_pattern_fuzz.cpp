// Filter patterns of CloudWatch Logs: the first line is the pattern, the rest the message.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "meta/log_pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view pattern = text.substr(0, std::min(text.find('\n'), std::size_t{1024}));
  std::string_view message = text.substr(std::min(text.size(), pattern.size() + 1));
  try {
    tarn::meta::LogPattern(pattern).matches(message);
  } catch (const tarn::Error& e) {
    if (e.code() != "InvalidParameterException") __builtin_trap();
  }
  return 0;
}
