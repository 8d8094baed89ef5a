// Statements that write files: CREATE TABLE AS, INSERT INTO, UNLOAD.
//
// The files are written first and seen by nobody. What will become visible is noted in the metadata (an intent) before
// the first of them does, and the note goes together with the query's success; a query that was killed between is taken
// back at the next start.
#include <algorithm>
#include <map>
#include <set>

#include "query/relation_sql.hpp"
#include "query/run.hpp"
#include "query/tables.hpp"

namespace tarn::query {
namespace {

namespace glue = api::glue;
using dialect::OutputColumn;
using dialect::Property;
using Parameters = std::vector<const dialect::Expression*>;

constexpr std::size_t max_open_partitions = 100;  // as Athena has it

struct Target {
  std::string format = "PARQUET";  // PARQUET, JSON, TEXTFILE
  std::string compression;         // upper-case; empty: the format's own
  std::string location;            // ends with '/'
  DelimitedText text;
  std::vector<std::string> partition_keys;
};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

[[noreturn]] void bad_property(const std::string& message) {
  throw Error(ErrorKind::caller, "INVALID_TABLE_PROPERTY", message);
}

void check_properties(const std::vector<Property>& properties, const std::set<std::string>& known) {
  for (const auto& property : properties)
    if (!known.contains(catalog::fold_name(property.name.name)))
      bad_property(place(property.name.at) + "Catalog 'awsdatacatalog' table property '" + property.name.name +
                   "' does not exist");
}

void read_format(const std::vector<Property>& properties, Target& target) {
  target.format = upper(dialect::property_text(properties, "format").value_or("PARQUET"));
  if (target.format != "PARQUET" && target.format != "JSON" && target.format != "TEXTFILE")
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED",
                "tarn does not write " + target.format + ": PARQUET, JSON and TEXTFILE are there");
  for (const char* name : {"compression", "write_compression", "parquet_compression"})
    if (auto text = dialect::property_text(properties, name)) target.compression = upper(*text);
  static const std::map<std::string, std::set<std::string>> known = {
      {"PARQUET", {"SNAPPY", "ZSTD", "GZIP", "LZ4", "NONE", "UNCOMPRESSED"}},
      {"JSON", {"GZIP", "ZSTD", "NONE"}},
      {"TEXTFILE", {"GZIP", "ZSTD", "NONE"}}};
  if (!target.compression.empty() && !known.at(target.format).contains(target.compression))
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED",
                "tarn does not write " + target.format + " compressed by " + target.compression);
  if (target.format == "TEXTFILE") {
    const auto delimiter = dialect::property_text(properties, "field_delimiter");
    if (delimiter && delimiter->size() != 1)
      bad_property("field_delimiter must be a single character, but was '" + *delimiter + "'");
    if (delimiter) target.text.delimiter = *delimiter;
  }
  target.partition_keys = dialect::property_list(properties, "partitioned_by");
  for (auto& key : target.partition_keys) key = catalog::fold_name(key);
}

template <class Column>
std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> out;
  for (const auto& column : columns) out.push_back(column.name);
  return out;
}

// What the form of text files is called in file names, so that readers find the codec.
std::string extension(const Target& target) {
  if (target.format == "PARQUET") return "";
  return target.compression == "ZSTD" ? ".zst" : target.compression == "NONE" ? "" : ".gz";
}

std::string copy_options(const Target& target) {
  std::string out;
  if (target.format == "PARQUET") {
    const std::string codec = target.compression == "NONE" ? "UNCOMPRESSED"
                              : target.compression.empty() ? "SNAPPY"
                                                           : target.compression;
    return "FORMAT parquet, COMPRESSION " + sql_text(codec == "LZ4" ? "lz4_raw" : codec);
  }
  out = target.format == "JSON" ? "FORMAT json"
                                : "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', NULLSTR " +
                                      sql_text(target.text.null_text) + ", DELIM " + sql_text(target.text.delimiter);
  const std::string codec = extension(target);
  return out + ", COMPRESSION " + (codec == ".gz" ? "'gzip'" : codec == ".zst" ? "'zstd'" : "'none'");
}

