// Hive's DDL as Athena takes it: databases, tables, partitions, views.
#include <algorithm>
#include <set>

#include "query/run.hpp"
#include "query/tables.hpp"

namespace tarn::query {
namespace {

namespace glue = api::glue;
using namespace dialect;
using Map = std::map<std::string, std::string>;

// Athena tells the failures of its Hive side in Hive's words.
Error hive_failure(const std::string& message) {
  return Error(ErrorKind::caller, "FAILED",
               "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. " + message);
}
Error semantic(const std::string& message) {
  return Error(ErrorKind::caller, "FAILED", "SemanticException " + message);
}

glue::Table need_table(const Run& run, const TableReference& reference) {
  const TableName name = full_name(run, reference);
  auto table = run.parts.catalog.find_table(run.caller.scope(), name.database, name.table);
  if (!table) throw semantic("[Error 10001]: Table not found " + name.database + "." + name.table);
  return std::move(*table);
}

void need_database(const Run& run, const std::string& name) {
  if (!run.parts.catalog.find_database(run.caller.scope(), name))
    throw semantic("[Error 10072]: Database does not exist: " + name);
}

glue::TableInput input_of(const glue::Table& table) {
  glue::TableInput out;
  out.name = table.name;
  out.description = table.description;
  out.owner = table.owner;
  out.last_access_time = table.last_access_time;
  out.last_analyzed_time = table.last_analyzed_time;
  out.retention = table.retention;
  out.storage_descriptor = table.storage_descriptor;
  out.partition_keys = table.partition_keys;
  out.view_original_text = table.view_original_text;
  out.view_expanded_text = table.view_expanded_text;
  out.table_type = table.table_type;
  out.parameters = table.parameters;
  out.target_table = table.target_table;
  return out;
}

// Changes a table's record, against what others change at the same time.
void change_table(const Run& run, const TableReference& reference,
                  const std::function<void(glue::TableInput&)>& change) {
  for (int tries = 0;; ++tries) {
    const glue::Table table = need_table(run, reference);
    glue::TableInput input = input_of(table);
    change(input);
    catalog::UpdateTableOptions options;
    options.expected_version = table.version_id;
    try {
      return run.parts.catalog.update_table(run.caller.scope(), *table.database_name, input, options);
    } catch (const Error& error) {
      if (error.code() != "ConcurrentModificationException" || tries == 10) throw;
    }
  }
}

glue::Column column_of(const ColumnDefinition& definition) {
  if (!definition.type.unknown_name.empty())
    throw Error(ErrorKind::caller, "FAILED",
                "ParseException " + place(definition.type.at) + "cannot recognize input near '" +
                    definition.type.unknown_name + "' in column type");
  glue::Column out;
  out.name = catalog::fold_name(definition.name.name);
  out.type = to_hive(definition.type.type);
  out.comment = definition.comment;
  return out;
}

void set_formats(const CreateExternalTable& statement, glue::StorageDescriptor& storage) {
  auto& serde = storage.serde_info.emplace();
  serde.parameters.emplace();
  for (const auto& [name, value] : statement.serde_properties) (*serde.parameters)[name] = value;
  const std::string stored = statement.stored_as.value_or("TEXTFILE");
  struct Known {
    const char *name, *input, *output, *library;
  };
  static constexpr Known known[] = {
      {"TEXTFILE", "org.apache.hadoop.mapred.TextInputFormat",
       "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
       "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
      {"JSON", "org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
       "org.apache.hive.hcatalog.data.JsonSerDe"},
      {"PARQUET", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
       "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
       "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
      {"ORC", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
       "org.apache.hadoop.hive.ql.io.orc.OrcSerde"},
      {"AVRO", "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
       "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat", "org.apache.hadoop.hive.serde2.avro.AvroSerDe"},
      {"SEQUENCEFILE", "org.apache.hadoop.mapred.SequenceFileInputFormat",
       "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
       "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
      {"RCFILE", "org.apache.hadoop.hive.ql.io.RCFileInputFormat", "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
       "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe"},
      {"ION", "com.amazon.ionhiveserde.formats.IonInputFormat", "com.amazon.ionhiveserde.formats.IonOutputFormat",
       "com.amazon.ionhiveserde.IonHiveSerDe"}};
  const auto found = std::find_if(std::begin(known), std::end(known), [&](const Known& k) { return stored == k.name; });
  if (found == std::end(known)) throw semantic("Unrecognized file format in STORED AS clause: '" + stored + "'");
  storage.input_format = statement.input_format.value_or(found->input);
  storage.output_format = statement.output_format.value_or(found->output);
  serde.serialization_library = statement.serde.value_or(found->library);
  if (const auto& delimited = statement.delimited) {
    auto set = [&](const char* name, const std::optional<std::string>& value) {
      if (value) (*serde.parameters)[name] = *value;
    };
    set("field.delim", delimited->fields);
    set("serialization.format", delimited->fields);
    set("escape.delim", delimited->escaped);
    set("collection.delim", delimited->collection_items);
    set("mapkey.delim", delimited->map_keys);
    set("line.delim", delimited->lines);
    set("serialization.null.format", delimited->null_value);
  }
  serde.parameters->emplace("serialization.format", "1");
}

void create_table(Run& run, const CreateExternalTable& statement) {
  const TableName name = full_name(run, statement.table);
  need_database(run, name.database);
  Map parameters{{"EXTERNAL", "TRUE"}};
  for (const auto& [key, value] : statement.table_properties) parameters[key] = value;
  const auto type = parameters.find("table_type");
  if (!statement.external || !statement.partition_transforms.empty() ||
      (type != parameters.end() && catalog::fold_name(type->second) == "iceberg")) {
    if (type == parameters.end())
      throw Error(ErrorKind::caller, "FAILED",
                  "SemanticException CREATE TABLE without EXTERNAL needs TBLPROPERTIES ('table_type'='ICEBERG'): write "
                  "CREATE EXTERNAL TABLE");
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not make Iceberg tables");
  }
  if (!statement.location) throw semantic("No location was specified for table. An S3 location must be specified");
  parse_s3_path(*statement.location);
  parameters["transient_lastDdlTime"] =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(run.now.time_since_epoch()).count());

  glue::TableInput input;
  input.name = name.table;
  input.owner = "hadoop";
  input.retention = 0;
  input.table_type = "EXTERNAL_TABLE";
  input.description = statement.comment;
  if (statement.comment) parameters["comment"] = *statement.comment;
  auto& storage = input.storage_descriptor.emplace();
  storage.columns.emplace();
  std::set<std::string> seen;
  auto add = [&](const std::vector<ColumnDefinition>& definitions, std::vector<glue::Column>& to) {
    for (const auto& definition : definitions) {
      to.push_back(column_of(definition));
      if (!seen.insert(to.back().name).second)
        throw semantic("[Error 10036]: Duplicate column name: " + to.back().name);
    }
  };
  add(statement.columns, *storage.columns);
  add(statement.partition_columns, input.partition_keys.emplace());
  storage.location = *statement.location;
  storage.compressed = false;
  storage.number_of_buckets = statement.bucket_count.value_or(-1);
  storage.stored_as_sub_directories = false;
  storage.bucket_columns = statement.clustered_by;
  storage.sort_columns.emplace();
  for (const auto& [column, descending] : statement.sorted_by) {
    auto& order = storage.sort_columns->emplace_back();
    order.column = column;
    order.sort_order = descending ? 0 : 1;
  }
  set_formats(statement, storage);
  input.parameters = std::move(parameters);
  if (run.parts.catalog.find_table(run.caller.scope(), name.database, name.table)) {
    if (statement.if_not_exists) return;
    throw hive_failure("AlreadyExistsException(message:Table " + name.table + " already exists)");
  }
  run.parts.catalog.create_table(run.caller.scope(), name.database, input);
}

void create_database(Run& run, const CreateDatabase& statement) {
  if (run.parts.catalog.find_database(run.caller.scope(), statement.name)) {
    if (statement.if_not_exists) return;
    throw hive_failure("AlreadyExistsException(message:Database " + statement.name + " already exists)");
  }
  glue::DatabaseInput input;
  input.name = statement.name;
  input.description = statement.comment;
  input.location_uri = statement.location;
  if (!statement.properties.empty()) input.parameters = Map(statement.properties.begin(), statement.properties.end());
  run.parts.catalog.create_database(run.caller.scope(), input);
}

void drop_database(Run& run, const DropDatabase& statement) {
  const auto scope = run.caller.scope();
  if (!run.parts.catalog.find_database(scope, statement.name)) {
    if (statement.if_exists) return;
    throw semantic("[Error 10072]: Database does not exist: " + statement.name);
  }
  if (!statement.cascade && !run.parts.catalog.all_tables(scope, statement.name).empty())
    throw hive_failure("InvalidOperationException(message:Database " + statement.name +
                       " is not empty. One or more tables exist.)");
  run.parts.catalog.delete_database(scope, statement.name);
}

void alter_database(Run& run, const AlterDatabase& statement) {
  const auto database = run.parts.catalog.find_database(run.caller.scope(), statement.name);
  if (!database) throw semantic("[Error 10072]: Database does not exist: " + statement.name);
  glue::DatabaseInput input;
  input.name = database->name;
  input.description = database->description;
  input.location_uri = database->location_uri;
  input.parameters = database->parameters.value_or(Map());
  input.create_table_default_permissions = database->create_table_default_permissions;
  for (const auto& [name, value] : statement.properties) (*input.parameters)[name] = value;
  run.parts.catalog.update_database(run.caller.scope(), statement.name, input);
}

void drop(Run& run, const TableReference& reference, bool if_exists, bool view) {
  const TableName name = full_name(run, reference);
  const auto table = run.parts.catalog.find_table(run.caller.scope(), name.database, name.table);
  if (!table) {
    if (if_exists) return;
    if (view)
      throw Error(ErrorKind::caller, "TABLE_NOT_FOUND",
                  place(reference.at) + "View '" + name.qualified() + "' does not exist");
    throw semantic("[Error 10001]: Table not found " + name.database + "." + name.table);
  }
  if (is_view(*table) != view)
    throw semantic(view ? "Cannot drop a base table with DROP VIEW" : "Cannot drop a view with DROP TABLE");
  run.parts.catalog.delete_table(run.caller.scope(), name.database, name.table);
}

// ---- ALTER TABLE ----

// A spec's values in the order of the table's keys. `all`: each key must be there.
std::vector<std::string> values_of(const glue::Table& table, const PartitionSpec& spec, bool all = true) {
  const auto keys = table.partition_keys.value_or(std::vector<glue::Column>());
  std::vector<std::string> out;
  for (const auto& key : keys) {
    const auto found = std::find_if(spec.begin(), spec.end(),
                                    [&](const PartitionValue& v) { return v.column == catalog::fold_name(key.name); });
    if (found == spec.end()) {
      if (all) throw semantic("[Error 10098]: Partition spec lacks a value for the key " + key.name);
      continue;
    }
    out.push_back(found->value);
  }
  for (const auto& value : spec)
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const glue::Column& k) { return catalog::fold_name(k.name) == value.column; }))
      throw semantic("[Error 10098]: " + value.column + " is no partition key of " + table.name);
  return out;
}

std::string default_location(const glue::Table& table, const std::vector<std::string>& values) {
  std::string out = table.storage_descriptor->location.value_or("");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!out.ends_with('/')) out += '/';
    out += (*table.partition_keys)[i].name + "=" + values[i];
  }
  return out + "/";
}

