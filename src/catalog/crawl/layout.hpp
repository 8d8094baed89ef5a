// From files to tables: which folders are tables, which are partitions of one ("AWS Glue Developer Guide", How does a
// crawler determine when to create partitions?; Managing partitions; Table level).
//
// A folder whose files and subfolders have similar schemas (same format, more than 70 % of the columns in common) is
// one table with its subfolders as partitions; else each of its subfolders is a table, and so is each of its own files.
// Unless strict, subfolders named key=value are partitions of one table as soon as they share a column, and files of
// one folder are one table when one has all columns of the other (in CSV: in the same places).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/crawl/classify.hpp"

namespace tarn::catalog::crawl {

struct FoundFile {
  std::string key;
  FileFinding finding;  // of a format that is known
};

struct LayoutOptions {
  bool strict = false;
  int table_level = 0;              // the bucket is level 1; 0: let the schemas decide
  bool combine_compatible = false;  // CombineCompatibleSchemas: the names of columns need not agree
};

// The common opinion of some files.
struct Schema {
  struct Vote {
    std::string type;
    uint64_t files = 0;
    std::string first_key, why;
  };
  struct Column {
    std::string name, original_name;
    DataType type;
    std::vector<Vote> votes;  // one for each type that files named
  };
  FileFinding form;  // format, dialect and the rest of the first file; flags as any of the files has them; no columns
  bool mixed_compression = false;
  std::vector<Column> columns;
  uint64_t files = 0, records = 0, size_bytes = 0;

  void add(const FoundFile& file);
  void add(const Schema& other);
};

// Whether they can be one table's.
bool similar(const Schema& a, const Schema& b, const LayoutOptions& options);

struct PartitionLayout {
  std::vector<std::string> values;
  std::string prefix;  // of keys, "/" at its end
  Schema schema;
};

struct TableLayout {
  std::string place;  // a prefix of keys with "/" at its end (or empty: the whole bucket), or the key of one object
  bool is_object = false;
  std::string name;  // of the folder or file; not yet a table's name
  std::vector<std::string> partition_keys;
  std::vector<PartitionLayout> partitions;
  Schema schema;
  std::string reason;  // why this is a table of its own
};

// Lays out the files below `include_prefix` (a prefix of keys, "/" at its end or empty; or the key of one object).
// Files are in key order.
std::vector<TableLayout> lay_out(std::string_view bucket, std::string_view include_prefix,
                                 const std::vector<FoundFile>& files, const LayoutOptions& options);

}  // namespace tarn::catalog::crawl
