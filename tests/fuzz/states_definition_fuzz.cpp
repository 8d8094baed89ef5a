// Definitions of state machines: any text is checked, and what passes can be parsed.
#include <cstddef>
#include <cstdint>
#include <string>

#include "orchestrate/states/definition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const bool express : {false, true})
    if (tarn::states::check_definition(text, express).empty()) (void)tarn::states::parse_definition(text);
  return 0;
}
