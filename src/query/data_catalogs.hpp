// Athena's view of catalogs: AwsDataCatalog, which is the account's Glue catalog, further names for it (type GLUE), and
// the databases and tables in them.
#pragma once

#include "query/parts.hpp"

namespace tarn::query {

inline constexpr const char* default_catalog = "AwsDataCatalog";

// Thread-safe. Names of catalogs are compared without regard to case. What is missing throws invalid_request, or for
// databases and tables Error (caller, MetadataException).
class DataCatalogs {
 public:
  explicit DataCatalogs(const Parts& parts) : parts_(parts) {}

  // Only type GLUE, of the caller's own account; others throw Error (unsupported).
  athena::DataCatalog create(const Caller& caller, const athena::CreateDataCatalogInput& input);
  std::optional<athena::DataCatalog> find(const Caller& caller, const std::string& name) const;
  athena::DataCatalog get(const Caller& caller, const std::string& name) const;
  void update(const Caller& caller, const athena::UpdateDataCatalogInput& input);
  athena::DataCatalog remove(const Caller& caller, const std::string& name);
  athena::ListDataCatalogsOutput list(const Caller& caller, const athena::ListDataCatalogsInput& input) const;

  athena::Database database(const Caller& caller, const athena::GetDatabaseInput& input) const;
  athena::ListDatabasesOutput databases(const Caller& caller, const athena::ListDatabasesInput& input) const;
  athena::TableMetadata table(const Caller& caller, const athena::GetTableMetadataInput& input) const;
  athena::ListTableMetadataOutput tables(const Caller& caller, const athena::ListTableMetadataInput& input) const;

 private:
  const Parts& parts_;
};

}  // namespace tarn::query
