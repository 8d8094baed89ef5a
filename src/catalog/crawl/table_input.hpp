// The catalog's records for what a crawl found, as AWS's crawler writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/crawl/layout.hpp"

namespace tarn::catalog::crawl {

// The table parameters that count rather than describe: a change in them alone is no change of the table.
bool is_statistic(std::string_view parameter);

struct CrawlNames {
  std::string bucket, crawler, table_prefix;
  bool strict = false;
};

// lower-case letters, digits and "_" in place of all else; the prefix in front.
std::string table_name(std::string_view found_name, const CrawlNames& names);
// "s3://bucket/place".
std::string location_of(const TableLayout& table, const CrawlNames& names);
std::string location_of(const PartitionLayout& partition, const CrawlNames& names);

// `name` is the table's final name. A column that is also a partition key is left out (in CSV, where columns count by
// place, only at the end of the lines: before it, it gets another name).
glue::TableInput table_input(const TableLayout& table, const std::string& name, const CrawlNames& names);
// The partition's own columns and counts, in the form of its table.
glue::PartitionInput partition_input(const TableLayout& table, const PartitionLayout& partition,
                                     const CrawlNames& names);

}  // namespace tarn::catalog::crawl
