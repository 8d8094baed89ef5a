// SHOW and DESCRIBE, in the forms in which Hive prints them.
#include <algorithm>

#include "query/run.hpp"
#include "query/tables.hpp"

namespace tarn::query {
namespace {

namespace glue = api::glue;
using namespace dialect;
using Map = std::map<std::string, std::string>;

Error not_found(const TableName& name) {
  return Error(ErrorKind::caller, "FAILED",
               "SemanticException [Error 10001]: Table not found " + name.database + "." + name.table);
}

glue::Table need_table(const Run& run, const TableReference& reference) {
  const TableName name = full_name(run, reference);
  auto table = run.parts.catalog.find_table(run.caller.scope(), name.database, name.table);
  if (!table) throw not_found(name);
  return std::move(*table);
}

// Hive's patterns: a regular expression in which * alone stands for any text, | for alternatives.
std::function<bool(const std::string&)> matcher(const std::optional<std::string>& pattern) {
  if (!pattern) return [](const std::string&) { return true; };
  // The first match finds out whether the pattern is one.
  try {
    catalog::table_name_matches(*pattern, "");
  } catch (const Error&) {
    throw Error(ErrorKind::caller, "FAILED",
                "SemanticException The pattern '" + *pattern + "' is no regular expression");
  }
  return [wanted = *pattern](const std::string& name) { return catalog::table_name_matches(wanted, name); };
}

std::string padded(const std::string& text, std::size_t width = 20) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

std::string column_line(const glue::Column& column) {
  return padded(column.name) + "\t" + padded(column.type.value_or("string")) + "\t" +
         padded(column.comment.value_or("")) + "\n";
}

constexpr const char* blank = "\t \t \n";
constexpr const char* column_heading = "# col_name            \tdata_type           \tcomment             \n";

std::vector<glue::Column> data_columns(const glue::Table& table) {
  if (!table.storage_descriptor) return {};
  return table.storage_descriptor->columns.value_or(std::vector<glue::Column>());
}
std::vector<glue::Column> keys_of(const glue::Table& table) {
  return table.partition_keys.value_or(std::vector<glue::Column>());
}

std::string heading_line(const std::string& name, const std::string& value) {
  return padded(name) + "\t" + padded(value) + "\t \n";
}
std::string parameter_line(const std::string& name, const std::string& value) {
  return "\t" + padded(name) + "\t" + padded(value) + "\n";
}

std::string hive_time(const std::optional<Time>& time) {
  return time ? format_time(*time, "%a %b %d %H:%M:%S UTC %Y") : "UNKNOWN";
}

std::string storage_lines(const glue::StorageDescriptor& storage) {
  std::string out = std::string(blank) + "# Storage Information\t \t \n";
  out +=
      heading_line("SerDe Library:", storage.serde_info ? storage.serde_info->serialization_library.value_or("") : "");
  out += heading_line("InputFormat:", storage.input_format.value_or(""));
  out += heading_line("OutputFormat:", storage.output_format.value_or(""));
  out += heading_line("Compressed:", storage.compressed.value_or(false) ? "Yes" : "No");
  out += heading_line("Num Buckets:", std::to_string(storage.number_of_buckets.value_or(-1)));
  std::string buckets;
  for (const auto& column : storage.bucket_columns.value_or(std::vector<std::string>()))
    buckets += (buckets.empty() ? "" : ", ") + column;
  out += heading_line("Bucket Columns:", "[" + buckets + "]");
  out += heading_line("Sort Columns:", "[]");
  const Map parameters = storage.serde_info ? storage.serde_info->parameters.value_or(Map()) : Map();
  if (!parameters.empty()) out += "Storage Desc Params:\t \t \n";
  for (const auto& [name, value] : parameters) out += parameter_line(name, value);
  return out;
}

std::string formatted_lines(const glue::Table& table) {
  std::string out = std::string(blank) + "# Detailed Table Information\t \t \n";
  out += heading_line("Database:", table.database_name.value_or(""));
  out += heading_line("Owner:", table.owner.value_or(""));
  out += heading_line("CreateTime:", hive_time(table.create_time));
  out += heading_line("LastAccessTime:", hive_time(table.last_access_time));
  out += heading_line("Protect Mode:", "None");
  out += heading_line("Retention:", std::to_string(table.retention.value_or(0)));
  out += heading_line("Location:", table.storage_descriptor ? table.storage_descriptor->location.value_or("") : "");
  out += heading_line("Table Type:", table.table_type.value_or(""));
  const Map parameters = table.parameters.value_or(Map());
  if (!parameters.empty()) out += "Table Parameters:\t \t \n";
  for (const auto& [name, value] : parameters) out += parameter_line(name, value);
  return out + (table.storage_descriptor ? storage_lines(*table.storage_descriptor) : "");
}

Text describe(Run& run, const Describe& statement) {
  const glue::Table table = need_table(run, statement.table);
  Text out{{"col_name", "data_type", "comment"}, ""};
  auto columns = data_columns(table);
  const auto keys = keys_of(table);
  if (!statement.column_path.empty()) {
    columns.insert(columns.end(), keys.begin(), keys.end());
    for (const auto& column : columns)
      if (catalog::fold_name(column.name) == statement.column_path.front()) out.lines += column_line(column);
    if (out.lines.empty() || statement.column_path.size() > 1)
      throw Error(ErrorKind::caller, "FAILED",
                  "SemanticException [Error 10004]: Invalid column reference " + statement.column_path.back());
    return out;
  }
  const bool formatted = statement.detail != Describe::Detail::plain;
  if (formatted) out.lines += std::string(column_heading) + blank;
  for (const auto& column : columns) out.lines += column_line(column);
  if (!formatted)
    for (const auto& key : keys) out.lines += column_line(key);
  if (!keys.empty()) {
    out.lines += std::string(blank) + "# Partition Information\t \t \n" + column_heading + blank;
    for (const auto& key : keys) out.lines += column_line(key);
  }
  if (formatted) out.lines += formatted_lines(table);
  return out;
}

Text show_partitions(Run& run, const ShowPartitions& statement) {
  const glue::Table table = need_table(run, statement.table);
  const auto keys = keys_of(table);
  if (keys.empty())
    throw Error(ErrorKind::caller, "FAILED",
                "SemanticException [Error 10241]: Table " + table.name + " is not a partitioned table");
  Text out{{"partition"}, ""};
  for (const auto& values : run.parts.catalog.partition_values(run.caller.scope(), *table.database_name, table.name)) {
    std::string line;
    bool wanted = true;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      line += (i > 0 ? "/" : "") + keys[i].name + "=" + values.at(i);
      for (const auto& value : statement.partition)
        wanted = wanted && (value.column != catalog::fold_name(keys[i].name) || value.value == values[i]);
    }
    if (wanted) out.lines += line + "\n";
  }
  return out;
}

Text show_tables(Run& run, const std::optional<std::string>& given, const std::optional<std::string>& pattern,
                 bool views_only) {
  const std::string database = given.value_or(run.database);
  if (!run.parts.catalog.find_database(run.caller.scope(), database))
    throw Error(ErrorKind::caller, "FAILED", "SemanticException [Error 10072]: Database does not exist: " + database);
  const auto wanted = matcher(pattern);
  Text out{{views_only ? "views" : "tab_name"}, ""};
  for (const auto& table : run.parts.catalog.all_tables(run.caller.scope(), database))
    if (wanted(table.name) && (!views_only || is_view(table))) out.lines += table.name + "\n";
  return out;
}

Text show_databases(Run& run, const ShowDatabases& statement) {
  const auto wanted = matcher(statement.pattern);
  Text out{{"database_name"}, ""};
  for (std::optional<std::string> token;;) {
    const auto page = run.parts.catalog.databases(run.caller.scope(), {token, 1000});
    for (const auto& database : page.items)
      if (wanted(database.name)) out.lines += database.name + "\n";
    if (!(token = page.next)) return out;
  }
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 32) {
      static constexpr char digits[] = "0123456789abcdef";
      out += std::string("\\u00") + digits[c >> 4] + digits[c & 15];
    } else
      out += c;
  }
  return out + "'";
}

