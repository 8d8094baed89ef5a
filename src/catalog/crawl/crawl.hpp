// One crawl: lists the objects under each target, reads what they are, lays them out as tables, and brings the catalog
// up to date as the crawler's policies say ("AWS Glue Developer Guide", How crawlers work; Setting crawler
// configuration options).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"

namespace tarn::catalog::crawl {

// The Configuration of a crawler, a JSON text of version 1.0.
struct CrawlConfiguration {
  bool partitions_inherit = false;  // CrawlerOutput.Partitions.AddOrUpdateBehavior: InheritFromTable
  bool merge_new_columns = false;   // CrawlerOutput.Tables.AddOrUpdateBehavior: MergeNewColumns
  bool partition_index = false;     // CreatePartitionIndex
  bool combine_compatible = false;  // Grouping.TableGroupingPolicy: CombineCompatibleSchemas
  int table_level = 0;              // Grouping.TableLevelConfiguration
  // InvalidInputException on malformed text; members that tarn does not have throw (unsupported, NotImplemented) by
  // name.
  static CrawlConfiguration parse(std::string_view json);
};

struct CrawlCounts {
  std::vector<std::string> tables_created, tables_updated, tables_deleted;
  uint64_t partitions_created = 0, partitions_updated = 0, partitions_deleted = 0;
  uint64_t files = 0, unknown_files = 0;
};

// Thrown (and caught by Crawlers) when the crawl was asked to stop.
struct CrawlStopped {};

struct CrawlJob {
  Catalog& catalog;
  const store::Store& store;
  const govern::Authority& authority;
  Scope scope;  // the role's: it reads the objects and changes the catalog
  api::Principal principal;
  glue::Crawler crawler;
  std::vector<glue::Classifier> classifiers;
  bool strict = false;
  // "INFO", "WARN", "ERROR", "BENCHMARK" and a line.
  std::function<void(std::string_view level, const std::string& line)> log;
  std::function<bool()> stopped;
};

// Throws CrawlStopped, or Error when a target can't be crawled at all; what was done before stays done.
CrawlCounts run_crawl(const CrawlJob& job);

// "s3://bucket/prefix" or "bucket/prefix" taken apart. InvalidInputException without a bucket.
struct S3Path {
  std::string bucket, prefix;
};
S3Path parse_s3_path(std::string_view path);

}  // namespace tarn::catalog::crawl
