#include "network/subnets.hpp"

#include <algorithm>
#include <set>

#include "network/network_acls.hpp"
#include "network/route_tables.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

constexpr uint64_t reserved_first = 4, reserved_last = 1;  // addresses that AWS keeps in every subnet

Zone zone_in(Records& records, const Value& in) {
  const std::string name = in.string_or("AvailabilityZone"), id = in.string_or("AvailabilityZoneId");
  if (!name.empty() && !id.empty())
    refuse("InvalidParameterCombination", "Only one of availabilityZone and availabilityZoneId can be given");
  const auto zones = zones_of(records.region());
  if (name.empty() && id.empty()) return zones[records.random().next() % zones.size()];
  if (auto zone = find_zone(records.region(), name.empty() ? id : name)) return *zone;
  std::string known;
  for (const Zone& zone : zones) known += (known.empty() ? "" : ", ") + (name.empty() ? zone.id : zone.name);
  refuse("InvalidParameterValue",
         "Value (" + (name.empty() ? id : name) + ") for parameter availabilityZone" + (name.empty() ? "Id" : "") +
             " is invalid. Subnets can currently only be created in the following availability zones: " + known + ".");
}

void check_free_block(Records& records, const std::string& vpc_id, const AddressBlock& block, const std::string& text) {
  for (const Value& other : records.where(subnet, "VpcId", vpc_id))
    for (const AddressBlock& used : subnet_blocks(other))
      if (used.overlaps(block))
        refuse("InvalidSubnet.Conflict", "The CIDR '" + text + "' conflicts with another subnet");
}

// The block that `text` names, within the VPC and apart from its other subnets.
AddressBlock subnet_block(Records& records, const Value& vpc_record, const std::string& text, int bits) {
  const AddressBlock block = block_in(text, bits == ipv4_bits ? "cidrBlock" : "ipv6CidrBlock", bits);
  const auto in_vpc = blocks_of(vpc_record);
  const bool inside =
      std::any_of(in_vpc.begin(), in_vpc.end(), [&](const AddressBlock& b) { return b.contains(block); });
  const bool size_ok = bits == ipv4_bits
                           ? block.prefix_length >= 16 && block.prefix_length <= 28
                           : block.prefix_length >= 44 && block.prefix_length <= 64 && block.prefix_length % 4 == 0;
  if (!inside || !size_ok) refuse("InvalidSubnet.Range", "The CIDR '" + text + "' is invalid.");
  check_free_block(records, vpc_record.at("VpcId").as_string(), block, text);
  return block;
}

Value ipv6_association(Records& records, const AddressBlock& block) {
  return Value::map({{"AssociationId", records.new_id("subnet-cidr-assoc-")},
                     {"Ipv6CidrBlock", block.text()},
                     {"Ipv6CidrBlockState", Value::map({{"State", "associated"}})},
                     {"Ipv6AddressAttribute", "public"},
                     {"IpSource", "amazon"}});
}

Value make_subnet(Records& records, const Value& vpc_record, const Zone& zone, const std::string& cidr, Value tags) {
  const std::string id = records.new_id(subnet);
  const std::string vpc_id = vpc_record.at("VpcId").as_string();
  Value record =
      Value::map({{"SubnetId", id},
                  {"SubnetArn", records.arn(subnet, id)},
                  {"VpcId", vpc_id},
                  {"OwnerId", records.account()},
                  {"State", "available"},
                  {"AvailabilityZone", zone.name},
                  {"AvailabilityZoneId", zone.id},
                  {"DefaultForAz", false},
                  {"MapPublicIpOnLaunch", false},
                  {"MapCustomerOwnedIpOnLaunch", false},
                  {"AssignIpv6AddressOnCreation", false},
                  {"Ipv6CidrBlockAssociationSet", Value::list()},
                  {"EnableDns64", false},
                  {"Ipv6Native", cidr.empty()},
                  {"PrivateDnsNameOptionsOnLaunch", Value::map({{"HostnameType", "ip-name"},
                                                                {"EnableResourceNameDnsARecord", false},
                                                                {"EnableResourceNameDnsAAAARecord", false}})},
                  {"BlockPublicAccessStates", Value::map({{"InternetGatewayBlockMode", "off"}})},
                  {"Tags", std::move(tags)}});
  if (!cidr.empty()) record.set("CidrBlock", cidr);
  associate_with_default_acl(records, vpc_id, id);
  return record;
}

