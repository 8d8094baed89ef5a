// What the names of a query stand for.
#include "query/dialect/parser.hpp"
#include "query/relation_sql.hpp"
#include "query/run.hpp"
#include "query/tables.hpp"

namespace tarn::query {
namespace {

using dialect::ResolvedTable;
using dialect::TableReference;

constexpr int max_view_depth = 16;

dialect::Type text_type() {
  return dialect::varchar_type();
}

// A relation of constant rows.
struct Rows {
  std::vector<dialect::TableColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

ResolvedTable constant(const Rows& content) {
  std::string names, row_sql, sql;
  for (const auto& column : content.columns) {
    if (!names.empty()) names += ", ";
    names +=
        "CAST(" + sql_name(column.name) + " AS " + dialect::to_duckdb(column.type) + ") AS " + sql_name(column.name);
  }
  for (const auto& row : content.rows) {
    sql += sql.empty() ? "(" : ", (";
    for (std::size_t i = 0; i < row.size(); ++i)
      sql += (i > 0 ? ", " : "") + (row[i] ? sql_text(*row[i]) : std::string("NULL"));
    sql += ")";
  }
  const bool none = sql.empty();
  if (none) {
    sql = "(";
    for (std::size_t i = 0; i < content.columns.size(); ++i) sql += i > 0 ? ", NULL" : "NULL";
    sql += ")";
  }
  sql = "(SELECT " + names + " FROM (VALUES " + sql + ") AS v(";
  for (std::size_t i = 0; i < content.columns.size(); ++i)
    sql += (i > 0 ? ", " : "") + sql_name(content.columns[i].name);
  return {sql + ")" + (none ? " WHERE false)" : ")"), content.columns};
}

std::optional<ResolvedTable> information_schema(Run& run, const std::string& table) {
  const auto scope = run.caller.scope();
  Rows out;
  auto column = [&](const char* name) { out.columns.push_back({name, text_type()}); };
  std::vector<api::glue::Database> databases;
  for (std::optional<std::string> token;;) {
    auto page = run.parts.catalog.databases(scope, {token, 1000});
    for (auto& database : page.items) databases.push_back(std::move(database));
    if (!(token = page.next)) break;
  }
  const std::string catalog = "awsdatacatalog";
  if (table == "schemata") {
    column("catalog_name"), column("schema_name");
    for (const auto& database : databases) out.rows.push_back({catalog, database.name});
    out.rows.push_back({catalog, "information_schema"});
    return constant(out);
  }
  if (table != "tables" && table != "columns" && table != "views") return std::nullopt;
  column("table_catalog"), column("table_schema"), column("table_name");
  if (table == "tables") column("table_type");
  if (table == "views") column("view_definition");
  if (table == "columns") {
    column("column_name");
    out.columns.push_back({"ordinal_position", dialect::simple_type(dialect::TypeKind::bigint)});
    column("column_default"), column("is_nullable"), column("data_type"), column("comment"), column("extra_info");
  }
  for (const auto& database : databases)
    for (const auto& held : run.parts.catalog.all_tables(scope, database.name)) {
      if (table == "tables")
        out.rows.push_back({catalog, database.name, held.name, is_view(held) ? "VIEW" : "BASE TABLE"});
      if (table == "views" && is_view(held))
        out.rows.push_back({catalog, database.name, held.name, stored_view(held).sql});
      if (table != "columns") continue;
      int position = 0;
      auto add = [&](const std::optional<std::vector<api::glue::Column>>& columns, bool partition) {
        for (const auto& c : columns.value_or(std::vector<api::glue::Column>()))
          out.rows.push_back({catalog, database.name, held.name, catalog::fold_name(c.name), std::to_string(++position),
                              std::nullopt, "YES",
                              dialect::to_trino(dialect::parse_hive_type(c.type.value_or("string"))), c.comment,
                              partition ? std::optional<std::string>("partition key") : std::nullopt});
      };
      if (held.storage_descriptor) add(held.storage_descriptor->columns, false);
      add(held.partition_keys, true);
    }
  return constant(out);
}

ResolvedTable partitions_of(Run& run, const api::glue::Table& table) {
  Rows out;
  for (const auto& key : table.partition_keys.value_or(std::vector<api::glue::Column>()))
    out.columns.push_back({catalog::fold_name(key.name), dialect::parse_hive_type(key.type.value_or("string"))});
  if (out.columns.empty())
    throw Error(ErrorKind::caller, "TABLE_NOT_FOUND", "Table '" + table.name + "' has no partitions");
  for (const auto& values :
       run.parts.catalog.partition_values(run.caller.scope(), table.database_name.value_or(""), table.name)) {
    auto& row = out.rows.emplace_back(values.begin(), values.end());
    for (auto& value : row)
      if (value == "__HIVE_DEFAULT_PARTITION__") value.reset();
  }
  return constant(out);
}

class Resolver {
 public:
  explicit Resolver(Run& run) : run_(run) {}