void add_partitions(Run& run, const glue::Table& table, const AddPartitions& change) {
  std::vector<glue::PartitionInput> inputs;
  for (const auto& partition : change.partitions) {
    auto& input = inputs.emplace_back();
    input.values = values_of(table, partition.values);
    input.storage_descriptor = table.storage_descriptor;
    input.storage_descriptor->location = partition.location.value_or(default_location(table, *input.values));
    parse_s3_path(*input.storage_descriptor->location);
  }
  const auto errors = run.parts.catalog.add_partitions(run.caller.scope(), *table.database_name, table.name, inputs);
  if (errors.empty() || change.if_not_exists) return;
  std::string values;
  for (const auto& value : errors.front().partition_values.value_or(std::vector<std::string>()))
    values += (values.empty() ? "" : ", ") + value;
  throw hive_failure("AlreadyExistsException(message:Partition already exists: [" + values + "])");
}

bool matches(const PartitionValue& wanted, const std::string& value, const std::string& type) {
  int order = 0;
  static const std::set<std::string> numbers = {"int", "integer", "bigint", "smallint", "tinyint", "double", "float"};
  if (numbers.contains(type)) {
    const double a = std::atof(value.c_str()), b = std::atof(wanted.value.c_str());
    order = a < b ? -1 : a > b ? 1 : 0;
  } else {
    order = value.compare(wanted.value);
  }
  if (wanted.op == "=") return order == 0;
  if (wanted.op == "<") return order < 0;
  if (wanted.op == "<=") return order <= 0;
  if (wanted.op == ">") return order > 0;
  if (wanted.op == ">=") return order >= 0;
  return order != 0;
}

