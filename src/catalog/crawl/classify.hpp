// What one object of the lake is: its format by its content, its columns by its values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"
#include "catalog/crawl/csv_tokenizer.hpp"
#include "catalog/crawl/data_type.hpp"
#include "catalog/crawl/decompress.hpp"

namespace tarn::catalog::crawl {

// An object's bytes, wherever they stand. Thread-safe as its owner says.
struct FileBytes {
  uint64_t size_bytes = 0;
  // Reads up to `size_bytes` from `offset_bytes`; fewer only at the end.
  std::function<std::size_t(uint64_t offset_bytes, char* into, std::size_t size_bytes)> read_at;
};

enum class Format { unknown, csv, json, parquet, avro };
// "csv", "json", "parquet", "avro", "UNKNOWN": Glue's word for it, in the table parameter "classification".
const char* name_of(Format format);

struct FileColumn {
  std::string name;           // as the catalog has it
  std::string original_name;  // as the file has it
  DataType type;
  std::string why;  // what in the file decided the type; empty when nothing stands out
  bool operator==(const FileColumn&) const = default;
};

struct FileFinding {
  Format format = Format::unknown;
  std::string why_unknown;
  std::string note;  // what else a person should know: a header's reason, a sample, malformed ends
  Compression compression = Compression::none;
  std::vector<FileColumn> columns;
  uint64_t records = 0;  // estimated where only samples were read
  uint64_t size_bytes = 0;
  std::string classifier;  // the custom classifier that took it; empty: a built-in one

  // CSV
  CsvDialect csv;
  bool header = false, quotes = false, backslash_escapes = false;
  std::string encoding = "UTF-8";
  std::string csv_serde;  // what the classifier asks for: "OpenCSVSerDe", "LazySimpleSerDe" or empty
  // JSON
  std::string json_path;  // where the records stand when they are not lines: "$[*]"
  // Avro
  std::string avro_schema;
};

struct ClassifyOptions {
  bool strict = false;
  std::vector<api::glue::Classifier> classifiers;  // custom ones, asked in this order before the built-in ones
};

// Objects up to this size are read whole, compressed ones as far as 256 MiB of text; of longer ones the beginning and
// samples spread over the rest.
inline constexpr uint64_t max_whole_file_size_bytes = 64ull * 1024 * 1024;

// Never throws for what a file holds: what can't be read is `unknown`, with the reason.
FileFinding classify_file(std::string_view key, const FileBytes& bytes, const ClassifyOptions& options);

}  // namespace tarn::catalog::crawl
