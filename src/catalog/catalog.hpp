// The data catalog: databases, tables with their versions, partitions, partition indexes, column statistics and
// functions, as AWS Glue defines them ("AWS Glue Web API Reference", Catalog API). The records are AWS's own shapes
// (api::glue::Table and so on).
//
// Each account has one catalog in each region: its Scope. Names of databases, tables and functions are folded to lower
// case wherever they are given. Absence is std::nullopt from find_…; functions that need the thing throw Error
// (missing, EntityNotFoundException). Other errors: AlreadyExistsException, InvalidInputException,
// ConcurrentModificationException, ResourceNumberLimitExceededException.
//
// Thread-safe; a change that returned is on disk. Every change is one transaction.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"
#include "api/operations.hpp"
#include "base/clock.hpp"
#include "catalog/page.hpp"
#include "meta/metadata.hpp"

namespace tarn::catalog {

namespace glue = api::glue;

// Whose catalog, and in whose name it is changed.
struct Scope {
  std::string account, region;
  std::string actor_arn;  // "tarn" when nobody asked
};
Scope scope_of(const api::Context& context);

using PartitionValues = std::vector<std::string>;

struct UpdateTableOptions {
  bool skip_archive = false;                    // true: the version before is not kept
  std::optional<std::string> expected_version;  // when the table's VersionId differs: ConcurrentModificationException
};

struct PartitionQuery {
  std::string expression;  // AWS's grammar (partition_expression.hpp); empty: all
  std::optional<glue::Segment> segment;
  bool exclude_column_schema = false;  // leaves StorageDescriptor.Columns out
};

class Catalog {
 public:
  Catalog(meta::Metadata& metadata, Clock& clock) : metadata_(metadata), clock_(clock) {}

  // ---- databases ----
  void create_database(const Scope& scope, const glue::DatabaseInput& input,
                       const std::map<std::string, std::string>& tags = {});
  std::optional<glue::Database> find_database(const Scope& scope, std::string_view name) const;
  glue::Database database(const Scope& scope, std::string_view name) const;
  Page<glue::Database> databases(const Scope& scope, const PageRequest& page) const;  // in the order of their names
  void update_database(const Scope& scope, std::string_view name, const glue::DatabaseInput& input);
  // With all that is in it.
  void delete_database(const Scope& scope, std::string_view name);

  // ---- tables ----
  void create_table(const Scope& scope, std::string_view database, const glue::TableInput& input,
                    const std::vector<glue::PartitionIndex>& indexes = {});
  // Absent also when there is no such database.
  std::optional<glue::Table> find_table(const Scope& scope, std::string_view database, std::string_view name) const;
  glue::Table table(const Scope& scope, std::string_view database, std::string_view name) const;
  // Those whose names match `expression` (table_name_matches), in the order of their names; an empty one matches all.
  Page<glue::Table> tables(const Scope& scope, std::string_view database, std::string_view expression,
                           const PageRequest& page) const;
  std::vector<glue::Table> all_tables(const Scope& scope, std::string_view database) const;
  // Replaces the whole definition (as AWS does: what `input` leaves out is gone); VersionId goes up by one.
  void update_table(const Scope& scope, std::string_view database, const glue::TableInput& input,
                    const UpdateTableOptions& options = {});
  // With its versions, partitions, indexes and statistics.
  void delete_table(const Scope& scope, std::string_view database, std::string_view name);

  // Newest first, the present one included.
  Page<glue::TableVersion> table_versions(const Scope& scope, std::string_view database, std::string_view table,
                                          const PageRequest& page) const;
  // Without a version: the present one.
  glue::TableVersion table_version(const Scope& scope, std::string_view database, std::string_view table,
                                   const std::optional<std::string>& version) const;
  // The present version can't be deleted: InvalidInputException.
  void delete_table_version(const Scope& scope, std::string_view database, std::string_view table,
                            std::string_view version);

  // Tables of all databases that satisfy SearchTables' filters and text.
  Page<glue::Table> search_tables(const Scope& scope, const glue::SearchTablesRequest& request) const;

