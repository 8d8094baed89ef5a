// From a table of the catalog to what the engine scans and what the dialect needs to know of its columns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "query/dialect/printer.hpp"
#include "query/engine.hpp"
#include "query/scan.hpp"

namespace tarn::query {

// What the scans of `table` are: one, or several where its partitions differ in form. A form that tarn does not read
// throws Error (unsupported, NOT_SUPPORTED); a broken definition Error (caller, HIVE_INVALID_METADATA or
// INVALID_TABLE_PROPERTY).
std::vector<TableScan> scans_of(const catalog::Catalog& catalog, const catalog::Scope& scope,
                                const api::glue::Table& table, Time now);

// The table's columns, then its partition keys, as the catalog types them.
std::vector<dialect::TableColumn> columns_of(const api::glue::Table& table);

// The form in which a serializer's files are written. Throws as scans_of does.
struct Form {
  TableFormat format = TableFormat::parquet;
  DelimitedText text;
  JsonText json;
};
Form form_of(const api::glue::StorageDescriptor& storage, const std::map<std::string, std::string>& properties,
             const std::string& table);

bool is_view(const api::glue::Table& table);

}  // namespace tarn::query
