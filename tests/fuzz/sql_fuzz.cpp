// Statements of Athena: the text is parsed, and a query is printed for DuckDB over a table of one row.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "query/dialect/parser.hpp"
#include "query/dialect/printer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::dialect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const TableResolver resolve = [](const TableReference&) {
    return ResolvedTable{"t",
                         {{"id", simple_type(TypeKind::integer)},
                          {"name", varchar_type()},
                          {"at", timestamp_type()},
                          {"tags", array_type(varchar_type())},
                          {"amount", decimal_type(10, 2)}}};
  };
  try {
    to_duckdb(*parse_query(text), resolve);
  } catch (const tarn::Error& e) {
    if (e.kind() == tarn::ErrorKind::bug) __builtin_trap();
  }
  try {
    referenced_tables(parse(text));
  } catch (const tarn::Error& e) {
    if (e.kind() == tarn::ErrorKind::bug) __builtin_trap();
  }
  return 0;
}