std::set<std::string> used_addresses(Records& records, const std::string& subnet_id) {
  std::set<std::string> out;
  for (const Value& interface : records.where(network_interface, "SubnetId", subnet_id))
    for (const Value& address : interface.at("PrivateIpAddresses").as_list())
      out.insert(address.at("PrivateIpAddress").as_string());
  return out;
}

Value shown(Records& records, Value record) {
  if (const Value* cidr = record.find("CidrBlock")) {
    const auto used = used_addresses(records, record.at("SubnetId").as_string()).size();
    record.set("AvailableIpAddressCount",
               parse_block(cidr->as_string())->size() - reserved_first - reserved_last - used);
  } else {
    record.set("AvailableIpAddressCount", 0);
  }
  return record;
}

Value create_subnet(Records& records, const Value& in) {
  const Value vpc_record = records.get(vpc, in.at("VpcId").as_string());
  const std::string text = in.string_or("CidrBlock"), ipv6_text = in.string_or("Ipv6CidrBlock");
  const bool native = in.bool_or("Ipv6Native");
  if (text.empty() && !native) refuse("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
  if (native && (!text.empty() || ipv6_text.empty()))
    refuse("InvalidParameterCombination", "An IPv6 native subnet has an IPv6 CIDR block and no IPv4 CIDR block.");
  const Zone zone = zone_in(records, in);
  const std::string cidr = native ? "" : subnet_block(records, vpc_record, text, ipv4_bits).text();
  Value tags = tags_for(subnet, in);
  std::optional<AddressBlock> ipv6;
  if (!ipv6_text.empty()) ipv6 = subnet_block(records, vpc_record, ipv6_text, ipv6_bits);
  Value record = make_subnet(records, vpc_record, zone, cidr, std::move(tags));
  if (ipv6) record["Ipv6CidrBlockAssociationSet"].push_back(ipv6_association(records, *ipv6));
  if (native) record.set("AssignIpv6AddressOnCreation", true);
  records.put(subnet, record);
  return Value::map({{"Subnet", shown(records, record)}});
}

Value create_default_subnet(Records& records, const Value& in) {
  const auto vpc_record = default_vpc(records);
  if (!vpc_record) refuse("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.");
  if (in.string_or("AvailabilityZone").empty() && in.string_or("AvailabilityZoneId").empty())
    refuse("MissingParameter", "The request must contain the parameter availabilityZone");
  const Zone zone = zone_in(records, in);
  for (const Value& other : records.where(subnet, "VpcId", vpc_record->at("VpcId").as_string()))
    if (other.bool_or("DefaultForAz") && other.at("AvailabilityZone").as_string() == zone.name)
      refuse("DefaultSubnetAlreadyExistsInAvailabilityZone",
             "'" + other.at("SubnetId").as_string() + "' is already the default subnet in " + zone.name + ".");
  return Value::map({{"Subnet", shown(records, make_default_subnet(records, *vpc_record, zone))}});
}

Value delete_subnet(Records& records, const Value& in) {
  const std::string id = in.at("SubnetId").as_string();
  records.get(subnet, id);
  if (records.any(network_interface, "SubnetId", id) || records.is_stood_in(id)) refuse_deletion(subnet, id);
  forget_subnet_routes(records, id);
  forget_subnet_acl(records, id);
  records.erase(subnet, id);
  return Value::map();
}

Value modify_attribute(Records& records, const Value& in) {
  Value record = records.get(subnet, in.at("SubnetId").as_string());
  int given = 0;
  auto take = [&](const char* member, const auto& set) {
    const Value* value = in.find(member);
    if (!value) return;
    given++;
    set(value->is_map() ? value->at("Value") : *value);
  };
  for (const char* name : {"MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64"})
    take(name, [&](const Value& value) { record.set(name, value); });
  Value& names = record["PrivateDnsNameOptionsOnLaunch"];
  take("PrivateDnsHostnameTypeOnLaunch", [&](const Value& value) { names.set("HostnameType", value); });
  take("EnableResourceNameDnsARecordOnLaunch",
       [&](const Value& value) { names.set("EnableResourceNameDnsARecord", value); });
  take("EnableResourceNameDnsAAAARecordOnLaunch",
       [&](const Value& value) { names.set("EnableResourceNameDnsAAAARecord", value); });
  if (given == 0) refuse("MissingParameter", "The request must contain the parameter attribute");
  if (given > 1) refuse("InvalidParameterCombination", "Fields for multiple attribute types specified");
  if (record.bool_or("AssignIpv6AddressOnCreation") && record.at("Ipv6CidrBlockAssociationSet").as_list().empty())
    refuse("InvalidParameterValue", "The subnet '" + record.at("SubnetId").as_string() + "' has no IPv6 CIDR block.");
  records.put(subnet, record);
  return Value::map();
}

Value associate_block(Records& records, const Value& in) {
  Value record = records.get(subnet, in.at("SubnetId").as_string());
  const std::string text = in.string_or("Ipv6CidrBlock");
  if (text.empty()) refuse("MissingParameter", "The request must contain the parameter ipv6CidrBlock");
  const Value vpc_record = records.get(vpc, record.at("VpcId").as_string());
  Value association = ipv6_association(records, subnet_block(records, vpc_record, text, ipv6_bits));
  record["Ipv6CidrBlockAssociationSet"].push_back(association);
  records.put(subnet, record);
  return Value::map(
      {{"SubnetId", record.at("SubnetId")},
       {"Ipv6CidrBlockAssociation", association.set("Ipv6CidrBlockState", Value::map({{"State", "associating"}}))}});
}

Value disassociate_block(Records& records, const Value& in) {
  const std::string id = in.at("AssociationId").as_string();
  for (Value& record : records.all(subnet)) {
    auto& list = record["Ipv6CidrBlockAssociationSet"].as_list();
    auto it =
        std::find_if(list.begin(), list.end(), [&](const Value& a) { return a.at("AssociationId").as_string() == id; });
    if (it == list.end()) continue;
    Value gone = *it;
    list.erase(it);
    records.put(subnet, record);
    return Value::map(
        {{"SubnetId", record.at("SubnetId")},
         {"Ipv6CidrBlockAssociation", gone.set("Ipv6CidrBlockState", Value::map({{"State", "disassociating"}}))}});
  }
  refuse("InvalidSubnetCidrBlockAssociationID.NotFound",
         "The subnet CIDR block association ID '" + id + "' does not exist");
}

Value describe_subnets(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"availability-zone", "AvailabilityZone"},
      {"availabilityZone", "AvailabilityZone"},
      {"availability-zone-id", "AvailabilityZoneId"},
      {"availabilityZoneId", "AvailabilityZoneId"},
      {"available-ip-address-count", "AvailableIpAddressCount"},
      {"cidr", "CidrBlock"},
      {"cidr-block", "CidrBlock"},
      {"cidrBlock", "CidrBlock"},
      {"default-for-az", "DefaultForAz"},
      {"defaultForAz", "DefaultForAz"},
      {"enable-dns64", "EnableDns64"},
      {"ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"},
      {"ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
      {"ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
      {"ipv6-native", "Ipv6Native"},
      {"map-customer-owned-ip-on-launch", "MapCustomerOwnedIpOnLaunch"},
      {"map-public-ip-on-launch", "MapPublicIpOnLaunch"},
      {"outpost-arn", "OutpostArn"},
      {"owner-id", "OwnerId"},
      {"private-dns-name-options-on-launch.hostname-type", "PrivateDnsNameOptionsOnLaunch.HostnameType"},
      {"state", "State"},
      {"subnet-arn", "SubnetArn"},
      {"subnet-id", "SubnetId"},
      {"vpc-id", "VpcId"}};
  return describe(records, in, {subnet, "Subnets", "SubnetIds", filters, shown});
}

}  // namespace

