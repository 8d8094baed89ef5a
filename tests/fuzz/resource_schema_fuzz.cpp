// Properties of resources: whatever a template holds, a type tells what is wrong with it, and makes scalars what it
// wants. The first byte chooses the type.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/resources/known_types.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace tarn::deploy;
  static std::map<std::size_t, std::unique_ptr<TableType>> types;
  if (!size) return 0;
  const std::size_t chosen = data[0] % packed_types().size();
  auto& type = types[chosen];
  if (!type) type = std::make_unique<TableType>(packed_types()[chosen]);
  tarn::Value properties;
  try {
    properties = tarn::parse_json(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const tarn::Error&) {
    return 0;
  }
  type->check(properties);
  const tarn::Value coerced = type->coerced(properties);
  if (type->check(properties).empty() && coerced != type->coerced(coerced)) __builtin_trap();  // once is enough
  return 0;
}
