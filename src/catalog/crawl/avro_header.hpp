// The schema in the header of an Avro object container file (Apache Avro 1.11 specification), as Hive types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/crawl/data_type.hpp"

namespace tarn::catalog::crawl {

struct AvroFinding {
  std::vector<Field> columns;  // names as in the file
  std::string schema;          // the JSON text
};

// `head` is the beginning of the file, as long as it takes to hold the header. Absent, with `why_not`, when it is
// malformed or too short.
std::optional<AvroFinding> read_avro_header(std::string_view head, std::string& why_not);

}  // namespace tarn::catalog::crawl
