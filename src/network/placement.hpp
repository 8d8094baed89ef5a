// What of other services stands in subnets and security groups: functions, say. It is looked up and noted here, so that
// nobody deletes what another needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "meta/metadata.hpp"

namespace tarn::network {

// Whose networks.
struct NetworkScope {
  std::string account, region;
};

// The VPC that all of these subnets and groups are in. One that is missing throws Error (caller, EC2's code); those of
// different VPCs throw Error (caller, InvalidParameterValue). At least one subnet is given.
std::string vpc_of(meta::Reader& reader, const NetworkScope& scope, const std::vector<std::string>& subnet_ids,
                   const std::vector<std::string>& group_ids);

// Notes that `user` (an ARN) stands in these subnets and groups, and no longer where it stood before.
void place(meta::Transaction& transaction, const NetworkScope& scope, std::string_view user,
           const std::vector<std::string>& subnet_and_group_ids);
// Whether anybody stands in the subnet or group.
bool is_stood_in(meta::Reader& reader, const NetworkScope& scope, std::string_view id);

}  // namespace tarn::network
