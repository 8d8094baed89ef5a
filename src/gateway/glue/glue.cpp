#include "gateway/glue/glue.hpp"

#include <algorithm>

#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {

catalog::Scope scope_of(const api::Context& context, const std::optional<std::string>& catalog_id) {
  if (catalog_id && *catalog_id != context.account()) {
    bool account = catalog_id->size() == 12 &&
                   std::all_of(catalog_id->begin(), catalog_id->end(), [](char c) { return c >= '0' && c <= '9'; });
    if (account)
      throw Error(ErrorKind::denied, "AccessDeniedException",
                  "Cross account access role does not exist: the catalog of account " + *catalog_id +
                      " is not shared with you.");
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn has one catalog in each account and region; it has no catalog " + *catalog_id + ".");
  }
  return catalog::scope_of(context);
}

void register_glue(api::Operations& operations, meta::Metadata& metadata, Clock& clock, catalog::Catalog& catalog,
                   catalog::Crawlers& crawlers) {
  register_databases(operations, catalog);
  register_tables(operations, catalog);
  register_partitions(operations, catalog);
  register_column_statistics(operations, catalog);
  register_functions(operations, catalog);
  register_connections(operations, metadata, clock);
  register_classifiers(operations, metadata, clock);
  register_settings(operations, metadata, clock);
  register_crawlers(operations, crawlers);
}

}  // namespace tarn::gateway::glue
