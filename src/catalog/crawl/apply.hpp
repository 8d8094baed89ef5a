// Brings the catalog up to date with what a crawl found.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "catalog/crawl/crawl.hpp"
#include "catalog/crawl/layout.hpp"
#include "catalog/crawl/table_input.hpp"

namespace tarn::catalog::crawl {

// One crawl's changes to one database. Not thread-safe.
class Applier {
 public:
  Applier(const CrawlJob& job, const CrawlConfiguration& configuration, CrawlCounts& counts);

  // Makes the database if it is not there, and reads its tables.
  void open_database(const std::string& database);
  // The table of this layout: made, updated, or left alone, as the policies say.
  void take(const TableLayout& table, const std::string& bucket);
  // The same for a table that the crawler was given (a catalog target): it keeps its name, place and partition keys.
  void take_known(const glue::Table& known, const TableLayout& table, const std::string& bucket);
  // Adds the partitions that are missing, and changes nothing else.
  void add_new_partitions(const glue::Table& known, const TableLayout& table, const std::string& bucket);
  // What this crawler made under these places (locations with "/" at the end) and did not see again, for whole crawls.
  void handle_gone(const std::vector<std::string>& places);

  const std::vector<glue::Table>& known_tables() const { return known_; }

 private:
  const glue::Table* table_at(const std::string& location) const;
  std::string free_name(const TableLayout& table, const CrawlNames& names, const std::string& location) const;
  void create(const TableLayout& table, const CrawlNames& names);
  void update(const glue::Table& known, glue::TableInput wanted);
  void sync_partitions(const glue::Table& known, const TableLayout& table, const CrawlNames& names, bool whole);
  void handle_gone_partitions(const glue::Table& known, const std::vector<PartitionValues>& gone);
  glue::PartitionInput partition_of(const glue::Table& in, const TableLayout& table, const PartitionLayout& p,
                                    const CrawlNames& names) const;
  CrawlNames names_for(const std::string& bucket) const;
  bool updates() const;
  void info(const std::string& line) const { job_.log("INFO", line); }

  const CrawlJob& job_;
  const CrawlConfiguration& configuration_;
  CrawlCounts& counts_;
  std::string database_;
  std::vector<glue::Table> known_;
  std::set<std::string> seen_;  // names of tables that this crawl found
};

// The lines that say why a table's columns have their types.
std::vector<std::string> explain(const TableLayout& table);

}  // namespace tarn::catalog::crawl
