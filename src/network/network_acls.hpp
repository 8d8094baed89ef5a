// Network ACLs: each subnet goes by one, at first by its VPC's own.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

void make_default_acl(Records& records, const Value& vpc_record);
void associate_with_default_acl(Records& records, std::string_view vpc_id, const std::string& subnet_id);
void forget_subnet_acl(Records& records, std::string_view subnet_id);

}  // namespace tarn::network