  std::optional<ResolvedTable> resolve(const TableReference& reference, int depth) const {
    const TableName name = full_name(run_, reference);
    if (name.database == "information_schema") return information_schema(run_, name.table);
    const auto scope = run_.caller.scope();
    constexpr std::string_view partitions = "$partitions";
    const bool of_partitions = name.table.ends_with(partitions);
    const std::string table_name =
        of_partitions ? name.table.substr(0, name.table.size() - partitions.size()) : name.table;
    const auto table = run_.parts.catalog.find_table(scope, name.database, table_name);
    if (!table) {
      if (!run_.parts.catalog.find_database(scope, name.database))
        throw Error(ErrorKind::caller, "SCHEMA_NOT_FOUND",
                    place(reference.at) + "Schema '" + name.database + "' does not exist");
      return std::nullopt;
    }
    if (of_partitions) return partitions_of(run_, *table);
    if (is_view(*table)) return view(*table, depth);
    if (reference.as_of != TableReference::AsOf::none)
      throw Error(ErrorKind::caller, "NOT_SUPPORTED",
                  place(reference.at) + "This connector does not support versioned tables");
    ResolvedTable out;
    for (auto& scan : scans_of(run_.parts.catalog, scope, *table, run_.now)) {
      const std::string relation = run_.session.relation(std::move(scan));
      out.sql = out.sql.empty() ? relation : out.sql + " UNION ALL SELECT *, \"$path\" FROM " + relation;
    }
    if (out.sql.find(" UNION ALL ") != out.sql.npos) out.sql = "(SELECT *, \"$path\" FROM " + out.sql + ")";
    out.columns = columns_of(*table);
    out.columns.push_back({"$path", text_type(), true});
    return out;
  }

 private:
  ResolvedTable view(const api::glue::Table& table, int depth) const {
    if (depth >= max_view_depth)
      throw Error(ErrorKind::caller, "VIEW_IS_RECURSIVE", "Statement would create a recursive view: " + table.name);
    const StoredView stored = stored_view(table);
    const auto query = dialect::parse_query(stored.sql);
    dialect::PrintOptions options = print_options(run_, {});
    options.database = stored.database;
    options.for_results = false;
    const auto printed = dialect::to_duckdb(
        *query,
        [&](const TableReference& inner) {
          TableReference qualified = inner;
          if (!qualified.database) qualified.database = stored.database;
          return resolve(qualified, depth + 1);
        },
        options);
    ResolvedTable out;
    out.sql = "(" + printed.sql + ")";
    for (const auto& column : printed.columns) out.columns.push_back({catalog::fold_name(column.name), column.type});
    return out;
  }

  Run& run_;
};

}  // namespace

std::string place(const dialect::Position& at) {
  return "line " + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

TableName full_name(const Run& run, const TableReference& table) {
  TableName out{table.catalog.value_or(run.catalog), table.database.value_or(run.database), table.table};
  if (!run.data_catalogs.find(run.caller, out.catalog))
    throw Error(ErrorKind::caller, "CATALOG_NOT_FOUND", place(table.at) + "Catalog '" + out.catalog + "' not found");
  return out;
}

api::glue::Table found_table(const Run& run, const TableReference& reference) {
  const TableName name = full_name(run, reference);
  if (auto table = run.parts.catalog.find_table(run.caller.scope(), name.database, name.table))
    return std::move(*table);
  if (!run.parts.catalog.find_database(run.caller.scope(), name.database))
    throw Error(ErrorKind::caller, "SCHEMA_NOT_FOUND",
                place(reference.at) + "Schema '" + name.database + "' does not exist");
  throw Error(ErrorKind::caller, "TABLE_NOT_FOUND",
              place(reference.at) + "Table '" + name.qualified() + "' does not exist");
}

dialect::PrintOptions print_options(const Run& run, const std::vector<const dialect::Expression*>& parameters) {
  dialect::PrintOptions out;
  out.catalog = catalog::fold_name(run.catalog);
  out.database = run.database;
  out.user = run.caller.principal.arn;
  out.parameters = parameters;
  return out;
}

dialect::TableResolver resolver(Run& run) {
  return [r = Resolver(run)](const TableReference& reference) { return r.resolve(reference, 0); };
}

}  // namespace tarn::query