std::string file_stem(const Run& run) {
  return format_time(run.now, "%Y%m%d_%H%M%S") + "_00000_" + run.id.substr(0, 5) + "_" + run.id;
}

// The same rows as one column of JSON text, with the partition keys beside it: DuckDB's own writer of JSON knows no
// partitions. No character of the text is its delimiter or a line's end.
std::string as_json_lines(const std::string& sql, const std::vector<std::string>& columns, const Target& target) {
  std::string members, keys;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string name = sql_name(columns[i]);
    if (i + target.partition_keys.size() < columns.size())
      members += (members.empty() ? "" : ", ") + name + " := " + name;
    else
      keys += ", " + name;
  }
  return "SELECT CAST(to_json(struct_pack(" + members + ")) AS VARCHAR)" + keys + " FROM (" + sql + ") AS lines";
}

// Writes the rows of `sql` (whose columns are named so, as they shall be in the files) below the target's location.
uint64_t copy(Run& run, const std::string& sql, const std::vector<std::string>& columns,
              const dialect::Printed& printed, const Target& target) {
  run.planned();
  run.session.discard();  // what a first try left
  if (target.partition_keys.empty())
    return run_printed(run,
                       "COPY (" + sql + ") TO " + sql_text(target.location + file_stem(run) + extension(target)) +
                           " (" + copy_options(target) + ")",
                       printed, nullptr, nullptr);
  const bool json = target.format == "JSON";
  Target lines = target;
  if (json) lines.format = "TEXTFILE", lines.text.delimiter = "\x01";
  std::string keys;
  for (const auto& key : target.partition_keys) keys += (keys.empty() ? "" : ", ") + sql_name(key);
  std::string location = target.location;
  location.pop_back();
  const std::string suffix = extension(target);
  return run_printed(
      run,
      "COPY (" + (json ? as_json_lines(sql, columns, target) : sql) + ") TO " + sql_text(location) + " (" +
          copy_options(lines) + ", PARTITION_BY (" + keys + "), OVERWRITE_OR_IGNORE true, FILENAME_PATTERN " +
          sql_text(file_stem(run) + "_{uuid}") +
          (target.format == "PARQUET" ? "" : ", FILE_EXTENSION " + sql_text((json ? "json" : "csv") + suffix)) + ")",
      printed, nullptr, nullptr);
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct WrittenPartition {
  std::vector<std::string> values;
  std::string location;
};

// The partitions whose folders were written to.
std::vector<WrittenPartition> written_partitions(const Session& session, const Target& target) {
  const S3Path root = parse_s3_path(target.location);
  std::map<std::string, WrittenPartition> out;
  for (const auto& object : session.written()) {
    if (object.bucket != root.bucket || !object.key.starts_with(root.key)) continue;
    std::string_view rest = std::string_view(object.key).substr(root.key.size());
    WrittenPartition partition;
    std::string folder;
    for (std::size_t slash; (slash = rest.find('/')) != rest.npos; rest.remove_prefix(slash + 1)) {
      const std::string_view part = rest.substr(0, slash);
      folder += std::string(part) + "/";
      partition.values.push_back(unescaped(part.substr(std::min(part.find('='), part.size() - 1) + 1)));
    }
    partition.location = target.location + folder;
    out.emplace(folder, std::move(partition));
  }
  if (out.size() > max_open_partitions)
    throw Error(ErrorKind::caller, "HIVE_TOO_MANY_OPEN_PARTITIONS",
                "Exceeded limit of 100 open writers for partitions/buckets");
  std::vector<WrittenPartition> list;
  for (auto& [folder, partition] : out) list.push_back(std::move(partition));
  return list;
}

bool is_empty(const Run& run, const std::string& location) {
  const S3Path at = parse_s3_path(location);
  const auto grant = run.parts.authority.objects(run.caller.principal, store::Access::read, at.bucket, at.key);
  return run.parts.store.list(grant, at.bucket, at.key, "", "", 1).objects.empty();
}

void refuse_unless_empty(const Run& run, const std::string& table, const std::string& location) {
  if (!is_empty(run, location))
    throw Error(ErrorKind::caller, "HIVE_PATH_ALREADY_EXISTS",
                "Target directory for table '" + table + "' already exists: " + location +
                    ". You may need to manually clean the data at location '" + location +
                    "' before retrying. Athena will not delete data in your account.");
}

// Makes what was written visible, having noted it; `defined` is a table that must go if the rest fails.
void publish(Run& run, const std::optional<TableName>& defined, const std::string& defined_location) {
  run.before_publish();
  Value objects{ValueList()};
  for (const auto& object : run.session.written())
    objects.push_back(Value::map({{"Bucket", object.bucket}, {"Key", object.key}}));
  Value intent = Value::map(
      {{"Account", run.caller.account()}, {"Region", run.caller.region}, {"Id", run.id}, {"Objects", objects}});
  if (defined) intent.set("Database", defined->database).set("Table", defined->table).set("Location", defined_location);
  run.parts.metadata.change(run.caller.principal.arn, [&](meta::Transaction& change) {
    change.put(write_intent_kind, run.caller.key({run.id}), intent);
  });
  run.session.publish();
}

void write_object(const Run& run, const std::string& name, std::string_view bytes) {
  const S3Path at = parse_s3_path(run.output_location + name);
  auto writer =
      run.parts.store.write(run.parts.authority.objects(run.caller.principal, store::Access::write, at.bucket, at.key),
                            at.bucket, at.key, {});
  writer->append(bytes);
  writer->finish({});
}

// The manifest and the metadata file, and what the query execution says of them.
Outcome outcome(Run& run, const std::string& name, const std::vector<WrittenObject>& written, uint64_t rows) {
  Outcome out;
  std::string manifest;
  for (const auto& object : written) {
    manifest += "s3://" + object.bucket + "/" + object.key + "\n";
    out.size_bytes += object.size_bytes;
  }
  out.columns = {column_info({"rows", dialect::simple_type(dialect::TypeKind::bigint)})};
  out.update_count = static_cast<int64_t>(rows);
  out.rows = rows;
  out.manifest_location = run.output_location + name + "-manifest.csv";
  write_object(run, name + "-manifest.csv", manifest);
  write_object(run, name + ".metadata", metadata_bytes(run.id, out.columns));
  return out;
}

// Hive's type for a column that a write makes; a type that Hive lacks is refused as Athena does.
std::string hive_type(const OutputColumn& column) {
  using dialect::TypeKind;
  switch (column.type.kind) {
    case TypeKind::unknown:
      throw Error(ErrorKind::caller, "COLUMN_TYPE_UNKNOWN",
                  "line 1:1: Column type is unknown at position for column '" + column.name + "'");
    case TypeKind::time:
    case TypeKind::time_with_zone:
    case TypeKind::timestamp_with_zone:
    case TypeKind::interval_day_second:
    case TypeKind::interval_year_month:
    case TypeKind::json:
    case TypeKind::uuid:
    case TypeKind::ipaddress:
      throw Error(ErrorKind::caller, "NOT_SUPPORTED", "Unsupported Hive type: " + dialect::to_trino(column.type));
    case TypeKind::varchar:
      if (column.type.precision == dialect::unbounded_length) return "string";
      [[fallthrough]];
    default:
      return dialect::to_hive(column.type);
  }
}

glue::StorageDescriptor storage_for(const Target& target) {
  glue::StorageDescriptor out;
  out.location = target.location;
  auto& serde = out.serde_info.emplace();
  serde.parameters.emplace();
  out.compressed = false;
  out.number_of_buckets = 0;
  if (target.format == "PARQUET") {
    out.input_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
    out.output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
    serde.serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
    return out;
  }
  out.input_format = "org.apache.hadoop.mapred.TextInputFormat";
  out.output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
  if (target.format == "JSON") {
    serde.serialization_library = "org.apache.hive.hcatalog.data.JsonSerDe";
  } else {
    serde.serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
    serde.parameters = {{"field.delim", target.text.delimiter}, {"serialization.format", target.text.delimiter}};
  }
  return out;
}

// The same rows with other names for their columns.
std::string renamed(const std::string& sql, const std::vector<OutputColumn>& columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + sql_name(column.name);
  return "SELECT * FROM (" + sql + ") AS written(" + names + ")";
}

void check_columns(const std::vector<OutputColumn>& columns, const Target& target) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == "_col" + std::to_string(i))
      throw Error(ErrorKind::caller, "MISSING_COLUMN_NAME",
                  "line 1:1: Column name not specified at position " + std::to_string(i + 1));
    if (!seen.insert(catalog::fold_name(columns[i].name)).second)
      throw Error(ErrorKind::caller, "DUPLICATE_COLUMN_NAME",
                  "line 1:1: Column name '" + columns[i].name + "' specified more than once");
    if (target.format == "TEXTFILE" && !columns[i].type.children.empty())
      throw Error(ErrorKind::unsupported, "NOT_SUPPORTED",
                  "tarn does not write arrays, maps and rows to text files: choose PARQUET or JSON");
  }
  const std::size_t keys = target.partition_keys.size();
  bool last = keys < columns.size();
  for (std::size_t i = 0; last && i < keys; ++i)
    last = catalog::fold_name(columns[columns.size() - keys + i].name) == target.partition_keys[i];
  if (!last)
    throw Error(ErrorKind::caller, "HIVE_COLUMN_ORDER_MISMATCH",
                "Partition keys must be the last columns in the table and in the same order as the table properties");
}

