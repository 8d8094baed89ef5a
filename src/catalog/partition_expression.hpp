// The filter language of GetPartitions ("AWS Glue Web API Reference", GetPartitions, Expression): a condition over the
// partition keys with
// =, <>, !=, <, <=, >, >=, [NOT] BETWEEN, [NOT] IN, [NOT] LIKE, IS [NOT] NULL, NOT, AND, OR and parentheses.
//
// Values are compared by the type of their key: integers and decimals as numbers (01 equals 1), dates and timestamps as
// instants, the rest as text. The value __HIVE_DEFAULT_PARTITION__, and one that its key's type can't hold, is null,
// with SQL's logic of three values.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"

namespace tarn::catalog {

inline constexpr std::string_view null_partition_value = "__HIVE_DEFAULT_PARTITION__";

// Immutable once made; thread-safe.
class PartitionExpression {
 public:
  // Throws Error (caller, InvalidInputException) where `text` is malformed, names another column or compares a key with
  // what its type can't hold. An empty text is true of every partition.
  PartitionExpression(std::string_view text, const std::vector<api::glue::Column>& keys);
  ~PartitionExpression();
  PartitionExpression(PartitionExpression&&) noexcept;

  bool matches(std::span<const std::string> values) const;
  // Whether no partition that begins with these values can match: a scan may skip them all.
  bool excludes(std::span<const std::string> first_values) const;

  struct Node;

 private:
  std::unique_ptr<Node> root_;  // null: always true
};

}  // namespace tarn::catalog
