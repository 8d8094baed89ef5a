// SQL text of DuckDB's: scans of tables, quoted texts and names.
#pragma once

#include <string>
#include <string_view>

#include "query/scan.hpp"

namespace tarn::query {

// The scan function and its arguments for `scan`, which has become number `id` of its session. A format that is not
// read throws Error (unsupported, NOT_SUPPORTED).
std::string relation_sql(const TableScan& scan, std::size_t id);

std::string sql_text(std::string_view text);  // 'it''s'
std::string sql_name(std::string_view name);  // "a ""b"""

}  // namespace tarn::query