glue::TableInput table_input(const TableName& name, const Target& target, const std::vector<OutputColumn>& columns) {
  glue::TableInput out;
  out.name = name.table;
  out.table_type = "EXTERNAL_TABLE";
  out.parameters = {{"EXTERNAL", "TRUE"}, {"has_encrypted_data", "false"}};
  if (target.format == "PARQUET")
    out.parameters->emplace("classification", "parquet"),
        out.parameters->emplace("parquet.compression", target.compression.empty() ? "SNAPPY" : target.compression);
  if (target.format == "JSON") out.parameters->emplace("classification", "json");
  if (target.format == "TEXTFILE") out.parameters->emplace("classification", "csv");
  out.storage_descriptor = storage_for(target);
  out.storage_descriptor->columns.emplace();
  out.partition_keys.emplace();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto& into =
        i + target.partition_keys.size() < columns.size() ? *out.storage_descriptor->columns : *out.partition_keys;
    auto& column = into.emplace_back();
    column.name = catalog::fold_name(columns[i].name);
    column.type = hive_type(columns[i]);
  }
  return out;
}

std::vector<glue::PartitionInput> partition_inputs(const std::vector<WrittenPartition>& partitions,
                                                   glue::StorageDescriptor storage) {
  std::vector<glue::PartitionInput> out;
  for (const auto& partition : partitions) {
    auto& input = out.emplace_back();
    input.values = partition.values;
    storage.location = partition.location;
    input.storage_descriptor = storage;
  }
  return out;
}

