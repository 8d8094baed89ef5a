// What EC2's resource types say of networks, in the words of EC2's own operations.
#include <array>
#include <string>
#include <utility>

#include "deploy/resources/input_functions.hpp"

namespace tarn::deploy {
namespace {

// A rule of a security group as IpPermission: CIDR blocks, groups and prefix lists stand in lists of their own there.
Value group_permission(const Value& rule, const Scope&) {
  Value out = Value::map();
  for (const char* name : {"IpProtocol", "FromPort", "ToPort"})
    if (const Value* v = rule.find(name)) out.set(name, *v);
  auto described = [&](Value target) {
    if (const Value* text = rule.find("Description")) target.set("Description", *text);
    return Value::list({std::move(target)});
  };
  if (const Value* block = rule.find("CidrIp")) out.set("IpRanges", described(Value::map({{"CidrIp", *block}})));
  if (const Value* block = rule.find("CidrIpv6")) out.set("Ipv6Ranges", described(Value::map({{"CidrIpv6", *block}})));
  for (const char* name : {"SourcePrefixListId", "DestinationPrefixListId"})
    if (const Value* list = rule.find(name)) out.set("PrefixListIds", described(Value::map({{"PrefixListId", *list}})));
  Value pair = Value::map();
  for (const char* name : {"SourceSecurityGroupId", "DestinationSecurityGroupId"})
    if (const Value* group = rule.find(name)) pair.set("GroupId", *group);
  if (const Value* group = rule.find("SourceSecurityGroupName")) pair.set("GroupName", *group);
  if (const Value* owner = rule.find("SourceSecurityGroupOwnerId")) pair.set("UserId", *owner);
  if (!pair.as_map().empty()) out.set("UserIdGroupPairs", described(std::move(pair)));
  return out;
}

// Of the associations of a network ACL, this subnet's.
Value association_of_subnet(const Value& associations, const Scope& scope) {
  const std::string subnet = scope.properties.string_or("SubnetId", scope.id);
  if (associations.is_list())
    for (const Value& one : associations.as_list())
      if (one.string_or("SubnetId") == subnet) return Value(one.string_or("NetworkAclAssociationId"));
  return {};
}

// What a subnet has when no other is given to it.
Value default_network_acl(const Value& vpc_id, const Scope& scope) {
  auto filter = [](const char* name, const Value& value) {
    return Value::map({{"Name", name}, {"Values", Value::list({value})}});
  };
  const Value answer =
      scope.action.call("ec2:DescribeNetworkAcls",
                        Value::map({{"Filters", Value::list({filter("vpc-id", vpc_id), filter("default", "true")})}}));
  const Value* id = at_path(answer, "NetworkAcls.0.NetworkAclId");
  return id ? *id : Value();
}

// "Z1HUB23UULQXV:vpce-….amazonaws.com".
Value dns_entries(const Value& entries, const Scope&) {
  Value out = Value::list();
  if (entries.is_list())
    for (const Value& one : entries.as_list())
      out.push_back(one.string_or("HostedZoneId") + ":" + one.string_or("DnsName"));
  return out;
}

Value dhcp_configurations(const Value& properties, const Scope&) {
  constexpr std::pair<const char*, const char*> options[] = {
      {"DomainName", "domain-name"},
      {"DomainNameServers", "domain-name-servers"},
      {"NtpServers", "ntp-servers"},
      {"NetbiosNameServers", "netbios-name-servers"},
      {"NetbiosNodeType", "netbios-node-type"},
      {"Ipv6AddressPreferredLeaseTime", "ipv6-address-preferred-lease-time"}};
  Value out = Value::list();
  for (const auto& [property, option] : options)
    if (const Value* v = properties.find(property))
      out.push_back(Value::map({{"Key", option}, {"Values", v->is_list() ? *v : Value::list({*v})}}));
  return out;
}

constexpr std::array<std::pair<std::string_view, InputFunction>, 5> functions{
    {{"group_permission", group_permission},
     {"association_of_subnet", association_of_subnet},
     {"default_network_acl", default_network_acl},
     {"dns_entries", dns_entries},
     {"dhcp_configurations", dhcp_configurations}}};

}  // namespace

InputFunction find_network_function(std::string_view name) {
  for (const auto& [known, function] : functions)
    if (known == name) return function;
  return nullptr;
}

}  // namespace tarn::deploy
