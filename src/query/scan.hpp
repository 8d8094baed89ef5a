// What a statement reads of one table: its files, their form, its columns. Plain data, made from the catalog's record
// (tables.hpp), read by the engine.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tarn::query {

enum class TableFormat {
  parquet,
  delimited,  // LazySimpleSerDe: one delimiter, an optional escape, no quotes, \N for NULL; a bad number is NULL
  csv,        // OpenCSVSerde: separator, quote, escape; every value a string first
  json,       // Hive's and OpenX's JSON SerDes: an object a line, or one array a file
  avro,
};

struct ScanColumn {
  std::string name;
  std::string type;  // DuckDB's, as SQL writes it
};

struct ScanPartition {
  std::vector<std::optional<std::string>> values;  // as text, in the order of the partition keys; absent: NULL
  std::string location;                            // "s3://bucket/prefix"
};

// A partition key whose values are computed, not listed ("Partition projection with Amazon Athena").
struct ProjectedKey {
  enum class Kind { enumeration, integer, date, injected };
  Kind kind = Kind::enumeration;
  std::vector<std::string>
      values;  // all candidates, in order; none for an injected key, whose value the query must give
};

struct Projection {
  std::vector<ProjectedKey> keys;  // in the order of the partition keys
  std::string location_template;   // "s3://bucket/x/${key}/"; empty: LOCATION/key=value/ for each key in turn
};

struct DelimitedText {
  std::string delimiter = "\x01";
  std::string escape;  // empty: none
  std::string quote;   // empty: none
  std::string null_text = "\\N";
  std::string line_delimiter = "\n";
  std::string collection_delimiter = "\x02", map_key_delimiter = "\x03";
  std::string pattern;    // RegexSerDe: what each line has to match, its groups the columns; empty: no pattern
  int skipped_lines = 0;  // at the start of every file
  std::string encoding = "utf-8";
};

struct JsonText {
  bool ignore_malformed = false;
  bool case_insensitive = true;
  bool dots_in_keys = false;                   // "a.b" is read as column a_b
  std::map<std::string, std::string> renamed;  // column -> key in the file
};

// The column that a scan with a pattern reads.
inline constexpr const char* line_column = "line$";

struct TableScan {
  std::string name;  // "database.table", for messages
  TableFormat format = TableFormat::parquet;
  std::vector<ScanColumn> columns;
  std::vector<ScanColumn> groups;  // with a pattern: the table's columns; `columns` is the line alone
  std::vector<ScanColumn> partition_keys;
  std::vector<ScanPartition> partitions;  // an unpartitioned table has one, without values
  std::optional<Projection> projection;   // then `partitions` is empty and `location` counts
  std::string location;
  DelimitedText text;
  JsonText json;
};

}  // namespace tarn::query
