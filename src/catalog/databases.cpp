#include "catalog/catalog.hpp"
#include "catalog/records.hpp"
#include "catalog/tags.hpp"

namespace tarn::catalog {
namespace {

// What a database grants on its new tables unless told otherwise: everything to everybody whom IAM lets in.
std::vector<glue::PrincipalPermissions> default_permissions() {
  glue::PrincipalPermissions all;
  all.principal.emplace().data_lake_principal_identifier = "IAM_ALLOWED_PRINCIPALS";
  all.permissions = {{"ALL"}};
  return {all};
}

void take_input(glue::Database& database, const glue::DatabaseInput& input) {
  database.description = input.description;
  database.location_uri = input.location_uri;
  database.parameters = input.parameters;
  database.target_database = input.target_database;
  database.federated_database = input.federated_database;
  if (input.create_table_default_permissions)
    database.create_table_default_permissions = input.create_table_default_permissions;
  else if (!database.create_table_default_permissions)
    database.create_table_default_permissions = default_permissions();
}

}  // namespace

void Catalog::create_database(const Scope& scope, const glue::DatabaseInput& input, const TagMap& tags) {
  glue::Database database;
  database.name = checked_name(input.name, "Database name");
  database.create_time = clock_.now();
  database.catalog_id = scope.account;
  take_input(database, input);
  std::string key = database_key(scope, database.name);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (t.get(database_kind, key)) throw_exists("Database already exists.");
    t.put(database_kind, key, to_value(database));
    put_tags(t, resource_arn(scope, "database", database.name), tags);
  });
}

std::optional<glue::Database> Catalog::find_database(const Scope& scope, std::string_view name) const {
  auto value = metadata_.get(database_kind, database_key(scope, name));
  return value ? std::optional(api::from<glue::Database>(*value)) : std::nullopt;
}

glue::Database Catalog::database(const Scope& scope, std::string_view name) const {
  return need_database(metadata_, scope, name);
}

Page<glue::Database> Catalog::databases(const Scope& scope, const PageRequest& page) const {
  return page_of_records<glue::Database>(metadata_, database_kind, meta::prefix({scope.account, scope.region}), page);
}

void Catalog::update_database(const Scope& scope, std::string_view name, const glue::DatabaseInput& input) {
  if (fold_name(name) != fold_name(input.name))
    throw_invalid("A database can't be renamed: DatabaseInput.Name must equal Name.");
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Database database = need_database(t, scope, name);
    take_input(database, input);
    t.put(database_kind, database_key(scope, name), to_value(database));
  });
}

void Catalog::delete_database(const Scope& scope, std::string_view name) {
  std::string folded = fold_name(name);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (!t.erase(database_kind, database_key(scope, name))) throw_not_found("Database " + folded + " not found.");
    erase_tags(t, resource_arn(scope, "database", folded));
    std::string under = meta::prefix({scope.account, scope.region, folded});
    for (auto kind : {table_kind, version_kind, partition_kind, index_kind, table_statistics_kind,
                      partition_statistics_kind, function_kind})
      t.erase_all(kind, under);
  });
}

}  // namespace tarn::catalog
