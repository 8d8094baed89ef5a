// Internet gateways, and those for leaving only (IPv6).
#pragma once

#include "network/records.hpp"

namespace tarn::network {

// A new internet gateway, attached to the VPC; returns its id.
std::string make_attached_gateway(Records& records, const std::string& vpc_id);
// Whether the VPC reaches the internet by a gateway of its own.
bool has_internet_gateway(Records& records, std::string_view vpc_id);

}  // namespace tarn::network
