#include <algorithm>

#include "catalog/catalog.hpp"
#include "catalog/partition_indexes.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

void take_input(glue::Table& table, const glue::TableInput& input) {
  table.description = input.description;
  table.owner = input.owner;
  table.last_access_time = input.last_access_time;
  table.last_analyzed_time = input.last_analyzed_time;
  table.retention = input.retention.value_or(0);
  table.storage_descriptor = input.storage_descriptor;
  if (auto& storage = table.storage_descriptor) {  // AWS answers these three even where they were not sent
    storage->compressed = storage->compressed.value_or(false);
    storage->number_of_buckets = storage->number_of_buckets.value_or(0);
    storage->stored_as_sub_directories = storage->stored_as_sub_directories.value_or(false);
  }
  table.partition_keys = input.partition_keys.value_or(std::vector<glue::Column>{});
  table.view_original_text = input.view_original_text;
  table.view_expanded_text = input.view_expanded_text;
  table.table_type = input.table_type;
  table.parameters = input.parameters;
  table.target_table = input.target_table;
}

void check_columns(const glue::TableInput& input) {
  std::vector<std::string> names;
  auto add = [&](const std::vector<glue::Column>& columns) {
    for (const auto& c : columns) names.push_back(fold_name(c.name));
  };
  if (input.storage_descriptor && input.storage_descriptor->columns) add(*input.storage_descriptor->columns);
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    throw_invalid("Column " + *twice + " is given more than once.");
  if (input.view_definition)
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not have ViewDefinition (multi-dialect views).");
  if (input.federated_table)
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not have FederatedTable.");
}

std::string version_key(const Scope& scope, std::string_view database, std::string_view table,
                        std::string_view version) {
  std::string digits(version.size() < 10 ? 10 - version.size() : 0, '0');
  digits += version;
  return table_prefix(scope, database, table) + digits;
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

glue::TableVersion as_version(glue::Table table) {
  glue::TableVersion v;
  v.version_id = table.version_id;
  v.table = std::move(table);
  return v;
}

[[noreturn]] void throw_no_version(std::string_view version) {
  throw_not_found("Table version " + std::string(version) + " not found.");
}

}  // namespace

void Catalog::create_table(const Scope& scope, std::string_view database, const glue::TableInput& input,
                           const std::vector<glue::PartitionIndex>& indexes) {
  glue::Table table;
  table.name = checked_name(input.name, "Table name");
  table.database_name = fold_name(database);
  table.create_time = table.update_time = clock_.now();
  table.created_by = scope.actor_arn;
  table.is_registered_with_lake_formation = false;
  table.catalog_id = scope.account;
  table.version_id = "0";
  check_columns(input);
  take_input(table, input);
  std::string key = table_key(scope, database, table.name);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_database(t, scope, database);
    if (t.get(table_kind, key)) throw_exists("Table already exists.");
    t.put(table_kind, key, to_value(table));
    for (const auto& index : indexes) add_partition_index(t, scope, table, index);
  });
}

std::optional<glue::Table> Catalog::find_table(const Scope& scope, std::string_view database,
                                               std::string_view name) const {
  auto value = metadata_.get(table_kind, table_key(scope, database, name));
  return value ? std::optional(api::from<glue::Table>(*value)) : std::nullopt;
}

glue::Table Catalog::table(const Scope& scope, std::string_view database, std::string_view name) const {
  return need_table(metadata_, scope, database, name);
}

Page<glue::Table> Catalog::tables(const Scope& scope, std::string_view database, std::string_view expression,
                                  const PageRequest& request) const {
  need_database(metadata_, scope, database);
  Page<glue::Table> page;
  std::string under = meta::prefix({scope.account, scope.region, fold_name(database)});
  std::vector<std::string> wanted;
  for (std::string& key : metadata_.keys(table_kind, under, key_of_token(request.token))) {
    if (!table_name_matches(expression, std::string_view(key).substr(under.size()))) continue;
    wanted.push_back(std::move(key));
    if (wanted.size() > request.limit) break;
  }
  if (wanted.size() > request.limit) {
    wanted.pop_back();
    page.next = token_after(wanted.back());
  }
  for (const std::string& key : wanted)
    if (auto value = metadata_.get(table_kind, key)) page.items.push_back(api::from<glue::Table>(*value));
  return page;
}

std::vector<glue::Table> Catalog::all_tables(const Scope& scope, std::string_view database) const {
  return tables(scope, database, {}, {{}, SIZE_MAX - 1}).items;
}

void Catalog::update_table(const Scope& scope, std::string_view database, const glue::TableInput& input,
                           const UpdateTableOptions& options) {
  check_columns(input);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table table = need_table(t, scope, database, input.name);
    std::string version = table.version_id.value_or("0");
    if (options.expected_version && *options.expected_version != version)
      throw Error(ErrorKind::conflict, "ConcurrentModificationException",
                  "Update table failed due to concurrent modifications: the table's version is " + version + ", not " +
                      *options.expected_version + ".");
    if (!options.skip_archive) t.put(version_kind, version_key(scope, database, input.name, version), to_value(table));
    take_input(table, input);
    table.version_id = std::to_string(std::stoll(version) + 1);
    table.update_time = clock_.now();
    t.put(table_kind, table_key(scope, database, input.name), to_value(table));
  });
}

void Catalog::delete_table(const Scope& scope, std::string_view database, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_table(t, scope, database, name);
    t.erase(table_kind, table_key(scope, database, name));
    std::string under = table_prefix(scope, database, name);
    for (auto kind : {version_kind, partition_kind, index_kind, table_statistics_kind, partition_statistics_kind})
      t.erase_all(kind, under);
  });
}

Page<glue::TableVersion> Catalog::table_versions(const Scope& scope, std::string_view database, std::string_view table,
                                                 const PageRequest& request) const {
  glue::Table present = need_table(metadata_, scope, database, table);
  auto keys = metadata_.keys(version_kind, table_prefix(scope, database, table));
  keys.push_back(version_key(scope, database, table, present.version_id.value_or("0")));
  std::sort(keys.rbegin(), keys.rend());
  std::string after = key_of_token(request.token);
  Page<glue::TableVersion> page;
  for (const std::string& key : keys) {
    if (!after.empty() && key >= after) continue;
    if (page.items.size() == request.limit) {
      page.next = token_after(version_key(scope, database, table, page.items.back().version_id.value_or("0")));
      break;
    }
    if (&key == &keys.front())
      page.items.push_back(as_version(present));
    else if (auto value = metadata_.get(version_kind, key))
      page.items.push_back(as_version(api::from<glue::Table>(*value)));
  }
  return page;
}

glue::TableVersion Catalog::table_version(const Scope& scope, std::string_view database, std::string_view table,
                                          const std::optional<std::string>& version) const {
  glue::Table present = need_table(metadata_, scope, database, table);
  if (!version || *version == present.version_id) return as_version(std::move(present));
  auto value =
      is_version(*version) ? metadata_.get(version_kind, version_key(scope, database, table, *version)) : std::nullopt;
  if (!value) throw_no_version(*version);
  return as_version(api::from<glue::Table>(*value));
}

void Catalog::delete_table_version(const Scope& scope, std::string_view database, std::string_view table,
                                   std::string_view version) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table present = need_table(t, scope, database, table);
    if (present.version_id == version) throw_invalid("The present version of a table can't be deleted.");
    if (!is_version(version) || !t.erase(version_kind, version_key(scope, database, table, version)))
      throw_no_version(version);
  });
}

}  // namespace tarn::catalog