void drop_partitions(Run& run, const glue::Table& table, const DropPartitions& change) {
  const auto keys = table.partition_keys.value_or(std::vector<glue::Column>());
  std::vector<catalog::PartitionValues> gone;
  for (const auto& spec : change.partitions) {
    values_of(table, spec, false);
    std::size_t found = 0;
    for (const auto& values :
         run.parts.catalog.partition_values(run.caller.scope(), *table.database_name, table.name)) {
      const bool hit = std::all_of(spec.begin(), spec.end(), [&](const PartitionValue& wanted) {
        for (std::size_t i = 0; i < keys.size(); ++i)
          if (catalog::fold_name(keys[i].name) == wanted.column)
            return matches(wanted, values.at(i), keys[i].type.value_or("string"));
        return false;
      });
      if (hit) ++found, gone.push_back(values);
    }
    if (found == 0 && !change.if_exists) throw semantic("[Error 10006]: Partition not found in table " + table.name);
  }
  run.parts.catalog.delete_partitions(run.caller.scope(), *table.database_name, table.name, gone);
}

// Changes one partition's record.
void change_partition(Run& run, const glue::Table& table, const PartitionSpec& spec,
                      const std::function<void(glue::PartitionInput&)>& change) {
  const auto values = values_of(table, spec);
  const auto partition = run.parts.catalog.find_partition(run.caller.scope(), *table.database_name, table.name, values);
  if (!partition) throw semantic("[Error 10006]: Partition not found in table " + table.name);
  glue::PartitionInput input;
  input.values = values;
  input.storage_descriptor = partition->storage_descriptor;
  input.parameters = partition->parameters;
  input.last_access_time = partition->last_access_time;
  change(input);
  run.parts.catalog.update_partition(run.caller.scope(), *table.database_name, table.name, values, input);
}

