// A table as the engine scans it: a TableScan with DuckDB's types, its partitions, and what conditions leave of them.
// Included only by the files that speak to DuckDB.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "duckdb/common/multi_file/multi_file_data.hpp"
#include "duckdb/common/multi_file/multi_file_list.hpp"
#include "query/duckdb_state.hpp"

namespace tarn::query {

struct LakePartition {
  std::vector<duckdb::Value> values;  // typed, in the order of the keys
  std::string location;               // "s3://bucket/prefix"
};
using LakePartitions = std::shared_ptr<const std::vector<LakePartition>>;

// Shared by a session's threads; what changes is guarded.
class LakeTable {
 public:
  // The session's scan of that number; made once. Fails (through SessionState::fail) on a partition value that is not
  // of its key's type.
  static std::shared_ptr<LakeTable> of(duckdb::ClientContext& context, std::size_t scan);
  LakeTable(SessionState& state, std::size_t number, const TableScan& s, duckdb::ClientContext& context);

  const TableScan& scan;
  std::vector<duckdb::LogicalType> column_types, key_types;
  LakePartitions partitions;  // nullptr: projected

  // The partitions among `from` (nullptr: all that the projection makes) whose values pass those `filters` that speak
  // of partition keys alone; these filters are removed. nullptr where no filter does.
  LakePartitions prune(duckdb::ClientContext& context, const LakePartitions& from, duckdb::MultiFilePushdownInfo& info,
                       duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters);
  // All partitions of the projection. An injected key without a condition fails, and so do too many values.
  LakePartitions all_projected();
  // Whether the projection has an injected key, so that a statement without a condition on it can't be answered.
  bool lacks_injected_value() const;
  // A name for a list, and the list of such a name.
  std::string remember(LakePartitions list);
  LakePartitions recall(std::size_t list);

  // Appends the partition's objects, hidden ones (_x, .x) and empty ones left out.
  void list(const LakePartition& partition, duckdb::vector<duckdb::OpenFileInfo>& files);

  // Refuses, as Athena does, a file whose column is of another family than the table's (text for a number, say). Only
  // columns that the statement reads are looked at.
  void check_parquet_types(const std::string& path,
                           const duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                           const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                           const duckdb::vector<duckdb::ColumnIndex>& column_ids);

 private:
  using Candidates = std::vector<std::vector<duckdb::Value>>;  // of a projection, per key
  LakePartitions combine(const Candidates& candidates);
  std::string projected_location(const std::vector<std::string>& values) const;

  SessionState& state_;
  const std::size_t number_;
  std::mutex mutex_;
  std::vector<LakePartitions> remembered_;
};

// Text to `type`, as the text SerDes parse it. Lenient: what does not parse is NULL; else it ends the statement
// (text_cast.cpp).
duckdb::unique_ptr<duckdb::Expression> text_cast_expression(duckdb::ClientContext& context,
                                                            duckdb::unique_ptr<duckdb::Expression> text,
                                                            const duckdb::LogicalType& type, bool lenient,
                                                            const DelimitedText& form);
// An array, map or struct at a level of nesting (0: the column itself), or what stands inside of one; NULL for what
// does not parse (nested_text.cpp).
duckdb::Value nested_text_value(std::string_view text, const duckdb::LogicalType& type, const DelimitedText& form,
                                std::size_t level);
// Text with each doubled `quote` made one.
duckdb::unique_ptr<duckdb::Expression> undoubled_expression(duckdb::unique_ptr<duckdb::Expression> text, char quote);

}  // namespace tarn::query