Target create_target(Run& run, const dialect::CreateTableAs& statement, const TableName& name) {
  check_properties(statement.properties,
                   {"format", "external_location", "partitioned_by", "bucketed_by", "bucket_count", "write_compression",
                    "parquet_compression", "compression", "field_delimiter", "table_type", "is_external",
                    "orc_compression", "location"});
  if (upper(dialect::property_text(statement.properties, "table_type").value_or("HIVE")) != "HIVE")
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not make Iceberg tables");
  if (!dialect::property_list(statement.properties, "bucketed_by").empty())
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not write bucketed tables: leave bucketed_by out");
  Target target;
  read_format(statement.properties, target);
  const auto given = dialect::property_text(statement.properties, "external_location");
  if (given && run.enforced_location)
    throw Error(ErrorKind::caller, "INVALID_TABLE_PROPERTY",
                "The Create Table As Select query failed because it was submitted with an 'external_location' property "
                "to an Athena Workgroup that enforces "
                "a centralized output location for all queries. Please remove the 'external_location' property and "
                "resubmit the query.");
  target.location =
      given ? (given->ends_with('/') ? *given : *given + "/") : run.output_location + "tables/" + run.id + "/";
  refuse_unless_empty(run, name.database + "." + name.table, target.location);
  return target;
}

}  // namespace

