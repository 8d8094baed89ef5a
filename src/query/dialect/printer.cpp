#include "query/dialect/printer.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// A place is noted in the text as this byte, "line:column:offset", and the other: neither is in any text of UTF-8.
constexpr char mark_begin = '\xFF';
constexpr char mark_end = '\xFD';

std::vector<OutputColumn> output_columns(const PrintedQuery& query) {
  std::vector<OutputColumn> out;
  for (const Field& column : query.columns) out.push_back({column.name, column.type});
  return out;
}

// Columns whose type DuckDB's result cannot carry, in the form that Athena's results have.
std::string result_sql(const PrintedQuery& query) {
  bool any = std::any_of(query.columns.begin(), query.columns.end(), [](const Field& f) {
    return f.type.kind == TypeKind::timestamp_with_zone || f.type.kind == TypeKind::character;
  });
  if (!any) return query.sql;
  std::string items;
  Style style;
  for (const Field& column : query.columns) {
    Value value{"\"q\"." + column.sql, column.type};
    bool as_text = column.type.kind == TypeKind::timestamp_with_zone || column.type.kind == TypeKind::character;
    items += (items.empty() ? "" : ", ") + (as_text ? text_sql(style, value) : value.sql) + " AS " + column.sql;
  }
  return "SELECT " + items + " FROM (" + query.sql + ") AS \"q\"";
}

bool assignable(const Type& from, const Type& to) {
  if (can_coerce(from, to)) return true;
  return from.is_text() && to.is_text();  // by length: what is too long fails as the query runs
}

}  // namespace

Printer::Printer(const TableResolver& resolve, const PrintOptions& options) : resolve_(resolve), options_(options) {
  style_.wide_decimals = options.wide_decimals;
}

void Printer::fail(Position at, const std::string& code, const std::string& message) {
  throw Error(ErrorKind::caller, code,
              "line " + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + message);
}

void Printer::unsupported(Position at, const std::string& what) {
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED",
              "line " + std::to_string(at.line) + ":" + std::to_string(at.column) + ": tarn does not have " + what);
}

std::string Printer::mark(Position at) {
  return mark_begin + std::to_string(at.line) + ":" + std::to_string(at.column) + ":" + std::to_string(at.offset) +
         mark_end;
}

std::string Printer::unique_alias(const std::string& wanted) {
  std::string name = lower_case(wanted);
  for (int i = 2; !aliases_.insert(name).second; i++) name = lower_case(wanted) + "#" + std::to_string(i);
  return name;
}

Printed Printer::finish(const std::string& marked, std::vector<OutputColumn> columns) {
  Printed out;
  out.columns = std::move(columns);
  for (size_t i = 0; i < marked.size(); i++) {
    if (marked[i] != mark_begin) {
      out.sql += marked[i];
      continue;
    }
    size_t end = marked.find(mark_end, i);
    TARN_ASSERT(end != std::string::npos);
    Position at;
    size_t parts[3] = {0, 0, 0};
    size_t part = 0;
    for (size_t k = i + 1; k < end; k++) {
      if (marked[k] == ':') {
        part++;
      } else {
        parts[part] = parts[part] * 10 + (marked[k] - '0');
      }
    }
    at.line = static_cast<int>(parts[0]);
    at.column = static_cast<int>(parts[1]);
    at.offset = parts[2];
    out.origins.push_back({out.sql.size(), at});
    i = end;
  }
  return out;
}

Printed to_duckdb(const Query& query, const TableResolver& resolve, const PrintOptions& options) {
  Printer printer(resolve, options);
  PrintedQuery printed = printer.query(query, nullptr);
  return Printer::finish(options.for_results ? result_sql(printed) : printed.sql, output_columns(printed));
}

Printed to_duckdb_as(const Query& query, const TableResolver& resolve, const PrintOptions& options,
                     const std::vector<TableColumn>& target) {
  Printer printer(resolve, options);
  PrintedQuery printed = printer.query(query, nullptr);
  bool fits = printed.columns.size() == target.size();
  for (size_t i = 0; fits && i < target.size(); i++) fits = assignable(printed.columns[i].type, target[i].type);
  if (!fits) {
    std::string table, from;
    for (const TableColumn& column : target) table += (table.empty() ? "" : ", ") + to_trino(column.type);
    for (const Field& column : printed.columns) from += (from.empty() ? "" : ", ") + to_trino(column.type);
    Printer::fail(query.at, "TYPE_MISMATCH",
                  "Insert query has mismatched column types: Table: [" + table + "], Query: [" + from + "]");
  }
  std::string items;
  std::vector<OutputColumn> columns;
  for (size_t i = 0; i < target.size(); i++) {
    const Type& from = printed.columns[i].type;
    const Type& to = target[i].type;
    Value value{"\"q\"." + printed.columns[i].sql, from};
    std::string sql = coerced(printer.style(), value, to).sql;
    bool shortens =
        to.is_text() && to.precision != unbounded_length && (from.is_text() && from.precision > to.precision);
    if (shortens) {
      std::string length = std::to_string(to.precision);
      sql = guarded(printer.style(), "length(rtrim(" + sql + ")) > " + length, "INVALID_CAST_ARGUMENT",
                    "'Cannot truncate non-space characters when casting from " + to_trino(from) + " to " +
                        to_trino(to) + " on INSERT'",
                    "left(" + sql + ", " + length + ")");
    }
    items += (items.empty() ? "" : ", ") + sql + " AS " + quote_name(target[i].name);
    columns.push_back({target[i].name, to});
  }
  return Printer::finish("SELECT " + items + " FROM (" + printed.sql + ") AS \"q\"", std::move(columns));
}

PrintedExpression to_duckdb(const Expression& expression, const std::vector<TableColumn>& columns,
                            const PrintOptions& options) {
  TableResolver none = [](const TableReference&) { return std::nullopt; };
  Printer printer(none, options);
  Scope scope;
  scope.scalar_clause = "WHERE clause";
  for (const TableColumn& column : columns) {
    Field field;
    field.name = column.name;
    field.type = column.type;
    field.sql = quote_name(column.name);
    field.hidden = column.hidden;
    scope.fields.push_back(std::move(field));
  }
  Value value = printer.expression(expression, scope);
  return PrintedExpression{Printer::finish(value.sql, {}).sql, value.type};
}

const std::vector<std::string>& session_settings() {
  static const std::vector<std::string> settings = {
      "SET TimeZone = 'UTC'",
      "SET ieee_floating_point_ops = true",
      "SET integer_division = false",
      "SET default_collation = ''",
      "SET scalar_subquery_error_on_multiple_rows = true",
      "SET order_by_non_integer_literal = true",
      "SET lambda_syntax = 'DISABLE_SINGLE_ARROW'",
  };
  return settings;
}

}  // namespace tarn::dialect
