// Any text as the Expression of GetPartitions; where it is one, it is evaluated. Also the patterns of exclusions and of
// table names.
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "catalog/catalog.hpp"
#include "catalog/crawl/exclusions.hpp"
#include "catalog/crawl/json_path.hpp"
#include "catalog/partition_expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::catalog;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto keys = [] {
    std::vector<tarn::api::glue::Column> out(5);
    const char* names[] = {"year", "month", "day", "at", "price"};
    const char* types[] = {"int", "string", "date", "timestamp", "decimal(10,2)"};
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].name = names[i];
      out[i].type = types[i];
    }
    return out;
  }();
  static const std::vector<std::string> rows[] = {{"2024", "03", "2024-03-09", "2024-03-09 10:00:00", "12.5"},
                                                  {"x", "__HIVE_DEFAULT_PARTITION__", "y", "", "-"}};
  try {
    PartitionExpression expression(text, keys);
    for (const auto& row : rows) {
      // What the first values exclude, the whole row must not match.
      bool matches = expression.matches(row);
      for (std::size_t n = 0; n < row.size(); ++n)
        if (expression.excludes(std::span(row).first(n)) && matches) __builtin_trap();
    }
  } catch (const tarn::Error&) {
  }
  try {
    table_name_matches(text.substr(0, 200), "orders_2024");
  } catch (const tarn::Error&) {
  }
  try {
    crawl::JsonPath path(text);
  } catch (const tarn::Error&) {
  }
  if (size < 200) crawl::glob_matches(text, "a/b/c.csv");
  return 0;
}
