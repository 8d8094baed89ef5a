// Tree to DuckDB's SQL: resolves names, works out the type of everything by Trino's rules, and writes SQL that computes
// what Trino would.
//
// Safe to call from any thread, as far as the given functions are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/dialect/statement.hpp"

namespace tarn::dialect {

struct TableColumn {
  std::string name;     // lower-case
  Type type;            // of the catalog: parse_hive_type(column.Type)
  bool hidden = false;  // "$path", "$file_size", "$file_modified_time": not in SELECT *
};

// What stands for a base table or a view. `sql` is a table expression of DuckDB (a quoted name, a table function, a
// query in parentheses) whose columns bear the names in `columns`, in any order and case, more may be there. Columns
// whose DuckDB type differs from to_duckdb(type) are cast by the engine, not here. A view: parse its text, print it,
// and give "(" + printed.sql + ")" with printed.columns.
struct ResolvedTable {
  std::string sql;
  std::vector<TableColumn> columns;
};

// nullopt where there is no such table: the printer then throws TABLE_NOT_FOUND. May throw Errors of its own (a
// database that is not there, no grant).
using TableResolver = std::function<std::optional<ResolvedTable>(const TableReference&)>;

struct PrintOptions {
  std::string catalog = "awsdatacatalog";     // of names without one, in error messages
  std::string database = "default";           // likewise; the resolver applies it itself
  std::string user = "tarn";                  // current_user
  std::vector<const Expression*> parameters;  // the values of `?`
  std::optional<int64_t> now_ms;  // since 1970, UTC: what current_timestamp says; absent: DuckDB's own clock
  // True: timestamp with time zone columns of the outermost SELECT come out as VARCHAR, as Athena's results write them,
  // since DuckDB keeps no zone. False (CTAS, INSERT, UNLOAD, views): as they are.
  bool for_results = true;
  // DuckDB computes products of decimals in 64 bits where its own rule allows, and fails when they overflow (see
  // needs_wide_decimals). True: in 128 bits.
  bool wide_decimals = false;
};

struct OutputColumn {
  std::string name;  // what Athena shows: the alias, the column's name, or _col0, _col1, ... by position
  Type type;         // by Trino's rules; the DuckDB column has to_duckdb(type), but see for_results
};

struct Printed {
  std::string sql;
  std::vector<OutputColumn> columns;
  // Ascending offsets into sql; what stands from there on comes from that place of the statement.
  struct Origin {
    size_t offset;
    Position at;
  };
  std::vector<Origin> origins;
};

// Throws Error (caller) with Athena's code and words, "line 1:8: " in front where it has a place: COLUMN_NOT_FOUND,
// TABLE_NOT_FOUND, TYPE_MISMATCH, FUNCTION_NOT_FOUND, AMBIGUOUS_NAME, EXPRESSION_NOT_AGGREGATE, ...; Error
// (unsupported, NOT_SUPPORTED) for what tarn does not have.
Printed to_duckdb(const Query& query, const TableResolver& resolve, const PrintOptions& options = {});

// The query's columns cast to these types by the rules for INSERT (Trino: exact, or a coercion that loses nothing,
// varchar and char by length). `target_name` and `names` are for the message: TYPE_MISMATCH: Insert query has
// mismatched column types: Table: [...], Query: [...].
Printed to_duckdb_as(const Query& query, const TableResolver& resolve, const PrintOptions& options,
                     const std::vector<TableColumn>& target);

// A condition over one table's columns (DELETE, UPDATE, MERGE, partition filters): prints with columns as bare quoted
// names.
struct PrintedExpression {
  std::string sql;
  Type type;
};
PrintedExpression to_duckdb(const Expression& expression, const std::vector<TableColumn>& columns,
                            const PrintOptions& options = {});

// DuckDB settings that the printed SQL counts on; the engine runs them once for each connection.
const std::vector<std::string>& session_settings();

// The base tables and views that the statement reads or writes, once each, in the order of the text. Names of WITH are
// left out.
std::vector<TableReference> referenced_tables(const Statement& statement);
std::vector<TableReference> referenced_tables(const Query& query);

// DuckDB's error in Athena's words.
struct AthenaError {
  std::string code;  // "DIVISION_BY_ZERO", "INVALID_CAST_ARGUMENT", ..., "GENERIC_INTERNAL_ERROR" for what is not known
  std::string message;  // "Division by zero"
  std::string text() const { return code + ": " + message; }
};
// `position` is DuckDB's offset into printed.sql, when its error has one (ErrorData's extra info "position").
AthenaError athena_error(std::string_view duckdb_message, const Printed& printed,
                         std::optional<size_t> position = std::nullopt);
// Whether that error means: print again with wide_decimals, and run that.
bool needs_wide_decimals(std::string_view duckdb_message);

}  // namespace tarn::dialect
