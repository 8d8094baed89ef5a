#include "catalog/records.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

model::GetPartitionsResponse get_partitions(const catalog::Catalog& catalog, const api::Context& context,
                                            const model::GetPartitionsRequest& in) {
  refuse(in.transaction_id, "TransactionId (governed tables)");
  refuse(in.query_as_of_time, "QueryAsOfTime (governed tables)");
  catalog::PartitionQuery query{in.expression.value_or(""), in.segment, in.exclude_column_schema.value_or(false)};
  auto page = catalog.partitions(scope_of(context, in.catalog_id), in.database_name, in.table_name, query,
                                 page_of(in.next_token, in.max_results, 1000));
  return {std::move(page.items), page.next};
}

model::BatchGetPartitionResponse batch_get(const catalog::Catalog& catalog, const api::Context& context,
                                           const model::BatchGetPartitionRequest& in) {
  auto scope = scope_of(context, in.catalog_id);
  catalog.table(scope, in.database_name, in.table_name);
  model::BatchGetPartitionResponse out;
  auto& found = out.partitions.emplace();
  out.unprocessed_keys.emplace();
  for (const auto& key : in.partitions_to_get)
    if (auto p = catalog.find_partition(scope, in.database_name, in.table_name, key.values))
      found.push_back(*std::move(p));
  return out;
}

void register_writes(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::CreatePartition>([&](api::Context& c, const model::CreatePartitionRequest& in) {
    catalog.create_partition(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_input);
    return model::CreatePartitionResponse{};
  });
  operations.on<op::BatchCreatePartition>([&](api::Context& c, const model::BatchCreatePartitionRequest& in) {
    return model::BatchCreatePartitionResponse{
        catalog.add_partitions(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_input_list)};
  });
  operations.on<op::UpdatePartition>([&](api::Context& c, const model::UpdatePartitionRequest& in) {
    catalog.update_partition(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_value_list,
                             in.partition_input);
    return model::UpdatePartitionResponse{};
  });
  operations.on<op::BatchUpdatePartition>([&](api::Context& c, const model::BatchUpdatePartitionRequest& in) {
    return model::BatchUpdatePartitionResponse{
        catalog.update_partitions(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.entries)};
  });
  operations.on<op::DeletePartition>([&](api::Context& c, const model::DeletePartitionRequest& in) {
    catalog.delete_partition(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_values);
    return model::DeletePartitionResponse{};
  });
  operations.on<op::BatchDeletePartition>([&](api::Context& c, const model::BatchDeletePartitionRequest& in) {
    std::vector<catalog::PartitionValues> values;
    for (const auto& one : in.partitions_to_delete) values.push_back(one.values);
    return model::BatchDeletePartitionResponse{
        catalog.delete_partitions(scope_of(c, in.catalog_id), in.database_name, in.table_name, values)};
  });
}

void register_indexes(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::CreatePartitionIndex>([&](api::Context& c, const model::CreatePartitionIndexRequest& in) {
    catalog.create_partition_index(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_index);
    return model::CreatePartitionIndexResponse{};
  });
  operations.on<op::GetPartitionIndexes>([&](api::Context& c, const model::GetPartitionIndexesRequest& in) {
    return model::GetPartitionIndexesResponse{
        catalog.partition_indexes(scope_of(c, in.catalog_id), in.database_name, in.table_name), {}};
  });
  operations.on<op::DeletePartitionIndex>([&](api::Context& c, const model::DeletePartitionIndexRequest& in) {
    catalog.delete_partition_index(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.index_name);
    return model::DeletePartitionIndexResponse{};
  });
}

}  // namespace

void register_partitions(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::GetPartition>([&](api::Context& c, const model::GetPartitionRequest& in) {
    return model::GetPartitionResponse{
        catalog.partition(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.partition_values)};
  });
  operations.on<op::GetPartitions>(
      [&](api::Context& c, const model::GetPartitionsRequest& in) { return get_partitions(catalog, c, in); });
  operations.on<op::BatchGetPartition>(
      [&](api::Context& c, const model::BatchGetPartitionRequest& in) { return batch_get(catalog, c, in); });
  register_writes(operations, catalog);
  register_indexes(operations, catalog);
}

}  // namespace tarn::gateway::glue