std::string column_definitions(const std::vector<glue::Column>& columns) {
  std::string out;
  for (const auto& column : columns) {
    out += (out.empty() ? "" : ", \n") + std::string("  `") + column.name + "` " + column.type.value_or("string");
    if (column.comment && !column.comment->empty()) out += " COMMENT " + quoted(*column.comment);
  }
  return out;
}

std::string property_lines(const Map& properties) {
  std::string out;
  for (const auto& [name, value] : properties)
    out += (out.empty() ? "" : ", \n") + std::string("  ") + quoted(name) + "=" + quoted(value);
  return out;
}

}  // namespace

std::string create_table_text(const glue::Table& table) {
  std::string out = "CREATE EXTERNAL TABLE `" + table.database_name.value_or("") + "." + table.name + "`(\n" +
                    column_definitions(data_columns(table)) + ")\n";
  if (table.description && !table.description->empty()) out += "COMMENT " + quoted(*table.description) + "\n";
  if (const auto keys = keys_of(table); !keys.empty()) out += "PARTITIONED BY ( \n" + column_definitions(keys) + ")\n";
  if (!table.storage_descriptor) return out;
  const auto& storage = *table.storage_descriptor;
  if (storage.bucket_columns && !storage.bucket_columns->empty()) {
    out += "CLUSTERED BY ( \n";
    for (std::size_t i = 0; i < storage.bucket_columns->size(); ++i)
      out += (i > 0 ? ", \n  " : "  ") + (*storage.bucket_columns)[i];
    out += ") \nINTO " + std::to_string(storage.number_of_buckets.value_or(0)) + " BUCKETS\n";
  }
  if (storage.serde_info) {
    out += "ROW FORMAT SERDE \n  " + quoted(storage.serde_info->serialization_library.value_or("")) + " \n";
    if (const Map parameters = storage.serde_info->parameters.value_or(Map()); !parameters.empty())
      out += "WITH SERDEPROPERTIES ( \n" + property_lines(parameters) + ") \n";
  }
  out += "STORED AS INPUTFORMAT \n  " + quoted(storage.input_format.value_or("")) + " \n";
  out += "OUTPUTFORMAT \n  " + quoted(storage.output_format.value_or("")) + "\n";
  out += "LOCATION\n  " + quoted(storage.location.value_or("")) + "\n";
  Map parameters = table.parameters.value_or(Map());
  parameters.erase("EXTERNAL");
  return out + "TBLPROPERTIES (\n" + property_lines(parameters) + ")\n";
}