Outcome create_table_as(Run& run, const dialect::CreateTableAs& statement, const Parameters& parameters) {
  const TableName name = full_name(run, statement.table);
  const auto scope = run.caller.scope();
  const std::string result = "tables/" + run.id;
  if (!run.parts.catalog.find_database(scope, name.database))
    throw Error(ErrorKind::caller, "SCHEMA_NOT_FOUND",
                place(statement.table.at) + "Schema '" + name.database + "' does not exist");
  if (run.parts.catalog.find_table(scope, name.database, name.table)) {
    if (statement.if_not_exists) return outcome(run, result, {}, 0);
    throw Error(ErrorKind::caller, "TABLE_ALREADY_EXISTS",
                place(statement.table.at) + "Destination table '" + name.qualified() + "' already exists");
  }
  const Target target = create_target(run, statement, name);
  auto options = print_options(run, parameters);
  options.for_results = false;
  std::vector<OutputColumn> columns;
  const uint64_t rows = with_decimals(
      options, [&](const dialect::PrintOptions& o) { return dialect::to_duckdb(*statement.query, resolver(run), o); },
      [&](const dialect::Printed& printed) {
        columns = printed.columns;
        if (!statement.columns.empty() && statement.columns.size() != columns.size())
          throw Error(ErrorKind::caller, "MISMATCHED_COLUMN_ALIASES",
                      place(statement.table.at) + "Column alias list has " + std::to_string(statement.columns.size()) +
                          " entries but relation has " + std::to_string(columns.size()) + " columns");
        for (std::size_t i = 0; i < statement.columns.size(); ++i) columns[i].name = statement.columns[i].name;
        for (auto& column : columns) column.name = catalog::fold_name(column.name);
        check_columns(columns, target);
        for (const auto& column : columns) hive_type(column);
        return statement.with_data ? copy(run, renamed(printed.sql, columns), names_of(columns), printed, target) : 0;
      });
  const auto written = run.session.written();
  const auto partitions =
      target.partition_keys.empty() ? std::vector<WrittenPartition>() : written_partitions(run.session, target);
  publish(run, name, target.location);
  const glue::TableInput input = table_input(name, target, columns);
  run.parts.catalog.create_table(scope, name.database, input);
  if (!partitions.empty())
    run.parts.catalog.add_partitions(scope, name.database, name.table,
                                     partition_inputs(partitions, *input.storage_descriptor));
  return outcome(run, result, written, rows);
}

