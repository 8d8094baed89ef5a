#include "network/protocols.hpp"

#include <algorithm>
#include <charconv>

#include "network/records.hpp"

namespace tarn::network {
namespace {

struct Name {
  const char *name, *number;
};
constexpr Name names[] = {{"icmp", "1"}, {"tcp", "6"}, {"udp", "17"}, {"icmpv6", "58"}};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

void check_number(const std::string& text) {
  int number = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0 || number > 255)
    refuse("InvalidParameterValue", "Invalid value '" + text + "' for IP protocol. Unknown protocol.");
}

}  // namespace

std::string security_group_protocol(const std::string& given) {
  const std::string text = lower(given);
  if (text == "-1" || text == "all") return "-1";
  for (const Name& name : names)
    if (text == name.name || text == name.number) return name.name;
  check_number(text);
  return text;
}

std::string protocol_number(const std::string& given) {
  const std::string text = security_group_protocol(given);
  for (const Name& name : names)
    if (text == name.name) return name.number;
  return text;
}

PortRange check_ports(const std::string& protocol, const Value* from, const Value* to) {
  const bool icmp = protocol == "icmp" || protocol == "icmpv6";
  if (protocol != "tcp" && protocol != "udp" && !icmp) return {-1, -1};
  if (protocol == "icmpv6" && !from && !to) return {-1, -1};
  if (!from || !to)
    refuse("InvalidParameterValue",
           icmp ? "Invalid value for portRange. Must specify both ICMP type and code."
                : "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.");
  const PortRange out{from->as_int(), to->as_int()};
  const std::string range = std::to_string(out.from) + ":" + std::to_string(out.to);
  if (icmp) {
    if (out.from < -1 || out.from > 255 || out.to < -1 || out.to > 255 || (out.from == -1 && out.to != -1))
      refuse("InvalidParameterValue", "ICMP code (" + range + ") out of range");
  } else if (out.from < 0 || out.to > 65535 || out.from > out.to) {
    refuse("InvalidParameterValue", "Invalid TCP/UDP port range (" + range + ")");
  }
  return out;
}

std::string checked_rule_description(const std::string& text) {
  static constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*";
  if (text.size() > 255 || text.find_first_not_of(allowed) != std::string::npos)
    refuse("InvalidParameterValue",
           "Invalid rule description. Valid descriptions are strings less than 256 characters "
           "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
  return text;
}

}  // namespace tarn::network
