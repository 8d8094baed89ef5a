// Prefix lists: AWS's own of S3 and DynamoDB, which routes and rules of groups name, and those that people keep.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

// The id of AWS's list for a service with gateway endpoints: "s3", "dynamodb".
std::string service_prefix_list(std::string_view region, std::string_view service);
// One that is neither AWS's nor the account's throws Error (caller, InvalidPrefixListID.NotFound).
void check_prefix_list(Records& records, const std::string& id);

}  // namespace tarn::network
