// Data catalogs, and the databases and tables in them.
#include "gateway/athena/parts.hpp"

namespace tarn::gateway {

void register_athena_catalogs(api::Operations& operations, query::Athena& service) {
  operations.on<athena::op::CreateDataCatalog>([&](api::Context& context, const athena::CreateDataCatalogInput& in) {
    athena::CreateDataCatalogOutput out;
    out.data_catalog = service.data_catalogs.create(Caller::of(context), in);
    return out;
  });
  operations.on<athena::op::GetDataCatalog>([&](api::Context& context, const athena::GetDataCatalogInput& in) {
    athena::GetDataCatalogOutput out;
    out.data_catalog = service.data_catalogs.get(Caller::of(context), in.name);
    return out;
  });
  operations.on<athena::op::UpdateDataCatalog>([&](api::Context& context, const athena::UpdateDataCatalogInput& in) {
    service.data_catalogs.update(Caller::of(context), in);
    return athena::UpdateDataCatalogOutput();
  });
  operations.on<athena::op::DeleteDataCatalog>([&](api::Context& context, const athena::DeleteDataCatalogInput& in) {
    athena::DeleteDataCatalogOutput out;
    out.data_catalog = service.data_catalogs.remove(Caller::of(context), in.name);
    return out;
  });
  operations.on<athena::op::ListDataCatalogs>([&](api::Context& context, const athena::ListDataCatalogsInput& in) {
    return service.data_catalogs.list(Caller::of(context), in);
  });

  operations.on<athena::op::GetDatabase>([&](api::Context& context, const athena::GetDatabaseInput& in) {
    athena::GetDatabaseOutput out;
    out.database = service.data_catalogs.database(Caller::of(context), in);
    return out;
  });
  operations.on<athena::op::ListDatabases>([&](api::Context& context, const athena::ListDatabasesInput& in) {
    return service.data_catalogs.databases(Caller::of(context), in);
  });
  operations.on<athena::op::GetTableMetadata>([&](api::Context& context, const athena::GetTableMetadataInput& in) {
    athena::GetTableMetadataOutput out;
    out.table_metadata = service.data_catalogs.table(Caller::of(context), in);
    return out;
  });
  operations.on<athena::op::ListTableMetadata>([&](api::Context& context, const athena::ListTableMetadataInput& in) {
    return service.data_catalogs.tables(Caller::of(context), in);
  });
}

}  // namespace tarn::gateway
