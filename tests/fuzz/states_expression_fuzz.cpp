// Paths, calls of intrinsic functions and choice rules of state machines: a first line that is one of them is evaluated
// over the JSON in the second, or fails by name. The whole is read as a task token and as a distributed Map's items
// too.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/choice.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/expression.hpp"
#include "orchestrate/states/map_run.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const std::string_view first = text.substr(0, line);
  static tarn::SeededRandom random(1);
  tarn::Value input = tarn::Value::map({{"a", tarn::Value::list({1, "b"})}});
  const tarn::Value context = tarn::Value::map();
  try {
    if (line != text.npos) input = tarn::parse_json(text.substr(line + 1));
    if (first.starts_with('{'))
      (void)tarn::states::choice_holds(tarn::parse_json(first), {input, context, random});
    else
      (void)tarn::states::Expression(first).evaluate({input, context, random}, "field.$");
  } catch (const tarn::Error&) {
  }
  (void)tarn::states::read_token(first);
  for (const char* type : {"JSON", "JSONL", "CSV"}) try {
      const tarn::Value config = tarn::Value::map({{"InputType", type}, {"ItemsPointer", "/a~1b"}});
      (void)tarn::states::parse_items(std::string(text), config, 9);
    } catch (const tarn::Error&) {
    }
  return 0;
}
