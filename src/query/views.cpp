// Views as Athena keeps them in the catalog: the text "/* Presto View: BASE64 */", whose Base64 is JSON.
#include "base/base64.hpp"
#include "base/json.hpp"
#include "query/run.hpp"
#include "query/tables.hpp"

namespace tarn::query {
namespace {

namespace glue = api::glue;
constexpr std::string_view head = "/* Presto View: ", tail = " */";

}  // namespace

StoredView stored_view(const glue::Table& view) {
  const std::string text = view.view_original_text.value_or("");
  StoredView out;
  out.database = view.database_name.value_or("default");
  if (!text.starts_with(head)) {
    // Hive's and Spark's views keep plain SQL.
    if (text.empty()) throw Error(ErrorKind::caller, "INVALID_VIEW", "View " + view.name + " has no text");
    out.sql = text;
    return out;
  }
  const auto end = text.find(tail, head.size());
  const auto json = base64_decode(text.substr(head.size(), end == text.npos ? text.npos : end - head.size()));
  if (!json)
    throw Error(ErrorKind::caller, "INVALID_VIEW", "View " + view.name + " holds no Base64 after '/* Presto View:'");
  const Value value = parse_json(*json);
  out.sql = value.at("originalSql").as_string();
  out.catalog = value.string_or("catalog");
  if (const std::string schema = value.string_or("schema"); !schema.empty()) out.database = schema;
  if (const Value* columns = value.find("columns"))
    for (const Value& column : columns->as_list())
      out.columns.emplace_back(column.string_or("name"), column.string_or("type"));
  return out;
}

void create_view(Run& run, const dialect::CreateView& statement) {
  const TableName name = full_name(run, statement.view);
  const auto scope = run.caller.scope();
  if (!run.parts.catalog.find_database(scope, name.database))
    throw Error(ErrorKind::caller, "SCHEMA_NOT_FOUND",
                place(statement.view.at) + "Schema '" + name.database + "' does not exist");
  const auto existing = run.parts.catalog.find_table(scope, name.database, name.table);
  if (existing && !is_view(*existing))
    throw Error(ErrorKind::caller, "TABLE_ALREADY_EXISTS",
                place(statement.view.at) + "Table already exists: '" + name.qualified() + "'");
  if (existing && !statement.or_replace)
    throw Error(ErrorKind::caller, "VIEW_ALREADY_EXISTS",
                place(statement.view.at) + "View already exists: '" + name.qualified() + "'");

  auto options = print_options(run, {});
  options.for_results = false;
  const auto printed = dialect::to_duckdb(*statement.query, resolver(run), options);
  glue::TableInput input;
  input.name = name.table;
  input.table_type = "VIRTUAL_VIEW";
  input.description = statement.comment;
  input.parameters = {{"presto_view", "true"}, {"comment", "Presto View"}};
  input.partition_keys.emplace();
  auto& storage = input.storage_descriptor.emplace();
  storage.columns.emplace();
  storage.location = "";
  storage.serde_info.emplace();
  Value columns{ValueList()};
  for (const auto& column : printed.columns) {
    auto& made = storage.columns->emplace_back();
    made.name = catalog::fold_name(column.name);
    made.type = dialect::to_hive(column.type);
    columns.push_back(
        Value::map({{"name", catalog::fold_name(column.name)}, {"type", dialect::to_trino(column.type)}}));
  }
  const Value held = Value::map({{"originalSql", statement.query_text},
                                 {"catalog", catalog::fold_name(run.catalog)},
                                 {"schema", run.database},
                                 {"columns", columns}});
  input.view_original_text = std::string(head) + base64_encode(to_json(held)) + std::string(tail);
  input.view_expanded_text = "/* Presto View */";
  if (existing)
    run.parts.catalog.update_table(scope, name.database, input);
  else
    run.parts.catalog.create_table(scope, name.database, input);
}

}  // namespace tarn::query
