// Network interfaces: the addresses in subnets that gateways, endpoints and people own.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

struct NewInterface {
  std::string subnet_id;
  std::string description;
  std::string type = "interface";  // "nat_gateway", "vpc_endpoint"
  std::string address;             // empty: the first that is free
  std::vector<std::string> group_ids;
  std::vector<std::string> more_addresses = {};  // beside the first; empty ones: any that is free
  bool of_service = false;                       // another resource's own: only that one changes and deletes it
};

// Makes and stores it. Throws what free_address() and the groups throw.
Value make_interface(Records& records, const NewInterface& wanted, Value tags);
// [{GroupId, GroupName}] of these groups of the VPC; one that is missing or another VPC's throws Error (caller).
Value group_identifiers(Records& records, const std::vector<std::string>& ids, const std::string& vpc_id);
// Whether an interface or an endpoint is in the group.
bool group_is_used(Records& records, std::string_view group_id);

}  // namespace tarn::network
