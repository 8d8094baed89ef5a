#include "catalog/crawl/table_input.hpp"

#include <algorithm>
#include <array>

#include "catalog/crawl/csv_sniffer.hpp"

namespace tarn::catalog::crawl {
namespace {

using Parameters = std::map<std::string, std::string>;

struct Classes {
  const char *input, *output, *serde;
};

constexpr const char* text_input = "org.apache.hadoop.mapred.TextInputFormat";
constexpr const char* text_output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";

// Quoted fields need a SerDe that knows quotes; LazySimpleSerDe would split them.
bool needs_csv_serde(const FileFinding& form, bool strict) {
  if (form.csv_serde == "OpenCSVSerDe") return true;
  if (form.csv_serde == "LazySimpleSerDe" || form.csv_serde == "None") return false;
  return form.quotes && !strict;
}

Classes classes_of(const FileFinding& form, bool strict) {
  switch (form.format) {
    case Format::parquet:
      return {"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
              "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
              "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"};
    case Format::avro:
      return {"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
              "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
              "org.apache.hadoop.hive.serde2.avro.AvroSerDe"};
    case Format::json:
      return {text_input, text_output, "org.openx.data.jsonserde.JsonSerDe"};
    default:
      return {text_input, text_output,
              needs_csv_serde(form, strict) ? "org.apache.hadoop.hive.serde2.OpenCSVSerde"
                                            : "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"};
  }
}

Parameters serde_parameters(const Schema& schema, bool strict) {
  const FileFinding& form = schema.form;
  Parameters out;
  if (form.format == Format::csv) {
    std::string delimiter(1, form.csv.delimiter);
    if (needs_csv_serde(form, strict)) {
      out["separatorChar"] = delimiter;
      out["quoteChar"] = std::string(1, form.csv.quote ? form.csv.quote : '"');
      // A quote inside quotes is doubled (RFC 4180) unless the files were seen to escape it.
      out["escapeChar"] = form.backslash_escapes ? "\\" : out["quoteChar"];
    } else {
      out["field.delim"] = delimiter;
    }
    if (form.encoding != "UTF-8") out["serialization.encoding"] = form.encoding;
  } else if (form.format == Format::json) {
    std::string paths;
    for (const auto& c : schema.columns) {
      paths += (paths.empty() ? "" : ",") + c.original_name;
      if (fold_name(c.original_name) != c.name) out["mapping." + c.name] = c.original_name;
    }
    out["paths"] = paths;
  } else {
    out["serialization.format"] = "1";
    if (form.format == Format::avro) out["avro.schema.literal"] = form.avro_schema;
  }
  return out;
}

// What AWS's crawler writes both on the table and on its storage descriptor.
Parameters crawl_parameters(const Schema& schema, const CrawlNames& names) {
  const FileFinding& form = schema.form;
  Parameters out;
  out["CrawlerSchemaDeserializerVersion"] = out["CrawlerSchemaSerializerVersion"] = "1.0";
  out["UPDATED_BY_CRAWLER"] = names.crawler;
  out["classification"] = name_of(form.format);
  out["compressionType"] = schema.mixed_compression ? "mixed" : name_of(form.compression);
  out["typeOfData"] = "file";
  out["objectCount"] = std::to_string(schema.files);
  out["recordCount"] = std::to_string(schema.records);
  out["sizeKey"] = std::to_string(schema.size_bytes);
  out["averageRecordSize"] =
      std::to_string(schema.records ? std::max<uint64_t>(1, schema.size_bytes / schema.records) : 0);
  if (form.format == Format::csv) {
    out["delimiter"] = std::string(1, form.csv.delimiter);
    out["columnsOrdered"] = "true";
    out["areColumnsQuoted"] = needs_csv_serde(form, names.strict) ? "true" : "false";
    if (form.header) out["skip.header.line.count"] = "1";
  }
  if (!form.json_path.empty()) out["jsonPath"] = form.json_path;
  return out;
}

std::vector<glue::Column> columns_of(const Schema& schema, const std::vector<std::string>& partition_keys) {
  auto is_key = [&](const std::string& name) {
    return std::find(partition_keys.begin(), partition_keys.end(), name) != partition_keys.end();
  };
  std::vector<std::string> names;
  for (const auto& c : schema.columns) names.push_back(c.name);
  bool by_place = schema.form.format == Format::csv;
  std::size_t count = names.size();
  while (by_place && count > 0 && is_key(names[count - 1])) --count;
  std::vector<glue::Column> out;
  std::vector<std::string> taken(partition_keys);
  taken.insert(taken.end(), names.begin(), names.end());
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = names[i];
    if (is_key(name)) {
      if (!by_place) continue;
      for (int n = 1; std::find(taken.begin(), taken.end(), name) != taken.end(); ++n)
        name = names[i] + "_" + std::to_string(n);
      taken.push_back(name);
    }
    auto& column = out.emplace_back();
    column.name = name;
    column.type = hive_text(schema.columns[i].type);
  }
  return out;
}

glue::StorageDescriptor storage(const Schema& schema, const TableLayout& table, const std::string& location,
                                const CrawlNames& names) {
  // A table and its partitions are read alike, so the form is the table's.
  Schema formed = schema;
  formed.form = table.schema.form;
  formed.form.compression = schema.form.compression;
  Classes classes = classes_of(formed.form, names.strict);
  glue::StorageDescriptor out;
  out.columns = columns_of(formed, table.partition_keys);
  out.location = location;
  out.input_format = classes.input;
  out.output_format = classes.output;
  out.compressed = schema.form.compression != Compression::none;
  out.number_of_buckets = -1;
  auto& serde = out.serde_info.emplace();
  serde.serialization_library = classes.serde;
  serde.parameters = serde_parameters(formed, names.strict);
  out.bucket_columns.emplace();
  out.sort_columns.emplace();
  out.parameters = crawl_parameters(formed, names);
  out.stored_as_sub_directories = false;
  return out;
}

}  // namespace