namespace {

Target insert_target(const glue::Table& table, const std::string& name) {
  if (is_view(table)) throw Error(ErrorKind::caller, "NOT_SUPPORTED", "Inserting into views is not supported");
  const auto properties = table.parameters.value_or(std::map<std::string, std::string>());
  if (const auto type = properties.find("table_type"); type != properties.end() && upper(type->second) == "ICEBERG")
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not write Iceberg tables");
  if (table.storage_descriptor->bucket_columns && !table.storage_descriptor->bucket_columns->empty())
    throw Error(ErrorKind::caller, "NOT_SUPPORTED", "INSERT INTO is not supported for bucketed tables");
  const Form form = form_of(*table.storage_descriptor, properties, name);
  if (form.text.skipped_lines > 0)
    throw Error(ErrorKind::caller, "NOT_SUPPORTED",
                "Inserting into Hive table with skip.header.line.count property not supported");
  Target target;
  switch (form.format) {
    case TableFormat::parquet:
      target.format = "PARQUET";
      break;
    case TableFormat::json:
      target.format = "JSON";
      break;
    case TableFormat::delimited:
      if (!form.text.pattern.empty())
        throw Error(ErrorKind::caller, "NOT_SUPPORTED", "The RegexSerDe of table " + name + " can't write");
      target.format = "TEXTFILE";
      break;
    default:
      throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not insert into tables of this SerDe: " + name);
  }
  target.text = form.text;
  for (const char* key : {"parquet.compression", "parquet_compression", "write.compression", "write_compression"})
    if (const auto found = properties.find(key); found != properties.end()) target.compression = upper(found->second);
  if (target.format == "TEXTFILE" && target.compression.empty()) target.compression = "NONE";
  if (target.format == "JSON" && target.compression.empty()) target.compression = "NONE";
  target.location = table.storage_descriptor->location.value_or("");
  if (target.location.empty())
    throw Error(ErrorKind::caller, "HIVE_INVALID_METADATA", "Table " + name + " has no location");
  if (!target.location.ends_with('/')) target.location += '/';
  for (const auto& key : table.partition_keys.value_or(std::vector<glue::Column>()))
    target.partition_keys.push_back(catalog::fold_name(key.name));
  return target;
}

// The columns that the query fills, in its order.
std::vector<dialect::TableColumn> filled_columns(const dialect::InsertInto& statement,
                                                 const std::vector<dialect::TableColumn>& all) {
  if (statement.columns.empty()) return all;
  std::vector<dialect::TableColumn> out;
  for (const auto& wanted : statement.columns) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == catalog::fold_name(wanted.name); });
    if (found == all.end())
      throw Error(ErrorKind::caller, "COLUMN_NOT_FOUND",
                  place(wanted.at) + "Insert column name does not exist in target table: " + wanted.name);
    out.push_back(*found);
  }
  return out;
}

// The same rows with delimiters and escapes inside of texts escaped.
std::string escaped(const std::string& sql, const std::vector<dialect::TableColumn>& columns, const Target& target) {
  const std::string& escape = target.text.escape;
  if (target.format != "TEXTFILE" || escape.empty()) return sql;
  std::string replaced;
  for (const auto& column : columns) {
    const bool key = std::find(target.partition_keys.begin(), target.partition_keys.end(), column.name) !=
                     target.partition_keys.end();
    if (!column.type.is_text() || key) continue;
    std::string text = sql_name(column.name);
    for (const std::string& what : {escape, target.text.delimiter})
      text = "replace(" + text + ", " + sql_text(what) + ", " + sql_text(escape + what) + ")";
    replaced += (replaced.empty() ? "" : ", ") + text + " AS " + sql_name(column.name);
  }
  return replaced.empty() ? sql : "SELECT * REPLACE (" + replaced + ") FROM (" + sql + ") AS unescaped";
}

// The table's columns out of those that the query fills; NULL for the rest.
std::string widened(const std::string& sql, const std::vector<dialect::TableColumn>& filled,
                    const std::vector<dialect::TableColumn>& all) {
  std::string names, selected;
  for (const auto& column : filled) names += (names.empty() ? "" : ", ") + sql_name(column.name);
  for (const auto& column : all) {
    const bool given = std::any_of(filled.begin(), filled.end(), [&](const auto& c) { return c.name == column.name; });
    selected += (selected.empty() ? "" : ", ") +
                (given ? sql_name(column.name)
                       : "CAST(NULL AS " + dialect::to_duckdb(column.type) + ") AS " + sql_name(column.name));
  }
  return "SELECT " + selected + " FROM (" + sql + ") AS written(" + names + ")";
}

}  // namespace

