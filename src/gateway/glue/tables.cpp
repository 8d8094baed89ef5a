#include "catalog/records.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

model::CreateTableResponse create_table(catalog::Catalog& catalog, const api::Context& context,
                                        const model::CreateTableRequest& in) {
  refuse(in.open_table_format_input, "OpenTableFormatInput");
  refuse(in.transaction_id, "TransactionId (governed tables)");
  if (!in.table_input) catalog::throw_invalid("TableInput must be given.");
  catalog.create_table(scope_of(context, in.catalog_id), in.database_name, *in.table_input,
                       in.partition_indexes.value_or(std::vector<model::PartitionIndex>{}));
  return {};
}

model::GetTableResponse get_table(const catalog::Catalog& catalog, const api::Context& context,
                                  const model::GetTableRequest& in) {
  refuse(in.transaction_id, "TransactionId (governed tables)");
  refuse(in.query_as_of_time, "QueryAsOfTime (governed tables)");
  auto scope = scope_of(context, in.catalog_id);
  auto table = catalog.find_table(scope, in.database_name, in.name);
  if (!table) {
    catalog.database(scope, in.database_name);
    throw Error(ErrorKind::missing, "EntityNotFoundException", "Entity Not Found");  // AWS's words here
  }
  return {std::move(table)};
}

// AttributesToGet: NAME and TABLE_TYPE leave the rest out.
model::Table only(const model::Table& all, const std::vector<std::string>& attributes) {
  model::Table out;
  for (const std::string& attribute : attributes) {
    if (attribute == "DEFAULT") return all;
    if (attribute == "TABLE_TYPE") out.table_type = all.table_type;
  }
  out.name = all.name;
  out.database_name = all.database_name;
  out.catalog_id = all.catalog_id;
  return out;
}

model::GetTablesResponse get_tables(const catalog::Catalog& catalog, const api::Context& context,
                                    const model::GetTablesRequest& in) {
  refuse(in.transaction_id, "TransactionId (governed tables)");
  refuse(in.query_as_of_time, "QueryAsOfTime (governed tables)");
  auto page = catalog.tables(scope_of(context, in.catalog_id), in.database_name, in.expression.value_or(""),
                             page_of(in.next_token, in.max_results, 100));
  model::GetTablesResponse out;
  auto& list = out.table_list.emplace();
  for (auto& table : page.items)
    list.push_back(in.attributes_to_get ? only(table, *in.attributes_to_get) : std::move(table));
  out.next_token = page.next;
  return out;
}

model::UpdateTableResponse update_table(catalog::Catalog& catalog, const api::Context& context,
                                        const model::UpdateTableRequest& in) {
  refuse(in.update_open_table_format_input, "UpdateOpenTableFormatInput");
  refuse(in.transaction_id, "TransactionId (governed tables)");
  refuse(in.view_update_action, "ViewUpdateAction");
  if (!in.table_input) catalog::throw_invalid("TableInput must be given.");
  catalog.update_table(scope_of(context, in.catalog_id), in.database_name, *in.table_input,
                       {in.skip_archive.value_or(false), in.version_id});
  return {};
}

model::BatchDeleteTableResponse batch_delete(catalog::Catalog& catalog, const api::Context& context,
                                             const model::BatchDeleteTableRequest& in) {
  refuse(in.transaction_id, "TransactionId (governed tables)");
  auto scope = scope_of(context, in.catalog_id);
  catalog.database(scope, in.database_name);
  model::BatchDeleteTableResponse out;
  auto& errors = out.errors.emplace();
  for (const std::string& name : in.tables_to_delete) {
    try {
      catalog.delete_table(scope, in.database_name, name);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug) throw;
      auto& error = errors.emplace_back();
      error.table_name = name;
      error.error_detail = catalog::detail_of(e);
    }
  }
  return out;
}

model::BatchDeleteTableVersionResponse batch_delete_versions(catalog::Catalog& catalog, const api::Context& context,
                                                             const model::BatchDeleteTableVersionRequest& in) {
  auto scope = scope_of(context, in.catalog_id);
  catalog.table(scope, in.database_name, in.table_name);
  model::BatchDeleteTableVersionResponse out;
  auto& errors = out.errors.emplace();
  for (const std::string& version : in.version_ids) {
    try {
      catalog.delete_table_version(scope, in.database_name, in.table_name, version);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug) throw;
      auto& error = errors.emplace_back();
      error.table_name = in.table_name;
      error.version_id = version;
      error.error_detail = catalog::detail_of(e);
    }
  }
  return out;
}

void register_versions(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::GetTableVersion>([&](api::Context& c, const model::GetTableVersionRequest& in) {
    return model::GetTableVersionResponse{
        catalog.table_version(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.version_id)};
  });
  operations.on<op::GetTableVersions>([&](api::Context& c, const model::GetTableVersionsRequest& in) {
    auto page = catalog.table_versions(scope_of(c, in.catalog_id), in.database_name, in.table_name,
                                       page_of(in.next_token, in.max_results, 100));
    return model::GetTableVersionsResponse{std::move(page.items), page.next};
  });
  operations.on<op::DeleteTableVersion>([&](api::Context& c, const model::DeleteTableVersionRequest& in) {
    catalog.delete_table_version(scope_of(c, in.catalog_id), in.database_name, in.table_name, in.version_id);
    return model::DeleteTableVersionResponse{};
  });
  operations.on<op::BatchDeleteTableVersion>([&](api::Context& c, const model::BatchDeleteTableVersionRequest& in) {
    return batch_delete_versions(catalog, c, in);
  });
}

}  // namespace

void register_tables(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::CreateTable>(
      [&](api::Context& c, const model::CreateTableRequest& in) { return create_table(catalog, c, in); });
  operations.on<op::GetTable>(
      [&](api::Context& c, const model::GetTableRequest& in) { return get_table(catalog, c, in); });
  operations.on<op::GetTables>(
      [&](api::Context& c, const model::GetTablesRequest& in) { return get_tables(catalog, c, in); });
  operations.on<op::UpdateTable>(
      [&](api::Context& c, const model::UpdateTableRequest& in) { return update_table(catalog, c, in); });
  operations.on<op::DeleteTable>([&](api::Context& c, const model::DeleteTableRequest& in) {
    refuse(in.transaction_id, "TransactionId (governed tables)");
    catalog.delete_table(scope_of(c, in.catalog_id), in.database_name, in.name);
    return model::DeleteTableResponse{};
  });
  operations.on<op::BatchDeleteTable>(
      [&](api::Context& c, const model::BatchDeleteTableRequest& in) { return batch_delete(catalog, c, in); });
  operations.on<op::SearchTables>([&](api::Context& c, const model::SearchTablesRequest& in) {
    auto scope = scope_of(c, in.catalog_id);
    if (in.resource_share_type == "FOREIGN" || in.resource_share_type == "FEDERATED")
      return model::SearchTablesResponse{{}, {{}}};
    auto page = catalog.search_tables(scope, in);
    return model::SearchTablesResponse{page.next, std::move(page.items)};
  });
  register_versions(operations, catalog);
}

}  // namespace tarn::gateway::glue
