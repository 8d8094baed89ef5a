// Which resource types there are, here and on AWS.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "deploy/resources/table_type.hpp"

namespace tarn::deploy {

// Those that stand in tables, sorted by name; generated (tools/generate_resource_types.py). Static storage.
std::span<const PackedType> packed_types();
// All names that AWS's public schemas have, sorted.
std::span<const std::string_view> aws_type_names();
// Those whose service tarn is to have, with what they wait for; sorted.
struct WaitingType {
  std::string_view name, reason;
};
std::span<const WaitingType> waiting_types();

// Why tarn has no such type, in a sentence that names it.
std::string why_not_here(std::string_view type);

}  // namespace tarn::deploy
