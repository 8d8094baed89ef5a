// AWS's regions and their zones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::network {

struct Zone {
  std::string name;  // "eu-west-1a"
  std::string id;    // "euw1-az1"
};

// The zones of a region. One that AWS does not have gets three, since any region works here.
std::vector<Zone> zones_of(std::string_view region);
// The zone by its name or its id; absent when the region has none such.
std::optional<Zone> find_zone(std::string_view region, std::string_view name_or_id);

}  // namespace tarn::network