void change_column(glue::TableInput& input, const ChangeColumn& change) {
  auto& columns = *input.storage_descriptor->columns;
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const glue::Column& c) { return catalog::fold_name(c.name) == change.name; });
  if (at == columns.end()) throw semantic("[Error 10004]: Invalid column reference " + change.name);
  glue::Column column = column_of(change.column);
  if (!column.comment) column.comment = at->comment;
  const auto place_before = at - columns.begin();
  columns.erase(at);
  std::ptrdiff_t to = place_before;
  if (change.first) to = 0;
  if (change.after) {
    const auto after = std::find_if(columns.begin(), columns.end(),
                                    [&](const glue::Column& c) { return catalog::fold_name(c.name) == *change.after; });
    if (after == columns.end()) throw semantic("[Error 10004]: Invalid column reference " + *change.after);
    to = after - columns.begin() + 1;
  }
  columns.insert(columns.begin() + to, std::move(column));
}

std::vector<glue::Column> columns_of_all(const std::vector<ColumnDefinition>& definitions) {
  std::vector<glue::Column> out;
  for (const auto& definition : definitions) out.push_back(column_of(definition));
  return out;
}

void add_columns(std::vector<glue::Column>& to, const std::vector<glue::Column>& keys,
                 const std::vector<ColumnDefinition>& added) {
  for (const auto& column : columns_of_all(added)) {
    auto same = [&](const glue::Column& c) { return catalog::fold_name(c.name) == column.name; };
    if (std::any_of(to.begin(), to.end(), same) || std::any_of(keys.begin(), keys.end(), same))
      throw semantic("[Error 10036]: Duplicate column name: " + column.name);
    to.push_back(column);
  }
}

