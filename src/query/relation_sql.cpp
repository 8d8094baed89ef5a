// The scan function of a table's format, with the arguments that make DuckDB's reader read as the SerDe does.
#include <algorithm>

#include "base/error.hpp"
#include "query/relation_sql.hpp"

namespace tarn::query {

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

namespace {

std::string columns_argument(const TableScan& scan, bool as_text) {
  std::string out = "columns={";
  for (const auto& column : scan.columns) {
    if (out.back() != '{') out += ", ";
    out += sql_text(column.name) + ": " + sql_text(as_text ? "VARCHAR" : column.type);
  }
  return out + "}";
}

std::string text_arguments(const TableScan& scan) {
  const DelimitedText& text = scan.text;
  std::string out =
      ", " + columns_argument(scan, true) + ", auto_detect=false, header=false, null_padding=true, strict_mode=false";
  out +=
      ", delim=" + sql_text(text.delimiter) + ", quote=" + sql_text(text.quote) + ", escape=" + sql_text(text.escape);
  if (!text.null_text.empty()) out += ", nullstr=" + sql_text(text.null_text);
  if (text.skipped_lines > 0) out += ", skip=" + std::to_string(text.skipped_lines);
  if (text.encoding != "utf-8") out += ", encoding=" + sql_text(text.encoding);
  return out;
}

std::string json_arguments(const TableScan& scan) {
  std::string out = ", " + columns_argument(scan, false) +
                    ", format='auto', records='true', compression='uncompressed', maximum_object_size=67108864";
  if (scan.json.ignore_malformed) out += ", ignore_errors=true";
  return out;
}

// The groups of the lines' matches as columns; a line that does not match has NULL everywhere, as with Hive.
std::string matched_lines(const TableScan& scan, const std::string& lines) {
  const std::string line = sql_name(line_column), pattern = sql_text("^(?:" + scan.text.pattern + ")$");
  std::string names, columns, keys;
  for (std::size_t i = 0; i < scan.groups.size(); ++i) {
    const std::string group = "g" + std::to_string(i);
    names += (i > 0 ? ", " : "") + sql_text(group);
    const std::string value = "(\"match$\")." + group;
    columns += (scan.groups[i].type == "VARCHAR" ? value : "TRY_CAST(" + value + " AS " + scan.groups[i].type + ")") +
               " AS " + sql_name(scan.groups[i].name) + ", ";
  }
  for (const auto& key : scan.partition_keys) keys += sql_name(key.name) + ", ";
  return "(SELECT " + columns + keys + "\"$path\" FROM (SELECT CASE WHEN regexp_matches(" + line + ", " + pattern +
         ") THEN regexp_extract(" + line + ", " + pattern + ", [" + names + "]) END AS \"match$\", " + keys +
         "\"$path\" FROM " + lines + "))";
}

}  // namespace

std::string relation_sql(const TableScan& scan, std::size_t id) {
  const std::string number = sql_text(std::to_string(id));
  switch (scan.format) {
    case TableFormat::parquet: {
      const bool binary = std::any_of(scan.columns.begin(), scan.columns.end(),
                                      [](const auto& c) { return c.type.find("BLOB") != std::string::npos; });
      return "tarn_parquet(" + number + (binary ? ")" : ", binary_as_string=true)");
    }
    case TableFormat::delimited:
    case TableFormat::csv: {
      const std::string lines = "tarn_csv(" + number + text_arguments(scan) + ")";
      return scan.text.pattern.empty() ? lines : matched_lines(scan, lines);
    }
    case TableFormat::json:
      return "tarn_json(" + number + json_arguments(scan) + ")";
    case TableFormat::avro:
      break;
  }
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "Table " + scan.name + " is in Avro, which tarn does not read");
}

}  // namespace tarn::query
