// Any text as what names a parameter, as a value with its pattern, and as a rotation schedule: refused by an Error, or
// read.
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "govern/parameter_rules.hpp"
#include "orchestrate/rotations/rotation_times.hpp"

namespace {
template <class F>
void refused_or_done(F call) {
  try {
    call();
  } catch (const tarn::Error&) {
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  refused_or_done([&] {
    const auto reference = tarn::govern::parse_parameter_reference(text);
    if (reference.name.size() > text.size()) __builtin_trap();
  });
  refused_or_done([&] { tarn::govern::check_parameter_name(text); });
  refused_or_done([&] { tarn::govern::check_parameter_value("StringList", text, text, "text"); });
  refused_or_done([&] {
    const tarn::api::secretsmanager::RotationRulesType rules{std::nullopt, "1h", text};
    tarn::orchestrate::check_rotation_rules(rules);
    const tarn::Time t{std::chrono::days(19000)};
    const auto window = tarn::orchestrate::next_window(rules, t);
    if (window && (window->opens <= t || window->closes <= window->opens)) __builtin_trap();
  });
  return 0;
}
