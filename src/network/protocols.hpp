// Protocols and ports, as rules of groups and of access lists name them (IANA's protocol numbers). Pure.
#pragma once

#include <string>

#include "base/value.hpp"

namespace tarn::network {

// "tcp" for "6" and "TCP", "-1" for all; other numbers stay. What is none throws Error (caller, InvalidParameterValue).
std::string security_group_protocol(const std::string& text);
// The number: access lists keep numbers.
std::string protocol_number(const std::string& text);

struct PortRange {
  int64_t from, to;
};
// What a security group's rule says of ports (of ICMP: type and code). -1 both where the protocol has none. Throws
// Error (caller, InvalidParameterValue).
PortRange check_ports(const std::string& protocol, const Value* from, const Value* to);

// The text, if it is what AWS takes as a rule's description: 255 characters of a small set. Throws Error (caller).
std::string checked_rule_description(const std::string& text);

}  // namespace tarn::network