std::string create_view_text(const glue::Table& view) {
  const StoredView stored = stored_view(view);
  return "CREATE VIEW \"" + view.database_name.value_or("") + "\".\"" + view.name + "\" AS \n" + stored.sql + "\n";
}

Text show(Run& run, const Statement& statement) {
  if (const auto* s = std::get_if<ShowDatabases>(&statement.node)) return show_databases(run, *s);
  if (const auto* s = std::get_if<ShowTables>(&statement.node)) return show_tables(run, s->database, s->pattern, false);
  if (const auto* s = std::get_if<ShowViews>(&statement.node)) return show_tables(run, s->database, s->pattern, true);
  if (const auto* s = std::get_if<ShowPartitions>(&statement.node)) return show_partitions(run, *s);
  if (const auto* s = std::get_if<Describe>(&statement.node)) return describe(run, *s);
  if (const auto* s = std::get_if<DescribeView>(&statement.node)) {
    Text out{{"Column", "Type"}, ""};
    for (const auto& column : data_columns(need_table(run, s->view)))
      out.lines += padded(column.name) + "\t" + padded(column.type.value_or("string")) + "\n";
    return out;
  }
  if (const auto* s = std::get_if<ShowColumns>(&statement.node)) {
    const auto table = need_table(run, s->table);
    Text out{{"field"}, ""};
    for (const auto& columns : {data_columns(table), keys_of(table)})
      for (const auto& column : columns) out.lines += padded(column.name) + "\n";
    return out;
  }
  if (const auto* s = std::get_if<ShowCreateTable>(&statement.node)) {
    const auto table = need_table(run, s->table);
    return {{"createtab_stmt"}, is_view(table) ? create_view_text(table) : create_table_text(table)};
  }
  if (const auto* s = std::get_if<ShowCreateView>(&statement.node)) {
    const auto table = need_table(run, s->view);
    if (!is_view(table))
      throw Error(ErrorKind::caller, "NOT_SUPPORTED",
                  place(s->view.at) + "Relation '" + table.name + "' is a table, not a view");
    return {{"Create View"}, create_view_text(table)};
  }
  if (const auto* s = std::get_if<ShowTableProperties>(&statement.node)) {
    const Map parameters = need_table(run, s->table).parameters.value_or(Map());
    Text out{{"prpt_name", "prpt_value"}, ""};
    if (!s->property) {
      for (const auto& [name, value] : parameters) out.lines += name + "\t" + value + "\n";
    } else {
      const auto found = parameters.find(*s->property);
      out.lines = (found == parameters.end() ? "Table does not have property: " + *s->property : found->second) + "\n";
    }
    return out;
  }
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not run this statement");
}

}  // namespace tarn::query
