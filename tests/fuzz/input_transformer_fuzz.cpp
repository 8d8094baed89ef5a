// Templates and paths of input transformers: any text either is one, and then makes a text of any event, or is refused.
// Template, path and event stand in lines.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/events/target_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t first = text.find('\n');
  const std::string_view rest = first == text.npos ? "" : text.substr(first + 1);
  const std::size_t second = rest.find('\n');
  try {
    tarn::Value event = tarn::Value::map({{"detail", tarn::Value::map({{"a", tarn::Value::list({1, "x"})}})}});
    if (second != rest.npos) event = tarn::parse_json(rest.substr(second + 1));
    const tarn::orchestrate::InputTransformer transformer({{"v", std::string(rest.substr(0, second))}},
                                                          std::string(text.substr(0, first)));
    (void)transformer.apply(event, {"arn", "name", {}});
  } catch (const tarn::Error&) {
  }
  return 0;
}
