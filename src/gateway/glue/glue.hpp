// AWS Glue's catalog, connections, classifiers and crawlers as operations ("AWS Glue Web API Reference"). Jobs stand in
// jobs.hpp.
#pragma once

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "catalog/catalog.hpp"
#include "catalog/crawl/crawlers.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway::glue {

// All that follow must outlive `operations`.
void register_glue(api::Operations& operations, meta::Metadata& metadata, Clock& clock, catalog::Catalog& catalog,
                   catalog::Crawlers& crawlers);

// The parts of it, one file each.
void register_databases(api::Operations& operations, catalog::Catalog& catalog);
void register_tables(api::Operations& operations, catalog::Catalog& catalog);
void register_partitions(api::Operations& operations, catalog::Catalog& catalog);
void register_column_statistics(api::Operations& operations, catalog::Catalog& catalog);
void register_functions(api::Operations& operations, catalog::Catalog& catalog);
void register_connections(api::Operations& operations, meta::Metadata& metadata, Clock& clock);
void register_classifiers(api::Operations& operations, meta::Metadata& metadata, Clock& clock);
void register_settings(api::Operations& operations, meta::Metadata& metadata, Clock& clock);  // tags too
void register_crawlers(api::Operations& operations, catalog::Crawlers& crawlers);

}  // namespace tarn::gateway::glue
