// Running one statement: what it needs, what comes of it, and who does it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "query/data_catalogs.hpp"
#include "query/dialect/printer.hpp"
#include "query/parts.hpp"
#include "query/result_files.hpp"
#include "query/saved_queries.hpp"

namespace tarn::query {

struct Run {
  const Parts& parts;
  const DataCatalogs& data_catalogs;
  SavedQueries& saved;
  Caller caller;
  Session& session;
  std::string id;  // of the query execution
  std::string workgroup;
  bool enforced_location = false;  // the workgroup's, so that no statement may name another
  std::string catalog, database;   // of names that are not qualified
  std::string output_location;     // "s3://bucket/prefix/"
  std::vector<std::string> execution_parameters;
  Time now;
  std::function<void()> planned;         // called when planning is over and execution begins
  std::function<void()> before_publish;  // called before a write becomes visible; throws where the query was stopped
};

// Which file a statement leaves at the output location.
enum class ResultKind { csv, text, none };

struct Outcome {
  ResultKind kind = ResultKind::none;
  std::vector<athena::ColumnInfo> columns;
  std::optional<int64_t> update_count;
  std::string manifest_location;
  uint64_t rows = 0, size_bytes = 0;
};

// How the files of a statement are called below its output location ("ID.csv", "tables/ID"), known before it runs.
std::string result_name(const dialect::Statement& statement, const std::string& id);

// Runs the statement and writes its files. Failures: Error whose code is Athena's (TABLE_NOT_FOUND, HIVE_BAD_DATA,
// ...).
Outcome run_statement(Run& run, const dialect::Statement& statement);

// ---- its parts, a file each ----

// resolve.cpp: tables, views, information_schema and "t$partitions" as the printer asks for them; keeps nothing but
// references.
dialect::TableResolver resolver(Run& run);
struct TableName {
  std::string catalog, database, table;
  std::string qualified() const { return "awsdatacatalog." + database + "." + table; }
};
// Where a name points to; a catalog that is not there throws CATALOG_NOT_FOUND.
TableName full_name(const Run& run, const dialect::TableReference& table);
// The table, or TABLE_NOT_FOUND, SCHEMA_NOT_FOUND.
api::glue::Table found_table(const Run& run, const dialect::TableReference& table);
// "line 1:15: "
std::string place(const dialect::Position& at);
dialect::PrintOptions print_options(const Run& run, const std::vector<const dialect::Expression*>& parameters);

// writes.cpp
Outcome create_table_as(Run& run, const dialect::CreateTableAs& statement,
                        const std::vector<const dialect::Expression*>& parameters);
Outcome insert_into(Run& run, const dialect::InsertInto& statement,
                    const std::vector<const dialect::Expression*>& parameters);
Outcome unload(Run& run, const dialect::Unload& statement, const std::vector<const dialect::Expression*>& parameters);
// Takes back what a write left that was killed before it was acknowledged. `intent` is what stands in the record below.
void roll_back_write(const Parts& parts, const Value& intent);
inline constexpr const char* write_intent_kind = "athena.write_intent";

// definitions.cpp, show.cpp: DDL. Each returns the text of the .txt file, and its columns.
struct Text {
  std::vector<std::string> columns;
  std::string lines;  // each ended by '\n'
};
Text define(Run& run, const dialect::Statement& statement);
Text show(Run& run, const dialect::Statement& statement);
std::string create_table_text(const api::glue::Table& table);
std::string create_view_text(const api::glue::Table& view);

// views.cpp: a view as the catalog holds it.
struct StoredView {
  std::string sql, catalog, database;
  std::vector<std::pair<std::string, std::string>> columns;  // name, Trino type
};
StoredView stored_view(const api::glue::Table& view);
void create_view(Run& run, const dialect::CreateView& statement);

// Runs DuckDB's SQL that came of `printed`, with failures in Athena's words.
uint64_t run_printed(Run& run, const std::string& sql, const dialect::Printed& printed, RowSink* sink,
                     const std::vector<ResultColumn>* columns);
// DuckDB's failure as Athena's.
Error in_athena_words(const Error& error, const dialect::Printed& printed);
// Prints and calls `go`; once more with wide decimals where the first run overflowed.
uint64_t with_decimals(dialect::PrintOptions options,
                       const std::function<dialect::Printed(const dialect::PrintOptions&)>& print,
                       const std::function<uint64_t(const dialect::Printed&)>& go);

}  // namespace tarn::query
