// Reads JSON (RFC 8259) as a stream and says which columns its records have: an object a line, objects one behind the
// other, one array of objects, or one object. Memory grows with the schema, not with the text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/crawl/data_type.hpp"
#include "catalog/crawl/json_path.hpp"

namespace tarn::catalog::crawl {

struct JsonOptions {
  bool strict = false;  // integers of 32 bits are int, and an array is one column named "array", as AWS has it
  const JsonPath* path = nullptr;  // a classifier's: where the records stand
  bool cut = false;                // the text ends early by intent (a sample)
};

struct JsonColumn {
  std::string name;           // lower case
  std::string original_name;  // as in the file
  DataType type;
  std::string why;  // "record 17" changed the type; empty when all agreed
};

struct JsonFinding {
  bool array = false;  // the records are the elements of one array
  std::vector<JsonColumn> columns;
  uint64_t records = 0;
  std::string problem;  // what is wrong behind the records read ("malformed JSON at byte 812"); empty: nothing
};

// Reads up to `size_bytes` bytes; 0 at the end.
using ByteReader = std::function<std::size_t(char* into, std::size_t size_bytes)>;

// Absent, with `why_not`, when the text holds no JSON record.
std::optional<JsonFinding> sniff_json(const ByteReader& read, const JsonOptions& options, std::string& why_not);

}  // namespace tarn::catalog::crawl
