// lake.yml: a whole lake in one short file. The form stands in docs/LAKE_FILE.md.
//
// What is wrong throws Error (caller, ValidationError) that names file, line and place; what the form has no word for
// yet throws Error (unsupported) that names it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::deploy {

struct LakeColumn {
  std::string name, type;
};

struct LakeTable {
  std::string name, layer, format, path;  // path: below its bucket, with a slash at its end
  std::string description, delimiter;
  bool header = true;  // of csv: the first line names the columns
  std::vector<LakeColumn> columns, partitions;
};

struct LakeDomain {
  std::string name;
  std::vector<LakeTable> tables;
  std::optional<std::string> crawled_layer;
  std::string crawl_schedule;          // empty: only when it is asked for
  std::vector<std::string> pipelines;  // folders beside lake.yml, each with a config.yml
};

struct LakeReader {
  std::string name;
  std::string role;                 // an existing role's name; empty: one is made
  std::vector<std::string> tables;  // "sales.orders", "sales.*"
};

struct LakeFile {
  std::string name;  // empty: names begin with the domain
  std::string stage;
  std::vector<std::string> layers;
  std::vector<std::string> alarms;  // e-mail addresses
  std::map<std::string, std::string> tags;
  bool keep_data = false;  // buckets outlive the stack
  std::vector<LakeDomain> domains;
  std::vector<LakeReader> readers;
};

// What stands beside the file: path from its folder → bytes.
using SourceFiles = std::map<std::string, std::string>;

// Reads `file` of `files`: lake.yml, or the domain.yml of a single domain. `stage` overrides the file's own where it is
// not empty.
LakeFile read_lake_file(const SourceFiles& files, const std::string& file, const std::string& stage);

}  // namespace tarn::deploy
