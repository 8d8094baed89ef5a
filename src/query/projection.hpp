// Partition projection: partitions computed from a table's properties instead of listed in the catalog ("Partition
// projection with Amazon Athena", "Supported types for partition projection").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/value.hpp"
#include "query/scan.hpp"

namespace tarn::query {

// The projection that `properties` configure for these keys; absent where projection.enabled is not true. A property
// that is missing or malformed throws Error (caller, INVALID_TABLE_PROPERTY) that names it. `now` is what NOW stands
// for in date ranges.
std::optional<Projection> parse_projection(const std::map<std::string, std::string>& properties,
                                           const std::vector<ScanColumn>& keys, Time now);

}  // namespace tarn::query