std::vector<AddressBlock> subnet_blocks(const Value& subnet_record) {
  std::vector<AddressBlock> out;
  if (const Value* cidr = subnet_record.find("CidrBlock")) out.push_back(*parse_block(cidr->as_string()));
  for (const Value& association : subnet_record.at("Ipv6CidrBlockAssociationSet").as_list())
    out.push_back(*parse_block(association.at("Ipv6CidrBlock").as_string(), ipv6_bits));
  return out;
}

Value make_default_subnet(Records& records, const Value& vpc_record, const Zone& zone) {
  AddressBlock block = *parse_block(vpc_record.at("CidrBlock").as_string());
  block.prefix_length = 20;
  const auto others = records.where(subnet, "VpcId", vpc_record.at("VpcId").as_string());
  for (uint64_t i = 0; i < 16; i++) {
    const AddressBlock next = *parse_block(address_in(block, i * block.size()) + "/20");
    const bool taken = std::any_of(others.begin(), others.end(), [&](const Value& other) {
      const auto blocks = subnet_blocks(other);
      return std::any_of(blocks.begin(), blocks.end(), [&](const AddressBlock& b) { return b.overlaps(next); });
    });
    if (taken) continue;
    Value record = make_subnet(records, vpc_record, zone, next.text(), Value::list());
    record.set("DefaultForAz", true).set("MapPublicIpOnLaunch", true);
    records.put(subnet, record);
    return record;
  }
  refuse("InsufficientFreeAddressesInSubnet", "The default VPC has no room for another default subnet.");
}

