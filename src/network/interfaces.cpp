#include "network/interfaces.hpp"

#include <algorithm>

#include "network/addresses.hpp"
#include "network/security_groups.hpp"
#include "network/subnets.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

constexpr std::size_t max_groups = 5;

std::string private_name(const Records& records, const std::string& address) {
  std::string name = "ip-" + address;
  std::replace(name.begin(), name.end(), '.', '-');
  return name + (records.region() == "us-east-1" ? ".ec2.internal" : "." + records.region() + ".compute.internal");
}

std::string new_mac(Random& random) {
  std::string out = "02";
  for (int i = 0; i < 5; i++) out += ":" + random.hex(2);
  return out;
}

void check_own(const Value& interface, const char* what) {
  if (interface.bool_or("RequesterManaged"))
    refuse("OperationNotPermitted",
           "You are not allowed to " + std::string(what) +
               " the interface that another resource manages: " + interface.at("NetworkInterfaceId").as_string());
}

// Gives the interface another address of its subnet, and stores it.
void add_address(Records& records, Value& interface, const std::string& wanted) {
  const Value subnet_record = records.get(subnet, interface.at("SubnetId").as_string());
  const std::string address = free_address(records, subnet_record, wanted);
  interface["PrivateIpAddresses"].push_back(Value::map(
      {{"Primary", false}, {"PrivateDnsName", private_name(records, address)}, {"PrivateIpAddress", address}}));
  records.put(network_interface, interface);
}

// The addresses that the input names or counts: the first is the primary one. Empty: any that is free.
std::vector<std::string> addresses_in(const Value& in) {
  std::vector<std::string> out{in.string_or("PrivateIpAddress")};
  if (const Value* list = in.find("PrivateIpAddresses"))
    for (const Value& one : list->as_list()) {
      const std::string address = one.string_or("PrivateIpAddress");
      if (!one.bool_or("Primary")) {
        out.push_back(address);
      } else {
        if (!out[0].empty())
          refuse("InvalidParameterValue", "Only one address of an interface can be the primary one.");
        out[0] = address;
      }
    }
  // Where none is called so, the first is the primary one.
  if (out[0].empty() && out.size() > 1) out.erase(out.begin());
  for (int64_t i = in.int_or("SecondaryPrivateIpAddressCount"); i > 0; i--) out.emplace_back();
  return out;
}

Value assign(Records& records, const Value& in) {
  Value interface = records.get(network_interface, in.at("NetworkInterfaceId").as_string());
  check_own(interface, "modify");
  auto wanted = texts(in, "PrivateIpAddresses");
  for (int64_t i = in.int_or("SecondaryPrivateIpAddressCount"); i > 0; i--) wanted.emplace_back();
  if (wanted.empty())
    refuse("MissingParameter", "Either privateIpAddress or secondaryPrivateIpAddressCount must be specified");
  Value assigned = Value::list();
  for (const std::string& address : wanted) {
    add_address(records, interface, address);
    assigned.push_back(
        Value::map({{"PrivateIpAddress", interface.at("PrivateIpAddresses").as_list().back().at("PrivateIpAddress")}}));
  }
  return Value::map({{"NetworkInterfaceId", interface.at("NetworkInterfaceId")},
                     {"AssignedPrivateIpAddresses", std::move(assigned)}});
}

Value unassign(Records& records, const Value& in) {
  Value interface = records.get(network_interface, in.at("NetworkInterfaceId").as_string());
  check_own(interface, "modify");
  auto& list = interface["PrivateIpAddresses"].as_list();
  for (const std::string& address : texts(in, "PrivateIpAddresses")) {
    auto it = std::find_if(list.begin(), list.end(),
                           [&](const Value& one) { return one.at("PrivateIpAddress").as_string() == address; });
    if (it == list.end() || it->bool_or("Primary"))
      refuse("InvalidParameterValue",
             "Some of the IP addresses are not assigned to interface " + in.at("NetworkInterfaceId").as_string());
    list.erase(it);
  }
  records.put(network_interface, interface);
  return Value::map();
}

