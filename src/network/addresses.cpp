#include "network/addresses.hpp"

#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/gateways.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

constexpr const char* pool = "198.18.0.0/15";

Value find_address(Records& records, const Value& in) {
  const std::string id = in.string_or("AllocationId"), ip = in.string_or("PublicIp");
  if (!id.empty()) return records.get(elastic_ip, id);
  if (ip.empty()) refuse("MissingParameter", "Either public IP or allocation ID must be specified");
  auto found = records.where(elastic_ip, "PublicIp", ip);
  if (found.empty()) refuse("InvalidAddress.NotFound", "Address '" + ip + "' not found.");
  return found[0];
}

std::string new_public_ip(Records& records, const std::string& wanted) {
  const AddressBlock block = *parse_block(pool);
  if (!wanted.empty()) {
    const auto address = parse_address(wanted);
    if (!address || !block.contains(*address) || records.any(elastic_ip, "PublicIp", wanted))
      refuse("InvalidAddress.NotFound", "Address '" + wanted + "' not found.");
    return wanted;
  }
  for (;;) {
    const std::string ip = address_in(block, 1 + records.random().next() % (block.size() - 2));
    if (!records.any(elastic_ip, "PublicIp", ip)) return ip;
  }
}

Value allocate(Records& records, const Value& in) {
  const std::string group = in.string_or("NetworkBorderGroup", records.region());
  if (in.string_or("Domain", "vpc") != "vpc")
    refuse("InvalidParameterValue", "Value (standard) for parameter domain is invalid. EC2-Classic is retired.");
  if (group != records.region())
    refuse("InvalidParameterValue", "Value (" + group + ") for parameter networkBorderGroup is invalid.");
  if (const std::string from = in.string_or("PublicIpv4Pool", "amazon"); from != "amazon")
    refuse("InvalidPublicIpv4PoolID.NotFound", "The pool ID '" + from + "' does not exist.");
  const Value address = Value::map({{"AllocationId", records.new_id(elastic_ip)},
                                    {"PublicIp", new_public_ip(records, in.string_or("Address"))},
                                    {"Domain", "vpc"},
                                    {"PublicIpv4Pool", "amazon"},
                                    {"NetworkBorderGroup", group},
                                    {"Tags", tags_for(elastic_ip, in)}});
  records.put(elastic_ip, address);
  Value out = address;
  out.erase("Tags");
  return out;
}

Value release(Records& records, const Value& in) {
  const Value address = find_address(records, in);
  const std::string group = in.string_or("NetworkBorderGroup", records.region());
  if (group != records.region())
    refuse("InvalidParameterValue", "Value (" + group + ") for parameter networkBorderGroup is invalid.");
  if (const Value* interface = address.find("NetworkInterfaceId")) {
    // A gateway's address is the gateway's own.
    if (records.get(network_interface, interface->as_string()).bool_or("RequesterManaged"))
      refuse("AuthFailure", "You do not have permission to access the specified resource.");
    refuse("InvalidIPAddress.InUse", "Address " + address.at("PublicIp").as_string() + " is in use.");
  }
  records.erase(elastic_ip, address.at("AllocationId").as_string());
  return Value::map();
}

Value associate(Records& records, const Value& in) {
  const Value address = find_address(records, in);
  const std::string id = in.string_or("NetworkInterfaceId");
  if (const std::string instance = in.string_or("InstanceId"); !instance.empty())
    refuse("InvalidInstanceID.NotFound", "The instance ID '" + instance + "' does not exist");
  if (id.empty()) refuse("MissingParameter", "Either instance ID or network interface id must be specified");
  const Value interface = records.get(network_interface, id);
  if (const std::string wanted = in.string_or("PrivateIpAddress");
      !wanted.empty() && wanted != interface.at("PrivateIpAddress").as_string())
    refuse("InvalidParameterValue", "The private IP address " + wanted + " is not on the network interface " + id);
  if (!has_internet_gateway(records, interface.at("VpcId").as_string()))
    refuse("Gateway.NotAttached",
           "Network " + interface.at("VpcId").as_string() + " is not attached to any internet gateway");
  const bool again = in.bool_or("AllowReassociation");
  if (interface.find("Association")) {
    if (!again) refuse("Resource.AlreadyAssociated", "resource " + id + " is already associated with another address");
    release_from_interface(records, id);
  }
  if (const Value* other = address.find("NetworkInterfaceId"); other && again)
    release_from_interface(records, other->as_string());
  const Value mapped = associate_with_interface(records, address.at("AllocationId").as_string(), id);
  return Value::map({{"AssociationId", mapped.at("AssociationId")}});
}

