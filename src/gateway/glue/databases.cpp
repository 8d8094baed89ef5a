#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

// AttributesToGet: NAME and TARGET_DATABASE leave the rest out.
model::Database only(const model::Database& all, const std::vector<std::string>& attributes) {
  model::Database out;
  out.name = all.name;
  out.catalog_id = all.catalog_id;
  for (const std::string& attribute : attributes)
    if (attribute == "TARGET_DATABASE") out.target_database = all.target_database;
  return out;
}

model::GetDatabasesResponse get_databases(const catalog::Catalog& catalog, const api::Context& context,
                                          const model::GetDatabasesRequest& in) {
  model::GetDatabasesResponse out;
  auto scope = scope_of(context, in.catalog_id);
  if (in.resource_share_type == "FOREIGN" || in.resource_share_type == "FEDERATED")
    return out;  // nothing is shared with anybody
  auto page = catalog.databases(scope, page_of(in.next_token, in.max_results, 100));
  for (auto& database : page.items)
    out.database_list.push_back(in.attributes_to_get ? only(database, *in.attributes_to_get) : std::move(database));
  out.next_token = page.next;
  return out;
}

}  // namespace

void register_databases(api::Operations& operations, catalog::Catalog& catalog) {
  namespace op = model::op;
  operations.on<op::CreateDatabase>([&](api::Context& c, const model::CreateDatabaseRequest& in) {
    catalog.create_database(scope_of(c, in.catalog_id), in.database_input,
                            in.tags.value_or(std::map<std::string, std::string>{}));
    return model::CreateDatabaseResponse{};
  });
  operations.on<op::GetDatabase>([&](api::Context& c, const model::GetDatabaseRequest& in) {
    return model::GetDatabaseResponse{catalog.database(scope_of(c, in.catalog_id), in.name)};
  });
  operations.on<op::GetDatabases>(
      [&](api::Context& c, const model::GetDatabasesRequest& in) { return get_databases(catalog, c, in); });
  operations.on<op::UpdateDatabase>([&](api::Context& c, const model::UpdateDatabaseRequest& in) {
    catalog.update_database(scope_of(c, in.catalog_id), in.name, in.database_input);
    return model::UpdateDatabaseResponse{};
  });
  operations.on<op::DeleteDatabase>([&](api::Context& c, const model::DeleteDatabaseRequest& in) {
    catalog.delete_database(scope_of(c, in.catalog_id), in.name);
    return model::DeleteDatabaseResponse{};
  });
}

}  // namespace tarn::gateway::glue
