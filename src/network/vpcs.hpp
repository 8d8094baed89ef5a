// VPCs and what each is born with.
#pragma once

#include "network/address_blocks.hpp"
#include "network/records.hpp"

namespace tarn::network {

// The block that the text names; one that is none throws Error (caller, InvalidParameterValue) that names `parameter`.
AddressBlock block_in(std::string_view text, std::string_view parameter, int bits = ipv4_bits);
// All blocks of a VPC, of both families.
std::vector<AddressBlock> blocks_of(const Value& vpc_record);
// The region's default VPC, where it still is.
std::optional<Value> default_vpc(Records& records);
bool vpc_has_ipv6(const Value& vpc_record);

// Whether the account has had its default network in this region, which AWS gives to every account: a VPC with a subnet
// in each zone, an internet gateway and a route to it. It may have been deleted since.
bool had_default_network(meta::Reader& reader, const api::Context& context);
void make_default_network(meta::Transaction& transaction, Records& records, const api::Context& context);

}  // namespace tarn::network
