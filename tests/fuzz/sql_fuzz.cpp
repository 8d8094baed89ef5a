// Any text as a statement; a query that is one is printed for DuckDB. Also the types of columns and the texts of
// literals. Nothing but an Error may come of it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "query/dialect/moment.hpp"
#include "query/dialect/parser.hpp"
#include "query/dialect/printer.hpp"
#include "query/dialect/types.hpp"

namespace {

using namespace tarn;
using namespace tarn::dialect;

std::optional<ResolvedTable> resolve(const TableReference&) {
  static const ResolvedTable orders = [] {
    ResolvedTable out{"orders", {}};
    for (const char* type : {"bigint", "string", "double", "decimal(10,2)", "date", "timestamp", "boolean", "binary",
                             "array<int>", "map<string,int>", "struct<x:int,y:array<string>>"})
      out.columns.push_back(
          {std::string(1, static_cast<char>('a' + out.columns.size())), parse_hive_type(type), false});
    out.columns.push_back({"$path", varchar_type(), true});
    return out;
  }();
  return orders;
}

template <class Work>
void refused_or_done(Work work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::bug) std::abort();
  }
}

void print(std::string_view sql) {
  const QueryPtr query = parse_query(sql);
  PrintOptions options;
  options.now_ms = 1'700'000'000'000;
  const Printed printed = to_duckdb(*query, resolve, options);
  for (const OutputColumn& column : printed.columns) {
    to_duckdb(column.type);
    describe_for_athena(column.type);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  refused_or_done([&] {
    const Statement statement = parse(text);
    statement_type(statement);
    substatement_type(statement);
  });
  refused_or_done([&] { print(text); });
  if (size > 400) return 0;
  refused_or_done([&] { parse_expression(text); });
  // What a type is written as reads as the same type.
  refused_or_done([&] {
    const Type type = parse_hive_type(text);
    if (parse_hive_type(to_hive(type)) != type) std::abort();
  });
  if (auto type = parse_trino_type(text)) to_trino(*type);
  if (auto moment = parse_moment(text)) moment->date_text() + moment->time_text();
  for (const char* field : {"YEAR", "DAY", "SECOND"}) parse_interval(text, field, field);
  return 0;
}