Value create(Records& records, const Value& in) {
  if (in.string_or("InterfaceType", "interface") != "interface")
    refuse("InvalidParameterValue", "tarn makes network interfaces of the type interface only");
  const auto addresses = addresses_in(in);
  const NewInterface wanted{.subnet_id = in.at("SubnetId").as_string(),
                            .description = in.string_or("Description"),
                            .address = addresses[0],
                            .group_ids = texts(in, "Groups"),
                            .more_addresses = {addresses.begin() + 1, addresses.end()}};
  return Value::map({{"NetworkInterface", make_interface(records, wanted, tags_for(network_interface, in))}});
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("NetworkInterfaceId").as_string();
  const Value interface = records.get(network_interface, id);
  check_own(interface, "delete");
  if (interface.find("Association")) release_from_interface(records, id);
  records.erase(network_interface, id);
  return Value::map();
}

Value describe_interfaces(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"addresses.association.owner-id", "PrivateIpAddresses.Association.IpOwnerId"},
                                       {"addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"},
                                       {"addresses.primary", "PrivateIpAddresses.Primary"},
                                       {"addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"},
                                       {"association.allocation-id", "Association.AllocationId"},
                                       {"association.association-id", "Association.AssociationId"},
                                       {"association.ip-owner-id", "Association.IpOwnerId"},
                                       {"association.public-dns-name", "Association.PublicDnsName"},
                                       {"association.public-ip", "Association.PublicIp"},
                                       {"attachment.attachment-id", "Attachment.AttachmentId"},
                                       {"attachment.instance-id", "Attachment.InstanceId"},
                                       {"attachment.instance-owner-id", "Attachment.InstanceOwnerId"},
                                       {"attachment.status", "Attachment.Status"},
                                       {"availability-zone", "AvailabilityZone"},
                                       {"availability-zone-id", "AvailabilityZoneId"},
                                       {"description", "Description"},
                                       {"group-id", "Groups.GroupId"},
                                       {"group-name", "Groups.GroupName"},
                                       {"interface-type", "InterfaceType"},
                                       {"mac-address", "MacAddress"},
                                       {"network-interface-id", "NetworkInterfaceId"},
                                       {"owner-id", "OwnerId"},
                                       {"private-dns-name", "PrivateDnsName"},
                                       {"private-ip-address", "PrivateIpAddress"},
                                       {"requester-id", "RequesterId"},
                                       {"requester-managed", "RequesterManaged"},
                                       {"source-dest-check", "SourceDestCheck"},
                                       {"status", "Status"},
                                       {"subnet-id", "SubnetId"},
                                       {"vpc-id", "VpcId"}};
  return describe(records, in, {network_interface, "NetworkInterfaces", "NetworkInterfaceIds", filters});
}

Value describe_attribute(Records& records, const Value& in) {
  const Value interface = records.get(network_interface, in.at("NetworkInterfaceId").as_string());
  const std::string attribute = in.string_or("Attribute");
  Value out = Value::map({{"NetworkInterfaceId", interface.at("NetworkInterfaceId")}});
  if (attribute == "description")
    out.set("Description", Value::map({{"Value", interface.at("Description")}}));
  else if (attribute == "groupSet")
    out.set("Groups", interface.at("Groups"));
  else if (attribute == "sourceDestCheck")
    out.set("SourceDestCheck", Value::map({{"Value", interface.at("SourceDestCheck")}}));
  else if (attribute.empty())
    refuse("MissingParameter", "The request must contain the parameter attribute");
  return out;
}

Value modify_attribute(Records& records, const Value& in) {
  Value interface = records.get(network_interface, in.at("NetworkInterfaceId").as_string());
  check_own(interface, "modify");
  int given = 0;
  for (const char* name : {"Description", "SourceDestCheck"})
    if (const Value* value = in.find(name); value && value->find("Value")) {
      interface.set(name, value->at("Value"));
      given++;
    }
  if (const auto ids = texts(in, "Groups"); !ids.empty()) {
    interface.set("Groups", group_identifiers(records, ids, interface.at("VpcId").as_string()));
    given++;
  }
  if (given == 0) refuse("MissingParameter", "The request must contain the parameter attribute");
  if (given > 1) refuse("InvalidParameterCombination", "Fields for multiple attribute types specified");
  records.put(network_interface, interface);
  return Value::map();
}

}  // namespace