bool is_statistic(std::string_view parameter) {
  static constexpr std::array<std::string_view, 4> names = {"objectCount", "recordCount", "sizeKey",
                                                            "averageRecordSize"};
  return std::find(names.begin(), names.end(), parameter) != names.end();
}

std::string table_name(std::string_view found_name, const CrawlNames& names) {
  std::string out = fold_name(names.table_prefix);
  for (char c : fold_name(found_name)) {
    bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    bool inside = (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // one "_" for a character of several bytes
    if (!inside) out += kept ? c : '_';
  }
  return out.empty() ? "_" : out.substr(0, 255);
}

std::string location_of(const TableLayout& table, const CrawlNames& names) {
  return "s3://" + names.bucket + "/" + table.place;
}
std::string location_of(const PartitionLayout& partition, const CrawlNames& names) {
  return "s3://" + names.bucket + "/" + partition.prefix;
}

glue::TableInput table_input(const TableLayout& table, const std::string& name, const CrawlNames& names) {
  glue::TableInput out;
  out.name = name;
  out.owner = "owner";
  out.retention = 0;
  out.table_type = "EXTERNAL_TABLE";
  out.parameters = crawl_parameters(table.schema, names);
  out.storage_descriptor = storage(table.schema, table, location_of(table, names), names);
  auto& keys = out.partition_keys.emplace();
  for (const std::string& key : table.partition_keys) {
    auto& column = keys.emplace_back();
    column.name = key;
    column.type = "string";
  }
  return out;
}

glue::PartitionInput partition_input(const TableLayout& table, const PartitionLayout& partition,
                                     const CrawlNames& names) {
  glue::PartitionInput out;
  out.values = partition.values;
  out.storage_descriptor = storage(partition.schema, table, location_of(partition, names), names);
  out.parameters = out.storage_descriptor->parameters;
  return out;
}

}  // namespace tarn::catalog::crawl
