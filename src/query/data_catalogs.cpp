#include "query/data_catalogs.hpp"

#include <algorithm>

#include "query/tags.hpp"

namespace tarn::query {
namespace {

constexpr const char* kind = "athena.data_catalog";

bool is_default(const std::string& name) {
  return catalog::fold_name(name) == "awsdatacatalog";
}

athena::DataCatalog aws_data_catalog(const Caller& caller) {
  athena::DataCatalog out;
  out.name = default_catalog;
  out.type = "GLUE";
  out.description = "";
  out.parameters = {{"catalog-id", caller.account()}};
  out.status = "CREATE_COMPLETE";
  return out;
}

void check(const Caller& caller, const std::string& type,
           const std::optional<std::map<std::string, std::string>>& parameters) {
  if (type != "GLUE")
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has no data catalogs of type " + type + ", only GLUE");
  const auto held = parameters.value_or(std::map<std::string, std::string>());
  const auto id = held.find("catalog-id");
  if (id == held.end()) throw invalid_request("A data catalog of type GLUE needs the parameter catalog-id");
  if (id->second != caller.account())
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn reaches no Glue catalog of another account (catalog-id " + id->second + ")");
}

athena::Database database_of(const api::glue::Database& database) {
  athena::Database out;
  out.name = database.name;
  out.description = database.description;
  out.parameters = database.parameters;
  return out;
}

std::vector<athena::Column> columns_of(const std::optional<std::vector<api::glue::Column>>& columns) {
  std::vector<athena::Column> out;
  for (const auto& column : columns.value_or(std::vector<api::glue::Column>())) {
    auto& made = out.emplace_back();
    made.name = column.name;
    made.type = column.type;
    made.comment = column.comment;
  }
  return out;
}

athena::TableMetadata table_of(const api::glue::Table& table) {
  athena::TableMetadata out;
  out.name = table.name;
  out.create_time = table.create_time;
  out.last_access_time = table.last_access_time.value_or(Time{});
  out.table_type = table.table_type;
  out.columns = columns_of(table.storage_descriptor ? table.storage_descriptor->columns : std::nullopt);
  out.partition_keys = columns_of(table.partition_keys);
  out.parameters = table.parameters.value_or(std::map<std::string, std::string>());
  // As Athena shows them beside the table's own.
  if (const auto& storage = table.storage_descriptor) {
    auto add = [&](const char* name, const std::optional<std::string>& value) {
      if (value) out.parameters->emplace(name, *value);
    };
    add("location", storage->location);
    add("inputformat", storage->input_format);
    add("outputformat", storage->output_format);
    if (storage->serde_info) {
      add("serde.serialization.lib", storage->serde_info->serialization_library);
      for (const auto& [name, value] : storage->serde_info->parameters.value_or(std::map<std::string, std::string>()))
        add(("serde.param." + name).c_str(), value);
    }
  }
  return out;
}

Error no_entity(const std::string& message) {
  return Error(ErrorKind::caller, "MetadataException", message);
}

// Pages of the catalog, whose own token errors are Athena's here.
catalog::PageRequest page_of(const std::optional<std::string>& token, std::optional<int64_t> limit) {
  return {token, static_cast<std::size_t>(limit.value_or(50))};
}

}  // namespace

athena::DataCatalog DataCatalogs::create(const Caller& caller, const athena::CreateDataCatalogInput& input) {
  check(caller, input.type, input.parameters);
  athena::DataCatalog made;
  made.name = input.name;
  made.type = input.type;
  made.description = input.description;
  made.parameters = input.parameters;
  made.status = "CREATE_COMPLETE";
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (is_default(input.name) || change.get(kind, caller.key({input.name})))
      throw invalid_request("DataCatalog " + input.name + " has already been created");
    change.put(kind, caller.key({input.name}), to_value(made));
    set_tags(change, caller, data_catalog_arn(caller, input.name), input.tags.value_or(std::vector<athena::Tag>()));
  });
  return made;
}

std::optional<athena::DataCatalog> DataCatalogs::find(const Caller& caller, const std::string& name) const {
  if (is_default(name)) return aws_data_catalog(caller);
  if (const auto record = parts_.metadata.get(kind, caller.key({name}))) return api::from<athena::DataCatalog>(*record);
  for (const auto& record : parts_.metadata.list(kind, caller.prefix({})))
    if (catalog::fold_name(record.value.string_or("Name")) == catalog::fold_name(name))
      return api::from<athena::DataCatalog>(record.value);
  return std::nullopt;
}

