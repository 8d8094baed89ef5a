// Arrays, maps and structs in delimited text: the first byte chooses the type, the rest is the text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "query/lake_table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using duckdb::LogicalType;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const LogicalType list = LogicalType::LIST(LogicalType::INTEGER);
  const LogicalType types[] = {list, LogicalType::MAP(LogicalType::VARCHAR, list),
                               LogicalType::STRUCT({{"a", LogicalType::DOUBLE}, {"b", LogicalType::DATE}}),
                               LogicalType::LIST(LogicalType::DECIMAL(5, 2))};
  const duckdb::Value value = tarn::query::nested_text_value(text, types[data[0] % 4], {}, 0);
  if (value.type() != types[data[0] % 4]) __builtin_trap();
  return 0;
}
