// Sets of DHCP options.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

// The id of the region's own set, which new VPCs get: made at first.
std::string default_dhcp_options(Records& records);

}  // namespace tarn::network