athena::DataCatalog DataCatalogs::get(const Caller& caller, const std::string& name) const {
  auto found = find(caller, name);
  if (!found) throw invalid_request("DataCatalog " + name + " was not found");
  return std::move(*found);
}

void DataCatalogs::update(const Caller& caller, const athena::UpdateDataCatalogInput& input) {
  check(caller, input.type, input.parameters);
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    const auto record = change.get(kind, caller.key({input.name}));
    if (!record) throw invalid_request("DataCatalog " + input.name + " was not found");
    auto made = api::from<athena::DataCatalog>(*record);
    made.type = input.type;
    if (input.description) made.description = input.description;
    made.parameters = input.parameters;
    change.put(kind, caller.key({input.name}), to_value(made));
  });
}

athena::DataCatalog DataCatalogs::remove(const Caller& caller, const std::string& name) {
  athena::DataCatalog out;
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    const auto record = change.get(kind, caller.key({name}));
    if (!record) throw invalid_request("DataCatalog " + name + " was not found");
    out = api::from<athena::DataCatalog>(*record);
    out.status = "DELETE_COMPLETE";
    change.erase(kind, caller.key({name}));
    remove_tags(change, caller, data_catalog_arn(caller, name));
  });
  return out;
}

athena::ListDataCatalogsOutput DataCatalogs::list(const Caller& caller,
                                                  const athena::ListDataCatalogsInput& input) const {
  auto page = record_page(parts_.metadata, kind, caller.prefix({}), input.next_token,
                          static_cast<std::size_t>(input.max_results.value_or(50)));
  athena::ListDataCatalogsOutput out;
  out.next_token = page.next;
  out.data_catalogs_summary.emplace();
  auto add = [&](const athena::DataCatalog& data_catalog) {
    auto& summary = out.data_catalogs_summary->emplace_back();
    summary.catalog_name = data_catalog.name;
    summary.type = data_catalog.type;
    summary.status = data_catalog.status;
  };
  if (!input.next_token) add(aws_data_catalog(caller));
  for (const auto& record : page.records) add(api::from<athena::DataCatalog>(record.value));
  return out;
}

athena::Database DataCatalogs::database(const Caller& caller, const athena::GetDatabaseInput& input) const {
  get(caller, input.catalog_name);
  const auto found = parts_.catalog.find_database(caller.scope(), input.database_name);
  if (!found) throw no_entity("Database " + input.database_name + " not found.");
  return database_of(*found);
}

athena::ListDatabasesOutput DataCatalogs::databases(const Caller& caller,
                                                    const athena::ListDatabasesInput& input) const {
  get(caller, input.catalog_name);
  auto page = parts_.catalog.databases(caller.scope(), page_of(input.next_token, input.max_results));
  athena::ListDatabasesOutput out;
  out.next_token = page.next;
  out.database_list.emplace();
  for (const auto& database : page.items) out.database_list->push_back(database_of(database));
  return out;
}

athena::TableMetadata DataCatalogs::table(const Caller& caller, const athena::GetTableMetadataInput& input) const {
  get(caller, input.catalog_name);
  const auto found = parts_.catalog.find_table(caller.scope(), input.database_name, input.table_name);
  if (!found) throw no_entity("Table " + input.table_name + " not found in database " + input.database_name);
  return table_of(*found);
}

athena::ListTableMetadataOutput DataCatalogs::tables(const Caller& caller,
                                                     const athena::ListTableMetadataInput& input) const {
  get(caller, input.catalog_name);
  if (!parts_.catalog.find_database(caller.scope(), input.database_name))
    throw no_entity("Database " + input.database_name + " not found.");
  auto page = parts_.catalog.tables(caller.scope(), input.database_name, input.expression.value_or(""),
                                    page_of(input.next_token, input.max_results));
  athena::ListTableMetadataOutput out;
  out.next_token = page.next;
  out.table_metadata_list.emplace();
  for (const auto& table : page.items) out.table_metadata_list->push_back(table_of(table));
  return out;
}

}  // namespace tarn::query