Value disassociate(Records& records, const Value& in) {
  const std::string id = in.string_or("AssociationId");
  if (id.empty() && in.string_or("PublicIp").empty())
    refuse("MissingParameter", "Either public IP or association ID must be specified");
  for (const Value& address : records.all(elastic_ip)) {
    if (id.empty() ? address.at("PublicIp").as_string() != in.at("PublicIp").as_string()
                   : address.string_or("AssociationId") != id)
      continue;
    const Value* interface = address.find("NetworkInterfaceId");
    if (!interface) return Value::map();
    if (records.get(network_interface, interface->as_string()).bool_or("RequesterManaged"))
      refuse("AuthFailure", "You do not have permission to access the specified resource.");
    release_from_interface(records, std::string(interface->as_string()));
    return Value::map();
  }
  refuse("InvalidAssociationID.NotFound", "The association ID '" + id + "' does not exist");
}

Value describe_addresses(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"allocation-id", "AllocationId"},
                                       {"association-id", "AssociationId"},
                                       {"domain", "Domain"},
                                       {"instance-id", "InstanceId"},
                                       {"network-border-group", "NetworkBorderGroup"},
                                       {"network-interface-id", "NetworkInterfaceId"},
                                       {"network-interface-owner-id", "NetworkInterfaceOwnerId"},
                                       {"private-ip-address", "PrivateIpAddress"},
                                       {"public-ip", "PublicIp"}};
  Value out = describe(records, in, {elastic_ip, "Addresses", "AllocationIds", filters});
  const auto ips = texts(in, "PublicIps");
  for (const std::string& ip : ips) find_address(records, Value::map({{"PublicIp", ip}}));
  if (!ips.empty())
    std::erase_if(out["Addresses"].as_list(), [&](const Value& address) {
      return std::find(ips.begin(), ips.end(), address.at("PublicIp").as_string()) == ips.end();
    });
  return out;
}

// No address has a name for reverse look-ups: ModifyAddressAttribute, which gives one, is refused.
Value describe_attribute(Records& records, const Value& in) {
  for (const std::string& id : texts(in, "AllocationIds")) records.get(elastic_ip, id);
  return Value::map({{"Addresses", Value::list()}});
}

}  // namespace

Value associate_with_interface(Records& records, const std::string& allocation_id, const std::string& interface_id) {
  Value address = records.get(elastic_ip, allocation_id);
  if (address.find("AssociationId"))
    refuse("Resource.AlreadyAssociated", "Elastic IP address [" + allocation_id + "] is already associated");
  Value interface = records.get(network_interface, interface_id);
  address.set("AssociationId", records.new_id("eipassoc-"))
      .set("NetworkInterfaceId", interface_id)
      .set("NetworkInterfaceOwnerId", records.account())
      .set("PrivateIpAddress", interface.at("PrivateIpAddress"));
  const Value association = Value::map({{"AllocationId", allocation_id},
                                        {"AssociationId", address.at("AssociationId")},
                                        {"IpOwnerId", records.account()},
                                        {"PublicIp", address.at("PublicIp")}});
  interface.set("Association", association);
  interface["PrivateIpAddresses"].as_list()[0].set("Association", association);
  records.put(elastic_ip, address);
  records.put(network_interface, interface);
  return address;
}

void release_from_interface(Records& records, const std::string& interface_id) {
  for (Value& address : records.where(elastic_ip, "NetworkInterfaceId", interface_id)) {
    for (const char* member : {"AssociationId", "NetworkInterfaceId", "NetworkInterfaceOwnerId", "PrivateIpAddress"})
      address.erase(member);
    records.put(elastic_ip, address);
  }
  if (auto interface = records.find(network_interface, interface_id)) {
    interface->erase("Association");
    (*interface)["PrivateIpAddresses"].as_list()[0].erase("Association");
    records.put(network_interface, *interface);
  }
}

std::span<const Action> address_actions() {
  static constexpr Action actions[] = {
      {"AllocateAddress", allocate, "Domain Address PublicIpv4Pool NetworkBorderGroup TagSpecifications"},
      {"ReleaseAddress", release, "AllocationId PublicIp NetworkBorderGroup"},
      {"AssociateAddress", associate,
       "AllocationId PublicIp InstanceId NetworkInterfaceId PrivateIpAddress AllowReassociation"},
      {"DisassociateAddress", disassociate, "AssociationId PublicIp"},
      {"DescribeAddresses", describe_addresses, "AllocationIds PublicIps Filters", false},
      {"DescribeAddressesAttribute", describe_attribute, "AllocationIds Attribute MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
