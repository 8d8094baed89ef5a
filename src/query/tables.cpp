#include "query/tables.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "query/projection.hpp"

namespace tarn::query {
namespace {

namespace glue = api::glue;
using Properties = std::map<std::string, std::string>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void not_supported(const std::string& table, const std::string& what) {
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "Table " + table + ": tarn does not read " + what);
}

std::optional<std::string> find(const Properties& properties, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto found = properties.find(name); found != properties.end()) return found->second;
  return std::nullopt;
}

// A delimiter as Hive keeps it: the character itself, or its code in decimal or octal ("1", "\001").
std::string delimiter(const std::string& text) {
  if (text.empty() || (text.size() == 1 && !std::isdigit(static_cast<unsigned char>(text[0])))) return text;
  if (text[0] == '\\' && text.size() == 2)
    return text[1] == 't' ? "\t" : text[1] == 'n' ? "\n" : text[1] == 'r' ? "\r" : text.substr(1);
  int code = 0;
  if (text[0] == '\\' && text[1] == 'u') {
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), code, 16);
    if (error == std::errc() && end == text.data() + text.size() && code < 128)
      return std::string(1, static_cast<char>(code));
  } else if (text[0] == '\\') {
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), code, 8);
    if (error == std::errc() && end == text.data() + text.size() && code < 128)
      return std::string(1, static_cast<char>(code));
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    if (error == std::errc() && end == text.data() + text.size() && code < 128)
      return std::string(1, static_cast<char>(code));
  }
  return text;
}

int lines(const Properties& serde, const Properties& table, const char* name) {
  auto text = find(table, {name});
  if (!text) text = find(serde, {name});
  int count = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

void read_encoding(const Properties& serde, const Properties& table, DelimitedText& text) {
  auto name = find(serde, {"serialization.encoding"});
  if (!name) name = find(table, {"serialization.encoding"});
  if (!name) return;
  const std::string word = lower(*name);
  if (word == "iso-8859-1" || word == "iso8859-1" || word == "latin1" || word == "latin-1")
    text.encoding = "latin-1";
  else if (word == "utf-16")
    text.encoding = "utf-16";
  else if (word != "utf-8" && word != "utf8" && word != "us-ascii")
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not read text in the encoding " + *name);
}

DelimitedText delimited_text(const Properties& serde, const Properties& table) {
  DelimitedText out;
  if (auto text = find(serde, {"field.delim", "serialization.format"}); text && !text->empty())
    out.delimiter = delimiter(*text);
  if (auto text = find(serde, {"escape.delim"})) out.escape = delimiter(*text);
  if (auto text = find(serde, {"serialization.null.format"}))
    out.null_text = *text;
  else if (auto of_table = find(table, {"serialization.null.format"}))
    out.null_text = *of_table;
  if (auto text = find(serde, {"collection.delim", "colelction.delim"})) out.collection_delimiter = delimiter(*text);
  if (auto text = find(serde, {"mapkey.delim"})) out.map_key_delimiter = delimiter(*text);
  out.skipped_lines = lines(serde, table, "skip.header.line.count");
  read_encoding(serde, table, out);
  return out;
}

DelimitedText regex_text(const Properties& serde, const Properties& table, const std::string& name) {
  DelimitedText out;
  out.delimiter = "\x01\x02\x03\x04";  // in no line
  out.null_text.clear();
  out.pattern = find(serde, {"input.regex"}).value_or("");
  if (out.pattern.empty())
    throw Error(ErrorKind::caller, "HIVE_INVALID_METADATA",
                "Table " + name + ": the RegexSerDe needs the SerDe property input.regex");
  if (lower(find(serde, {"input.regex.case.insensitive"}).value_or("false")) == "true")
    out.pattern = "(?i)" + out.pattern;
  out.skipped_lines = lines(serde, table, "skip.header.line.count");
  read_encoding(serde, table, out);
  return out;
}

DelimitedText csv_text(const Properties& serde, const Properties& table) {
  DelimitedText out;
  out.delimiter = delimiter(find(serde, {"separatorChar", "field.delim"}).value_or(","));
  out.quote = delimiter(find(serde, {"quoteChar"}).value_or("\""));
  out.escape = delimiter(find(serde, {"escapeChar"}).value_or("\\"));
  out.null_text.clear();
  out.skipped_lines = lines(serde, table, "skip.header.line.count");
  read_encoding(serde, table, out);
  return out;
}

JsonText json_text(const Properties& serde) {
  auto is_true = [&](const char* name) { return lower(find(serde, {name}).value_or("false")) == "true"; };
  JsonText out;
  out.ignore_malformed = is_true("ignore.malformed.json");
  out.dots_in_keys = is_true("dots.in.keys");
  out.case_insensitive = lower(find(serde, {"case.insensitive"}).value_or("true")) != "false";
  for (const auto& [name, value] : serde)
    if (name.starts_with("mapping.")) out.renamed[lower(name.substr(8))] = value;
  return out;
}

std::string qualified(const glue::Table& table) {
  return table.database_name.value_or("") + "." + table.name;
}

ScanColumn scan_column(const glue::Column& column) {
  return {lower(column.name), dialect::to_duckdb(dialect::parse_hive_type(column.type.value_or("string")))};
}

TableScan scan_in(const glue::Table& table, const Form& form) {
  TableScan out;
  out.name = qualified(table);
  out.format = form.format;
  out.text = form.text;
  out.json = form.json;
  out.location = table.storage_descriptor->location.value_or("");
  for (const auto& column : table.storage_descriptor->columns.value_or(std::vector<glue::Column>()))
    out.columns.push_back(scan_column(column));
  if (!form.text.pattern.empty()) {
    out.groups = std::move(out.columns);
    out.columns = {{line_column, "VARCHAR"}};
  }
  for (const auto& key : table.partition_keys.value_or(std::vector<glue::Column>()))
    out.partition_keys.push_back(scan_column(key));
  return out;
}

bool same_form(const Form& form, const TableScan& scan) {
  const auto& a = form.text;
  const auto& b = scan.text;
  return form.format == scan.format && a.delimiter == b.delimiter && a.escape == b.escape && a.quote == b.quote &&
         a.null_text == b.null_text && a.pattern == b.pattern && a.collection_delimiter == b.collection_delimiter &&
         a.map_key_delimiter == b.map_key_delimiter && a.skipped_lines == b.skipped_lines && a.encoding == b.encoding &&
         form.json.ignore_malformed == scan.json.ignore_malformed && form.json.renamed == scan.json.renamed;
}

constexpr const char* default_partition = "__HIVE_DEFAULT_PARTITION__";

}  // namespace