  // ---- partitions; their values are in the order of the table's partition keys ----
  void create_partition(const Scope& scope, std::string_view database, std::string_view table,
                        const glue::PartitionInput& input);
  // Adds those that are not there; the others are returned with AWS's error for each. One transaction.
  std::vector<glue::PartitionError> add_partitions(const Scope& scope, std::string_view database,
                                                   std::string_view table,
                                                   const std::vector<glue::PartitionInput>& inputs);
  std::optional<glue::Partition> find_partition(const Scope& scope, std::string_view database, std::string_view table,
                                                const PartitionValues& values) const;
  glue::Partition partition(const Scope& scope, std::string_view database, std::string_view table,
                            const PartitionValues& values) const;
  // In the byte order of their values.
  Page<glue::Partition> partitions(const Scope& scope, std::string_view database, std::string_view table,
                                   const PartitionQuery& query, const PageRequest& page) const;
  // All that satisfy `expression`.
  std::vector<glue::Partition> all_partitions(const Scope& scope, std::string_view database, std::string_view table,
                                              std::string_view expression = {}) const;
  // All whose values `wanted` takes; only those are read, so this is the way to prune by conditions of one's own.
  std::vector<glue::Partition> partitions_where(const Scope& scope, std::string_view database, std::string_view table,
                                                const std::function<bool(const PartitionValues&)>& wanted) const;
  // The values alone of all partitions: cheap.
  std::vector<PartitionValues> partition_values(const Scope& scope, std::string_view database,
                                                std::string_view table) const;
  std::size_t partition_count(const Scope& scope, std::string_view database, std::string_view table) const;
  // `values` names the partition; `input` replaces it, and moves it where its values differ (onto a free place only).
  void update_partition(const Scope& scope, std::string_view database, std::string_view table,
                        const PartitionValues& values, const glue::PartitionInput& input);
  // The same for many in one transaction; what fails is returned with its error.
  std::vector<glue::BatchUpdatePartitionFailureEntry> update_partitions(
      const Scope& scope, std::string_view database, std::string_view table,
      const std::vector<glue::BatchUpdatePartitionRequestEntry>& entries);
  void delete_partition(const Scope& scope, std::string_view database, std::string_view table,
                        const PartitionValues& values);
  // Those that are not there are returned with AWS's error for each.
  std::vector<glue::PartitionError> delete_partitions(const Scope& scope, std::string_view database,
                                                      std::string_view table,
                                                      const std::vector<PartitionValues>& values);

  // ---- partition indexes: records that clients read back; a filter needs none (partitions.cpp tells how it skips)
  // ----
  void create_partition_index(const Scope& scope, std::string_view database, std::string_view table,
                              const glue::PartitionIndex& index);
  std::vector<glue::PartitionIndexDescriptor> partition_indexes(const Scope& scope, std::string_view database,
                                                                std::string_view table) const;
  void delete_partition_index(const Scope& scope, std::string_view database, std::string_view table,
                              std::string_view index);

  // ---- column statistics: of the table where `partition` is null, else of that partition ----
  struct FoundStatistics {
    std::vector<glue::ColumnStatistics> found;
    std::vector<glue::ColumnError> errors;
  };
  FoundStatistics column_statistics(const Scope& scope, std::string_view database, std::string_view table,
                                    const PartitionValues* partition, const std::vector<std::string>& columns) const;
  std::vector<glue::ColumnStatisticsError> update_column_statistics(
      const Scope& scope, std::string_view database, std::string_view table, const PartitionValues* partition,
      const std::vector<glue::ColumnStatistics>& statistics);
  void delete_column_statistics(const Scope& scope, std::string_view database, std::string_view table,
                                const PartitionValues* partition, std::string_view column);

  // ---- user-defined functions, as records ----
  void create_function(const Scope& scope, std::string_view database, const glue::UserDefinedFunctionInput& input);
  glue::UserDefinedFunction function(const Scope& scope, std::string_view database, std::string_view name) const;
  // Without a database: of all. `pattern` as in table_name_matches.
  Page<glue::UserDefinedFunction> functions(const Scope& scope, const std::optional<std::string>& database,
                                            std::string_view pattern, const PageRequest& page) const;
  void update_function(const Scope& scope, std::string_view database, std::string_view name,
                       const glue::UserDefinedFunctionInput& input);
  void delete_function(const Scope& scope, std::string_view database, std::string_view name);

 private:
  // Calls `take` for each partition (key and values) after `after` that `filter` does not exclude; stops when it
  // returns false.
  struct PartitionScan;

  meta::Metadata& metadata_;
  Clock& clock_;
};

// Whether a name matches the pattern of GetTables and GetUserDefinedFunctions: a regular expression over the whole
// name, without regard to case, in which a "*" that follows no ".", "]" or ")" stands for any text, as in Hive. A
// malformed pattern throws Error (caller, InvalidInputException).
bool table_name_matches(std::string_view pattern, std::string_view name);

// ASCII letters in lower case: how Glue folds names.
std::string fold_name(std::string_view name);

}  // namespace tarn::catalog
