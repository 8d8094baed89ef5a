// Security groups. Their rules are records of their own (SecurityGroupRule); the older form, IpPermissions, is derived.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

void make_default_security_group(Records& records, const Value& vpc_record);
std::string default_group(Records& records, const std::string& vpc_id);
// With its rules.
void erase_security_group(Records& records, const std::string& id);
// The group that GroupId, or GroupName in the default VPC, names.
Value group_in(Records& records, const Value& in);
// A rule of the group, stored; `what` holds the members that say what it lets through.
Value add_rule(Records& records, const Value& group, bool egress, Value what, Value tags);

}  // namespace tarn::network