bool is_view(const glue::Table& table) {
  return table.table_type == "VIRTUAL_VIEW";
}

Form form_of(const glue::StorageDescriptor& storage, const Properties& properties, const std::string& table) {
  const Properties serde = storage.serde_info ? storage.serde_info->parameters.value_or(Properties()) : Properties();
  const std::string library = lower(storage.serde_info ? storage.serde_info->serialization_library.value_or("") : "");
  const std::string input = lower(storage.input_format.value_or(""));
  const std::string classification = lower(find(properties, {"classification"}).value_or(""));
  auto is = [&](const char* word) {
    return library.find(word) != library.npos ||
           (library.empty() && (input.find(word) != input.npos || classification == word));
  };
  if (lines(serde, properties, "skip.footer.line.count") > 0)
    not_supported(table, "tables with skip.footer.line.count");
  if (is("parquet")) return {TableFormat::parquet, {}, {}};
  if (is("lazysimple")) return {TableFormat::delimited, delimited_text(serde, properties), {}};
  if (is("opencsv")) return {TableFormat::csv, csv_text(serde, properties), {}};
  if (is("regexserde")) return {TableFormat::delimited, regex_text(serde, properties, table), {}};
  if (is("json")) return {TableFormat::json, {}, json_text(serde)};
  if (library.empty() && (classification == "csv" || input.find("textinputformat") != input.npos))
    return {TableFormat::delimited, delimited_text(serde, properties), {}};
  if (is("avro")) return {TableFormat::avro, {}, {}};
  if (is("orc")) not_supported(table, "ORC files");
  if (library.empty() && input.empty())
    throw Error(ErrorKind::caller, "HIVE_INVALID_METADATA",
                "Table " + table + " has no SerDe and no input format: set StorageDescriptor.SerdeInfo");
  not_supported(table, "files of the SerDe " +
                           (library.empty() ? *storage.input_format : *storage.serde_info->serialization_library));
}

std::vector<dialect::TableColumn> columns_of(const glue::Table& table) {
  std::vector<dialect::TableColumn> out;
  auto add = [&](const std::optional<std::vector<glue::Column>>& columns) {
    for (const auto& column : columns.value_or(std::vector<glue::Column>()))
      out.push_back({lower(column.name), dialect::parse_hive_type(column.type.value_or("string"))});
  };
  if (table.storage_descriptor) add(table.storage_descriptor->columns);
  add(table.partition_keys);
  return out;
}

std::vector<TableScan> scans_of(const catalog::Catalog& catalog, const catalog::Scope& scope, const glue::Table& table,
                                Time now) {
  const Properties properties = table.parameters.value_or(Properties());
  const std::string name = qualified(table);
  if (lower(find(properties, {"table_type"}).value_or("")) == "iceberg") not_supported(name, "Iceberg tables");
  if (lower(find(properties, {"spark.sql.sources.provider", "table_type"}).value_or("")) == "delta")
    not_supported(name, "Delta tables");
  if (!table.storage_descriptor)
    throw Error(ErrorKind::caller, "HIVE_INVALID_METADATA", "Table " + name + " has no StorageDescriptor");

  const Form form = form_of(*table.storage_descriptor, properties, name);
  std::vector<TableScan> out;
  TableScan& first = out.emplace_back(scan_in(table, form));
  if (first.partition_keys.empty()) {
    if (first.location.empty())
      throw Error(ErrorKind::caller, "HIVE_INVALID_METADATA", "Table " + name + " has no location");
    first.partitions = {{{}, first.location}};
    return out;
  }
  if ((first.projection = parse_projection(properties, first.partition_keys, now))) return out;

  for (auto& partition : catalog.all_partitions(scope, table.database_name.value_or(""), table.name)) {
    ScanPartition made;
    for (auto& value : partition.values.value_or(std::vector<std::string>()))
      made.values.push_back(value == default_partition ? std::nullopt : std::optional(std::move(value)));
    made.values.resize(first.partition_keys.size());
    TableScan* into = &out.front();
    if (partition.storage_descriptor) {
      made.location = partition.storage_descriptor->location.value_or("");
      // A partition that says nothing of its form has the table's.
      const auto& serde = partition.storage_descriptor->serde_info;
      if (serde && serde->serialization_library) {
        const Form own = form_of(*partition.storage_descriptor, properties, name);
        const auto found =
            std::find_if(out.begin(), out.end(), [&](const TableScan& scan) { return same_form(own, scan); });
        into = found == out.end() ? &out.emplace_back(scan_in(table, own)) : &*found;
      }
    }
    if (!made.location.empty()) into->partitions.push_back(std::move(made));
  }
  return out;
}

}  // namespace tarn::query
