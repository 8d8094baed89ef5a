#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {

void register_column_statistics(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::GetColumnStatisticsForTable>(
      [&](api::Context& c, const model::GetColumnStatisticsForTableRequest& in) {
        auto got = catalog.column_statistics(scope_of(c, in.catalog_id), in.database_name, in.table_name, nullptr,
                                             in.column_names);
        return model::GetColumnStatisticsForTableResponse{std::move(got.found), std::move(got.errors)};
      });
  operations.on<op::UpdateColumnStatisticsForTable>(
      [&](api::Context& c, const model::UpdateColumnStatisticsForTableRequest& in) {
        return model::UpdateColumnStatisticsForTableResponse{catalog.update_column_statistics(
            scope_of(c, in.catalog_id), in.database_name, in.table_name, nullptr, in.column_statistics_list)};
      });
  operations.on<op::DeleteColumnStatisticsForTable>(
      [&](api::Context& c, const model::DeleteColumnStatisticsForTableRequest& in) {
        catalog.delete_column_statistics(scope_of(c, in.catalog_id), in.database_name, in.table_name, nullptr,
                                         in.column_name);
        return model::DeleteColumnStatisticsForTableResponse{};
      });
  operations.on<op::GetColumnStatisticsForPartition>(
      [&](api::Context& c, const model::GetColumnStatisticsForPartitionRequest& in) {
        auto got = catalog.column_statistics(scope_of(c, in.catalog_id), in.database_name, in.table_name,
                                             &in.partition_values, in.column_names);
        return model::GetColumnStatisticsForPartitionResponse{std::move(got.found), std::move(got.errors)};
      });
  operations.on<op::UpdateColumnStatisticsForPartition>(
      [&](api::Context& c, const model::UpdateColumnStatisticsForPartitionRequest& in) {
        return model::UpdateColumnStatisticsForPartitionResponse{
            catalog.update_column_statistics(scope_of(c, in.catalog_id), in.database_name, in.table_name,
                                             &in.partition_values, in.column_statistics_list)};
      });
  operations.on<op::DeleteColumnStatisticsForPartition>(
      [&](api::Context& c, const model::DeleteColumnStatisticsForPartitionRequest& in) {
        catalog.delete_column_statistics(scope_of(c, in.catalog_id), in.database_name, in.table_name,
                                         &in.partition_values, in.column_name);
        return model::DeleteColumnStatisticsForPartitionResponse{};
      });
}

}  // namespace tarn::gateway::glue
