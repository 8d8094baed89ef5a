#include "deploy/resources/known_types.hpp"

#include <algorithm>
#include <memory>

namespace tarn::deploy {

std::string why_not_here(std::string_view type) {
  const std::string name(type);
  for (const WaitingType& waiting : waiting_types())
    if (waiting.name == type)
      return "tarn does not have the resource type " + name + " yet: " + std::string(waiting.reason) + ".";
  const auto names = aws_type_names();
  if (std::binary_search(names.begin(), names.end(), type)) return "tarn does not have the resource type " + name + ".";
  return "Template format error: Unrecognized resource types: [" + name + "]";
}

void add_resource_types(ResourceTypes& types) {
  for (const PackedType& packed : packed_types()) types.add(std::make_unique<TableType>(packed));
}

}  // namespace tarn::deploy
