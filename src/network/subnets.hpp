// Subnets, and which of their addresses are free.
#pragma once

#include "network/address_blocks.hpp"
#include "network/places.hpp"
#include "network/records.hpp"

namespace tarn::network {

std::vector<AddressBlock> subnet_blocks(const Value& subnet_record);
// The default subnet of this zone in the default VPC, in the first /20 that is free.
Value make_default_subnet(Records& records, const Value& vpc_record, const Zone& zone);
// An IPv4 address of the subnet that no interface has: `wanted`, or the first that is free. Throws Error (caller,
// InvalidParameterValue, InvalidIPAddress.InUse, InsufficientFreeAddressesInSubnet).
std::string free_address(Records& records, const Value& subnet_record, const std::string& wanted);

}  // namespace tarn::network