Outcome insert_into(Run& run, const dialect::InsertInto& statement, const Parameters& parameters) {
  const TableName name = full_name(run, statement.table);
  const glue::Table table = found_table(run, statement.table);
  const auto scope = run.caller.scope();
  const Target target = insert_target(table, name.database + "." + name.table);
  const auto all = columns_of(table);
  const auto filled = filled_columns(statement, all);
  for (const auto& column : all)
    if (target.format == "TEXTFILE" && !column.type.children.empty())
      throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not write arrays, maps and rows to text files");

  auto options = print_options(run, parameters);
  options.for_results = false;
  const uint64_t rows = with_decimals(
      options,
      [&](const dialect::PrintOptions& o) { return dialect::to_duckdb_as(*statement.query, resolver(run), o, filled); },
      [&](const dialect::Printed& printed) {
        return copy(run, escaped(widened(printed.sql, filled, all), all, target), names_of(all), printed, target);
      });

  std::vector<glue::PartitionInput> added;
  if (!target.partition_keys.empty())
    for (const auto& input : partition_inputs(written_partitions(run.session, target), *table.storage_descriptor)) {
      const auto existing = run.parts.catalog.find_partition(scope, name.database, name.table, *input.values);
      if (!existing) {
        added.push_back(input);
      } else {
        std::string at = existing->storage_descriptor ? existing->storage_descriptor->location.value_or("") : "";
        if (!at.ends_with('/')) at += '/';
        if (at != *input.storage_descriptor->location)
          throw Error(ErrorKind::unsupported, "NOT_SUPPORTED",
                      "tarn does not insert into a partition that lies elsewhere than " +
                          *input.storage_descriptor->location + ": " + at);
      }
    }
  const auto written = run.session.written();
  publish(run, std::nullopt, "");
  if (!added.empty()) run.parts.catalog.add_partitions(scope, name.database, name.table, added);
  return outcome(run, run.id, written, rows);
}

Outcome unload(Run& run, const dialect::Unload& statement, const Parameters& parameters) {
  check_properties(statement.properties,
                   {"format", "compression", "compression_level", "field_delimiter", "partitioned_by"});
  Target target;
  read_format(statement.properties, target);
  if (!dialect::property_text(statement.properties, "format")) bad_property("UNLOAD needs the property format");
  target.location = statement.location.ends_with('/') ? statement.location : statement.location + "/";
  refuse_unless_empty(run, "__unload_" + run.id, target.location);
  auto options = print_options(run, parameters);
  options.for_results = false;
  const uint64_t rows = with_decimals(
      options, [&](const dialect::PrintOptions& o) { return dialect::to_duckdb(*statement.query, resolver(run), o); },
      [&](const dialect::Printed& printed) {
        auto columns = printed.columns;
        for (auto& column : columns) column.name = catalog::fold_name(column.name);
        std::set<std::string> seen;
        for (std::size_t i = 0; i < columns.size(); ++i)  // unnamed and doubled columns keep their place's name
          if (!seen.insert(columns[i].name).second) columns[i].name = "_col" + std::to_string(i);
        if (!target.partition_keys.empty()) check_columns(columns, target);
        return copy(run, renamed(printed.sql, columns), names_of(columns), printed, target);
      });
  const auto written = run.session.written();
  if (!target.partition_keys.empty()) written_partitions(run.session, target);
  publish(run, std::nullopt, "");
  return outcome(run, run.id, written, rows);
}

void roll_back_write(const Parts& parts, const Value& intent) {
  const catalog::Scope scope{intent.string_or("Account"), intent.string_or("Region"), "tarn"};
  if (const std::string table = intent.string_or("Table"); !table.empty()) {
    const std::string database = intent.string_or("Database");
    const auto found = parts.catalog.find_table(scope, database, table);
    if (found && found->storage_descriptor && found->storage_descriptor->location == intent.string_or("Location"))
      parts.catalog.delete_table(scope, database, table);
  }
  const auto grant = parts.authority.internal(store::Access::write);
  for (const Value& object : intent.at("Objects").as_list())
    if (parts.store.find_bucket(object.string_or("Bucket")))
      parts.store.erase(grant, object.string_or("Bucket"), object.string_or("Key"));
}

}  // namespace tarn::query
