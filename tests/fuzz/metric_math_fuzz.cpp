// Metric math: any text is either evaluated or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "meta/metric_math.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace tarn;
  const Time start{};
  const meta::TimeSeries series = {{start, 1}, {start + std::chrono::minutes(2), -3}};
  meta::MathNames names;
  names.timeline = {start, start + std::chrono::minutes(1), start + std::chrono::minutes(2)};
  names.value = [&](const std::string& id) { return id == "n" ? meta::MathValue(2.0) : meta::MathValue(series); };
  names.metrics = [&](std::string_view) { return std::vector<meta::TimeSeries>{series, series}; };
  try {
    meta::evaluate_math(std::string_view(reinterpret_cast<const char*>(data), size), names);
  } catch (const Error&) {
  }
  return 0;
}