std::string free_address(Records& records, const Value& subnet_record, const std::string& wanted) {
  const std::string id = subnet_record.at("SubnetId").as_string();
  const Value* cidr = subnet_record.find("CidrBlock");
  if (!cidr) refuse("InvalidParameterValue", "The subnet '" + id + "' has no IPv4 addresses.");
  const AddressBlock block = *parse_block(cidr->as_string());
  const auto used = used_addresses(records, id);
  if (!wanted.empty()) {
    const auto address = parse_address(wanted);
    if (!address || !block.contains(*address))
      refuse("InvalidParameterValue", "Address " + wanted + " does not fall within the subnet's address range");
    for (const uint64_t i : {uint64_t(0), uint64_t(1), uint64_t(2), uint64_t(3), block.size() - 1})
      if (address_in(block, i) == wanted)
        refuse("InvalidParameterValue", "Address " + wanted + " is in subnet's reserved address range");
    if (used.contains(wanted)) refuse("InvalidIPAddress.InUse", "Address " + wanted + " is in use.");
    return wanted;
  }
  for (uint64_t i = reserved_first; i < block.size() - reserved_last; i++)
    if (std::string address = address_in(block, i); !used.contains(address)) return address;
  refuse("InsufficientFreeAddressesInSubnet",
         "There are not enough free addresses in subnet '" + id + "' to satisfy the requested number of addresses.");
}

std::span<const Action> subnet_actions() {
  static constexpr Action actions[] = {
      {"CreateSubnet", create_subnet,
       "VpcId CidrBlock Ipv6CidrBlock Ipv6Native AvailabilityZone AvailabilityZoneId TagSpecifications"},
      {"CreateDefaultSubnet", create_default_subnet, "AvailabilityZone AvailabilityZoneId"},
      {"DeleteSubnet", delete_subnet, "SubnetId"},
      {"DescribeSubnets", describe_subnets, "SubnetIds Filters MaxResults NextToken", false},
      {"ModifySubnetAttribute", modify_attribute,
       "SubnetId MapPublicIpOnLaunch AssignIpv6AddressOnCreation EnableDns64 PrivateDnsHostnameTypeOnLaunch "
       "EnableResourceNameDnsARecordOnLaunch EnableResourceNameDnsAAAARecordOnLaunch"},
      {"AssociateSubnetCidrBlock", associate_block, "SubnetId Ipv6CidrBlock"},
      {"DisassociateSubnetCidrBlock", disassociate_block, "AssociationId"},
  };
  return actions;
}

}  // namespace tarn::network