void alter_table(Run& run, const AlterTable& statement) {
  const glue::Table table = need_table(run, statement.table);
  const auto* change = &statement.change;
  if (const auto* c = std::get_if<AddPartitions>(change)) return add_partitions(run, table, *c);
  if (const auto* c = std::get_if<DropPartitions>(change)) return drop_partitions(run, table, *c);
  if (const auto* c = std::get_if<RenamePartition>(change))
    return change_partition(run, table, c->from,
                            [&](glue::PartitionInput& input) { input.values = values_of(table, c->to); });
  if (const auto* c = std::get_if<SetLocation>(change)) {
    parse_s3_path(c->location);
    if (!c->partition.empty())
      return change_partition(run, table, c->partition,
                              [&](glue::PartitionInput& input) { input.storage_descriptor->location = c->location; });
    return change_table(run, statement.table,
                        [&](glue::TableInput& input) { input.storage_descriptor->location = c->location; });
  }
  if (const auto* c = std::get_if<SetTableProperties>(change))
    return change_table(run, statement.table, [&](glue::TableInput& input) {
      if (!input.parameters) input.parameters.emplace();
      for (const auto& [name, value] : c->properties) (*input.parameters)[name] = value;
    });
  if (const auto* c = std::get_if<UnsetTableProperties>(change))
    return change_table(run, statement.table, [&](glue::TableInput& input) {
      for (const auto& name : c->names)
        if (input.parameters) input.parameters->erase(name);
    });
  if (const auto* c = std::get_if<AddColumns>(change)) {
    const auto keys = table.partition_keys.value_or(std::vector<glue::Column>());
    if (!c->partition.empty())
      return change_partition(run, table, c->partition, [&](glue::PartitionInput& input) {
        add_columns(*input.storage_descriptor->columns, keys, c->columns);
      });
    return change_table(run, statement.table, [&](glue::TableInput& input) {
      add_columns(*input.storage_descriptor->columns, keys, c->columns);
    });
  }
  if (const auto* c = std::get_if<ReplaceColumns>(change)) {
    if (!c->partition.empty())
      return change_partition(run, table, c->partition, [&](glue::PartitionInput& input) {
        input.storage_descriptor->columns = columns_of_all(c->columns);
      });
    return change_table(run, statement.table, [&](glue::TableInput& input) {
      input.storage_descriptor->columns = columns_of_all(c->columns);
    });
  }
  if (const auto* c = std::get_if<ChangeColumn>(change))
    return change_table(run, statement.table, [&](glue::TableInput& input) { change_column(input, *c); });
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "Athena has no such ALTER TABLE for Hive tables");
}

// ---- MSCK REPAIR TABLE ----

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

// The folders key=value/key=value/… below the table's location.
void find_folders(const Run& run, const glue::Table& table, const S3Path& at, const store::Grant& grant,
                  std::vector<std::string>& values,
                  std::vector<std::pair<std::vector<std::string>, std::string>>& found) {
  const auto& keys = *table.partition_keys;
  if (values.size() == keys.size()) {
    found.emplace_back(values, "s3://" + at.bucket + "/" + at.key);
    return;
  }
  std::string after;
  for (bool more = true; more;) {
    const auto page = run.parts.store.list(grant, at.bucket, at.key, "/", after, 1000);
    for (const auto& prefix : page.prefixes) {
      std::string_view folder = std::string_view(prefix).substr(at.key.size());
      folder.remove_suffix(1);
      const auto equals = folder.find('=');
      if (equals == folder.npos ||
          catalog::fold_name(folder.substr(0, equals)) != catalog::fold_name(keys[values.size()].name))
        continue;
      values.push_back(unescaped(folder.substr(equals + 1)));
      find_folders(run, table, {at.bucket, prefix}, grant, values, found);
      values.pop_back();
    }
    more = page.truncated;
    after = page.next;
  }
}

