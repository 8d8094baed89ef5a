#pragma once

#include "catalog/catalog.hpp"

namespace tarn::catalog {

// Adds the index to the table within a transaction. InvalidInputException where a key is no partition key of it,
// AlreadyExistsException, ResourceNumberLimitExceededException at the fourth.
void add_partition_index(meta::Transaction& t, const Scope& scope, const glue::Table& table,
                         const glue::PartitionIndex& index);

}  // namespace tarn::catalog
