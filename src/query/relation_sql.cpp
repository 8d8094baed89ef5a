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
    case TableFormat::csv:
      return "tarn_csv(" + number + text_arguments(scan) + ")";
    case TableFormat::json:
      return "tarn_json(" + number + json_arguments(scan) + ")";
    case TableFormat::avro:
      break;
  }
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "Table " + scan.name + " is in Avro, which tarn does not read");
}

}  // namespace tarn::query