std::string partition_name(const glue::Table& table, const std::vector<std::string>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i)
    out += (i > 0 ? "/" : "") + (*table.partition_keys)[i].name + "=" + values[i];
  return out;
}

Text repair(Run& run, const MsckRepair& statement) {
  const glue::Table table = need_table(run, statement.table);
  const auto scope = run.caller.scope();
  if (!table.partition_keys || table.partition_keys->empty()) return {};
  S3Path at = parse_s3_path(table.storage_descriptor->location.value_or(""));
  if (!at.key.empty() && !at.key.ends_with('/')) at.key += '/';
  const auto grant = run.parts.authority.objects(run.caller.principal, store::Access::read, at.bucket, at.key);
  std::vector<std::string> values;
  std::vector<std::pair<std::vector<std::string>, std::string>> found;
  find_folders(run, table, at, grant, values, found);

  std::set<std::vector<std::string>> known;
  for (auto& partition : run.parts.catalog.partition_values(scope, *table.database_name, table.name))
    known.insert(std::move(partition));
  std::set<std::vector<std::string>> in_files;
  std::vector<glue::PartitionInput> added;
  std::string missing, repaired, gone;
  for (const auto& [partition, location] : found) {
    in_files.insert(partition);
    if (known.contains(partition)) continue;
    auto& input = added.emplace_back();
    input.values = partition;
    input.storage_descriptor = table.storage_descriptor;
    input.storage_descriptor->location = location;
    missing += "\t" + table.name + ":" + partition_name(table, partition);
    repaired += "Repair: Added partition to metastore " + table.name + ":" + partition_name(table, partition) + "\n";
  }
  for (const auto& partition : known)
    if (!in_files.contains(partition)) gone += "\t" + table.name + ":" + partition_name(table, partition);
  if (!added.empty()) run.parts.catalog.add_partitions(scope, *table.database_name, table.name, added);
  Text out;
  if (!missing.empty()) out.lines += "Partitions not in metastore:" + missing + "\n";
  if (!gone.empty()) out.lines += "Partitions missing from filesystem:" + gone + "\n";
  out.lines += repaired;
  return out;
}

}  // namespace

Text define(Run& run, const Statement& statement) {
  if (const auto* s = std::get_if<CreateExternalTable>(&statement.node)) return create_table(run, *s), Text{};
  if (const auto* s = std::get_if<CreateDatabase>(&statement.node)) return create_database(run, *s), Text{};
  if (const auto* s = std::get_if<DropDatabase>(&statement.node)) return drop_database(run, *s), Text{};
  if (const auto* s = std::get_if<AlterDatabase>(&statement.node)) return alter_database(run, *s), Text{};
  if (const auto* s = std::get_if<DropTable>(&statement.node)) return drop(run, s->table, s->if_exists, false), Text{};
  if (const auto* s = std::get_if<DropView>(&statement.node)) return drop(run, s->view, s->if_exists, true), Text{};
  if (const auto* s = std::get_if<CreateView>(&statement.node)) return create_view(run, *s), Text{};
  if (const auto* s = std::get_if<AlterTable>(&statement.node)) return alter_table(run, *s), Text{};
  if (const auto* s = std::get_if<MsckRepair>(&statement.node)) return repair(run, *s);
  if (std::holds_alternative<Use>(statement.node))
    throw Error(ErrorKind::caller, "NOT_SUPPORTED", "USE is not supported: give the database in QueryExecutionContext");
  throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn does not run this statement");
}

}  // namespace tarn::query
