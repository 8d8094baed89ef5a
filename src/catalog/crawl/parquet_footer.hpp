// The schema in the footer of a Parquet file (apache/parquet-format: README, LogicalTypes, parquet.thrift; Thrift's
// compact protocol), as Hive types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/crawl/data_type.hpp"

namespace tarn::catalog::crawl {

struct ParquetFinding {
  std::vector<Field> columns;  // names as in the file
  uint64_t records = 0;
};

inline constexpr std::size_t parquet_tail_size_bytes = 8;
inline constexpr std::size_t max_parquet_footer_size_bytes = 64 * 1024 * 1024;

// How long the footer before the last 8 bytes of the file is; absent when these are no Parquet file's (or an encrypted
// one's: "PARE").
std::optional<std::size_t> parquet_footer_size_bytes(std::string_view tail);

// Reads the footer's bytes (without the tail). Absent, with `why_not`, when they are malformed.
std::optional<ParquetFinding> read_parquet_footer(std::string_view footer, std::string& why_not);

}  // namespace tarn::catalog::crawl