Value group_identifiers(Records& records, const std::vector<std::string>& ids, const std::string& vpc_id) {
  if (ids.size() > max_groups)
    refuse("SecurityGroupsPerInterfaceLimitExceeded",
           "The maximum number of security groups per interface has been reached.");
  Value out = Value::list();
  for (const std::string& id : ids) {
    const Value group = records.get(security_group, id);
    if (group.at("VpcId").as_string() != vpc_id)
      refuse("InvalidGroup.NotFound", "The security group '" + id + "' does not exist in VPC '" + vpc_id + "'");
    out.push_back(Value::map({{"GroupId", id}, {"GroupName", group.at("GroupName")}}));
  }
  return out;
}

bool group_is_used(Records& records, std::string_view group_id) {
  for (const Kind* kind : {&network_interface, &endpoint})
    for (const Value& record : records.all(*kind))
      if (const Value* groups = record.find("Groups"); groups && groups->is_list())
        for (const Value& group : groups->as_list())
          if (group.at("GroupId").as_string() == group_id) return true;
  return false;
}

Value make_interface(Records& records, const NewInterface& wanted, Value tags) {
  const Value subnet_record = records.get(subnet, wanted.subnet_id);
  const std::string vpc_id = subnet_record.at("VpcId").as_string();
  // Gateways have no groups; an interface that names none is in the VPC's default group.
  Value groups = Value::list();
  if (wanted.type != "nat_gateway")
    groups = group_identifiers(
        records, wanted.group_ids.empty() ? std::vector<std::string>{default_group(records, vpc_id)} : wanted.group_ids,
        vpc_id);
  const std::string address = free_address(records, subnet_record, wanted.address);
  const std::string name = private_name(records, address);
  Value interface = Value::map(
      {{"NetworkInterfaceId", records.new_id(network_interface)},
       {"SubnetId", wanted.subnet_id},
       {"VpcId", vpc_id},
       {"OwnerId", records.account()},
       {"AvailabilityZone", subnet_record.at("AvailabilityZone")},
       {"AvailabilityZoneId", subnet_record.at("AvailabilityZoneId")},
       {"Description", wanted.description},
       {"Groups", std::move(groups)},
       {"InterfaceType", wanted.type},
       {"Ipv6Addresses", Value::list()},
       {"MacAddress", new_mac(records.random())},
       {"PrivateDnsName", name},
       {"PrivateIpAddress", address},
       {"PrivateIpAddresses",
        Value::list({Value::map({{"Primary", true}, {"PrivateDnsName", name}, {"PrivateIpAddress", address}})})},
       {"RequesterManaged", wanted.of_service},
       {"SourceDestCheck", !wanted.of_service},
       {"Status", wanted.of_service ? "in-use" : "available"},
       {"TagSet", std::move(tags)}});
  if (wanted.of_service) interface.set("RequesterId", records.account());
  records.put(network_interface, interface);
  for (const std::string& another : wanted.more_addresses) add_address(records, interface, another);
  return interface;
}

std::span<const Action> interface_actions() {
  static constexpr Action actions[] = {
      {"CreateNetworkInterface", create,
       "SubnetId Description PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount Groups InterfaceType "
       "TagSpecifications"},
      {"AssignPrivateIpAddresses", assign, "NetworkInterfaceId PrivateIpAddresses SecondaryPrivateIpAddressCount"},
      {"UnassignPrivateIpAddresses", unassign, "NetworkInterfaceId PrivateIpAddresses"},
      {"DeleteNetworkInterface", remove, "NetworkInterfaceId"},
      {"DescribeNetworkInterfaces", describe_interfaces,
       "NetworkInterfaceIds Filters IncludeManagedResources MaxResults NextToken", false},
      {"DescribeNetworkInterfaceAttribute", describe_attribute, "NetworkInterfaceId Attribute", false},
      {"ModifyNetworkInterfaceAttribute", modify_attribute, "NetworkInterfaceId Description SourceDestCheck Groups"},
  };
  return actions;
}

}  // namespace tarn::network
