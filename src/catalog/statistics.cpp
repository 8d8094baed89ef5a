#include <algorithm>

#include "catalog/catalog.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

// The record's kind and the prefix of its key, for a table or (where `partition` is given) one of its partitions.
struct Place {
  std::string_view kind;
  std::string under;
};

Place place_of(const Scope& scope, std::string_view database, std::string_view table,
               const PartitionValues* partition) {
  Place place{partition ? partition_statistics_kind : table_statistics_kind, table_prefix(scope, database, table)};
  if (partition)
    for (const std::string& v : *partition) place.under += v + '\0';
  return place;
}

void need_partition(meta::Reader& reader, const Place& place, const PartitionValues* partition) {
  if (!partition) return;
  std::string key = place.under.substr(0, place.under.size() - 1);
  if (partition->empty() || !reader.get(partition_kind, key)) throw_not_found("Cannot find partition.");
}

bool has_column(const glue::Table& table, std::string_view name) {
  auto in = [&](const std::vector<glue::Column>& columns) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const glue::Column& c) { return fold_name(c.name) == fold_name(name); });
  };
  bool stored = table.storage_descriptor && table.storage_descriptor->columns && in(*table.storage_descriptor->columns);
  return stored || in(*table.partition_keys);
}

}  // namespace

Catalog::FoundStatistics Catalog::column_statistics(const Scope& scope, std::string_view database,
                                                    std::string_view table, const PartitionValues* partition,
                                                    const std::vector<std::string>& columns) const {
  need_table(metadata_, scope, database, table);
  Place place = place_of(scope, database, table, partition);
  need_partition(metadata_, place, partition);
  FoundStatistics out;
  for (const std::string& column : columns) {
    if (auto value = metadata_.get(place.kind, place.under + fold_name(column))) {
      out.found.push_back(api::from<glue::ColumnStatistics>(*value));
      continue;
    }
    auto& error = out.errors.emplace_back();
    error.column_name = column;
    error.error.emplace().error_code = "EntityNotFoundException";
    error.error->error_message = "Column statistics not found for column " + column;
  }
  return out;
}

std::vector<glue::ColumnStatisticsError> Catalog::update_column_statistics(
    const Scope& scope, std::string_view database, std::string_view table, const PartitionValues* partition,
    const std::vector<glue::ColumnStatistics>& statistics) {
  std::vector<glue::ColumnStatisticsError> errors;
  Place place = place_of(scope, database, table, partition);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table in = need_table(t, scope, database, table);
    need_partition(t, place, partition);
    for (const auto& s : statistics) {
      if (has_column(in, s.column_name)) {
        t.put(place.kind, place.under + fold_name(s.column_name), to_value(s));
        continue;
      }
      auto& error = errors.emplace_back();
      error.column_statistics = s;
      error.error.emplace().error_code = "EntityNotFoundException";
      error.error->error_message = "Column " + s.column_name + " not found in the table " + in.name + ".";
    }
  });
  return errors;
}

void Catalog::delete_column_statistics(const Scope& scope, std::string_view database, std::string_view table,
                                       const PartitionValues* partition, std::string_view column) {
  Place place = place_of(scope, database, table, partition);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_table(t, scope, database, table);
    need_partition(t, place, partition);
    if (!t.erase(place.kind, place.under + fold_name(column)))
      throw_not_found("Column statistics not found for column " + std::string(column));
  });
}

}  // namespace tarn::catalog
