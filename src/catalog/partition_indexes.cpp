#include "catalog/partition_indexes.hpp"

#include <algorithm>

#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

constexpr std::size_t max_partition_indexes = 3;

std::string index_key(const Scope& scope, std::string_view database, std::string_view table, std::string_view index) {
  return table_prefix(scope, database, table) + fold_name(index);
}

}  // namespace

void add_partition_index(meta::Transaction& t, const Scope& scope, const glue::Table& table,
                         const glue::PartitionIndex& index) {
  glue::PartitionIndexDescriptor d;
  d.index_name = checked_name(index.index_name, "IndexName");
  d.index_status = glue::partition_index_status::active;
  for (const std::string& name : index.keys) {
    auto key = std::find_if(table.partition_keys->begin(), table.partition_keys->end(),
                            [&](const glue::Column& c) { return fold_name(c.name) == fold_name(name); });
    if (key == table.partition_keys->end())
      throw_invalid("Index key " + name + " is no partition key of the table " + table.name + ".");
    auto& element = d.keys.emplace_back();
    element.name = key->name;
    element.type = key->type.value_or("string");
  }
  std::string key = index_key(scope, *table.database_name, table.name, d.index_name);
  if (t.get(index_kind, key)) throw_exists("Index " + d.index_name + " already exists.");
  if (t.count(index_kind, table_prefix(scope, *table.database_name, table.name)) >= max_partition_indexes)
    throw Error(ErrorKind::limit, "ResourceNumberLimitExceededException",
                "A table can have at most 3 partition indexes.");
  t.put(index_kind, key, to_value(d));
}

void Catalog::create_partition_index(const Scope& scope, std::string_view database, std::string_view table,
                                     const glue::PartitionIndex& index) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    add_partition_index(t, scope, need_table(t, scope, database, table), index);
  });
}

std::vector<glue::PartitionIndexDescriptor> Catalog::partition_indexes(const Scope& scope, std::string_view database,
                                                                       std::string_view table) const {
  need_table(metadata_, scope, database, table);
  return page_of_records<glue::PartitionIndexDescriptor>(metadata_, index_kind, table_prefix(scope, database, table),
                                                         {{}, max_partition_indexes})
      .items;
}

void Catalog::delete_partition_index(const Scope& scope, std::string_view database, std::string_view table,
                                     std::string_view index) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_table(t, scope, database, table);
    if (!t.erase(index_kind, index_key(scope, database, table, index)))
      throw_not_found("Index with the given indexName : " + std::string(index) + " does not exist");
  });
}

}  // namespace tarn::catalog
