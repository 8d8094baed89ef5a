#include "network/vpcs.hpp"

#include <algorithm>

#include "network/dhcp_options.hpp"
#include "network/gateways.hpp"
#include "network/network_acls.hpp"
#include "network/places.hpp"
#include "network/route_tables.hpp"
#include "network/security_groups.hpp"
#include "network/subnets.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

constexpr const char* default_block = "172.31.0.0/16";
constexpr std::size_t max_blocks = 5;

Value associated() {
  return Value::map({{"State", "associated"}});
}

AddressBlock vpc_block(const std::string& text) {
  const AddressBlock block = block_in(text, "cidrBlock");
  if (block.prefix_length < 16 || block.prefix_length > 28)
    refuse("InvalidVpc.Range", "The CIDR '" + text + "' is invalid.");
  return block;
}

Value ipv4_association(Records& records, const AddressBlock& block) {
  return Value::map({{"AssociationId", records.new_id("vpc-cidr-assoc-")},
                     {"CidrBlock", block.text()},
                     {"CidrBlockState", associated()}});
}

// A /56 of the range that is for documentation (RFC 3849): nobody else's, as an address that tarn gives must be.
Value ipv6_association(Records& records) {
  AddressBlock block = *parse_block("2001:db8::/56", ipv6_bits);
  const std::string random = records.random().bytes(3);
  for (std::size_t i = 0; i < 3; i++) block.address[4 + i] = static_cast<uint8_t>(random[i]);
  return Value::map({{"AssociationId", records.new_id("vpc-cidr-assoc-")},
                     {"Ipv6CidrBlock", block.text()},
                     {"Ipv6CidrBlockState", associated()},
                     {"NetworkBorderGroup", records.region()},
                     {"Ipv6Pool", "Amazon"},
                     {"IpSource", "amazon"},
                     {"Ipv6AddressAttribute", "public"}});
}

Value make_vpc(Records& records, const AddressBlock& block, bool is_default, bool ipv6, const std::string& tenancy,
               Value tags) {
  const std::string id = records.new_id(vpc);
  Value record = Value::map({{"VpcId", id},
                             {"OwnerId", records.account()},
                             {"State", "available"},
                             {"CidrBlock", block.text()},
                             {"CidrBlockAssociationSet", Value::list({ipv4_association(records, block)})},
                             {"Ipv6CidrBlockAssociationSet", Value::list()},
                             {"DhcpOptionsId", default_dhcp_options(records)},
                             {"InstanceTenancy", tenancy},
                             {"IsDefault", is_default},
                             {"BlockPublicAccessStates", Value::map({{"InternetGatewayBlockMode", "off"}})},
                             {"Tags", std::move(tags)},
                             {"Kept", Value::map({{"EnableDnsSupport", true},
                                                  {"EnableDnsHostnames", is_default},
                                                  {"EnableNetworkAddressUsageMetrics", false}})}});
  if (ipv6) record["Ipv6CidrBlockAssociationSet"].push_back(ipv6_association(records));
  records.put(vpc, record);
  make_main_route_table(records, record);
  make_default_acl(records, record);
  make_default_security_group(records, record);
  return record;
}

Value create_vpc(Records& records, const Value& in) {
  const std::string text = in.string_or("CidrBlock");
  if (text.empty()) refuse("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
  const std::string group = in.string_or("Ipv6CidrBlockNetworkBorderGroup", records.region());
  if (group != records.region())
    refuse("InvalidParameterValue", "Value (" + group + ") for parameter NetworkBorderGroup is invalid.");
  if (in.string_or("InstanceTenancy") == "host")
    refuse("InvalidParameterValue", "Value (host) for parameter instanceTenancy is invalid.");
  return Value::map(
      {{"Vpc", without_kept(make_vpc(records, vpc_block(text), false, in.bool_or("AmazonProvidedIpv6CidrBlock"),
                                     in.string_or("InstanceTenancy", "default"), tags_for(vpc, in)))}});
}

// The VPC's own gateway, its route and a subnet in each zone.
Value make_default_vpc(Records& records) {
  Value record = make_vpc(records, *parse_block(default_block), true, false, "default", Value::list());
  const std::string id = record.at("VpcId").as_string();
  add_route(records, main_route_table(records, id), "0.0.0.0/0", "GatewayId", make_attached_gateway(records, id));
  for (const Zone& zone : zones_of(records.region())) make_default_subnet(records, record, zone);
  return record;
}

Value create_default_vpc(Records& records, const Value&) {
  if (auto there = default_vpc(records))
    refuse("DefaultVpcAlreadyExists",
           "A Default VPC already exists for this account in this region: " + there->at("VpcId").as_string());
  return Value::map({{"Vpc", without_kept(make_default_vpc(records))}});
}

void check_empty(Records& records, const std::string& id) {
  bool used = false;
  for (const Kind* kind : {&subnet, &endpoint, &network_interface}) used = used || records.any(*kind, "VpcId", id);
  for (const Kind* kind : {&internet_gateway, &egress_gateway})
    for (const Value& gateway : records.all(*kind))
      for (const Value& attachment : gateway.at("Attachments").as_list())
        used = used || attachment.at("VpcId").as_string() == id;
  for (const Value& table : records.where(route_table, "VpcId", id)) used = used || !is_main(table);
  for (const Value& acl : records.where(network_acl, "VpcId", id)) used = used || !acl.bool_or("IsDefault");
  for (const Value& group : records.where(security_group, "VpcId", id))
    used = used || group.at("GroupName").as_string() != "default";
  if (used) refuse_deletion(vpc, id);
}

Value delete_vpc(Records& records, const Value& in) {
  const std::string id = in.at("VpcId").as_string();
  records.get(vpc, id);
  check_empty(records, id);
  for (const Kind* kind : {&route_table, &network_acl})
    for (const Value& record : records.where(*kind, "VpcId", id))
      records.erase(*kind, record.at(kind->id_member).as_string());
  for (const Value& group : records.where(security_group, "VpcId", id))
    erase_security_group(records, group.at("GroupId").as_string());
  records.erase(vpc, id);
  return Value::map();
}

Value describe_attribute(Records& records, const Value& in) {
  const Value record = records.get(vpc, in.at("VpcId").as_string());
  std::string name = in.at("Attribute").as_string();
  name[0] = static_cast<char>(name[0] - 32);
  return Value::map({{"VpcId", record.at("VpcId")}, {name, Value::map({{"Value", record.at("Kept").at(name)}})}});
}

Value modify_attribute(Records& records, const Value& in) {
  Value record = records.get(vpc, in.at("VpcId").as_string());
  int given = 0;
  for (const char* name : {"EnableDnsHostnames", "EnableDnsSupport", "EnableNetworkAddressUsageMetrics"})
    if (const Value* value = in.find(name); value && value->find("Value")) {
      record["Kept"].set(name, value->at("Value"));
      given++;
    }
  if (given == 0) refuse("MissingParameter", "The request must contain the parameter attribute");
  if (given > 1) refuse("InvalidParameterCombination", "Fields for multiple attribute types specified");
  records.put(vpc, record);
  return Value::map();
}

Value modify_tenancy(Records& records, const Value& in) {
  Value record = records.get(vpc, in.at("VpcId").as_string());
  if (in.at("InstanceTenancy").as_string() != "default")
    refuse("InvalidParameterValue",
           "Value (" + in.at("InstanceTenancy").as_string() +
               ") for parameter instanceTenancy is invalid. It can only be changed to default.");
  records.put(vpc, record.set("InstanceTenancy", "default"));
  return Value::map({{"ReturnValue", true}});
}

// Private ranges do not mix in one VPC ("CIDR block association restrictions").
void check_same_range(const Value& record, const AddressBlock& block, const std::string& text) {
  static const AddressBlock private_ranges[] = {*parse_block("10.0.0.0/8"), *parse_block("172.16.0.0/12"),
                                                *parse_block("192.168.0.0/16"), *parse_block("198.19.0.0/16")};
  const AddressBlock primary = *parse_block(record.at("CidrBlock").as_string());
  auto range_of = [&](const AddressBlock& b) {
    return std::find_if(std::begin(private_ranges), std::end(private_ranges),
                        [&](const AddressBlock& range) { return range.contains(b); });
  };
  const auto of_primary = range_of(primary), of_new = range_of(block);
  if (of_primary != std::end(private_ranges) && of_new != std::end(private_ranges) && of_primary != of_new)
    refuse("InvalidVpc.Range", "The CIDR '" + text +
                                   "' is restricted. Use a CIDR from the same private address range as the current VPC "
                                   "CIDR, or use a publicly-routable CIDR.");
}

Value associate_ipv4(Records& records, Value record, const std::string& text) {
  const AddressBlock block = vpc_block(text);
  for (const AddressBlock& other : blocks_of(record))
    if (other.overlaps(block))
      refuse("InvalidVpc.Range", "The CIDR '" + text + "' conflicts with another block of the VPC.");
  check_same_range(record, block, text);
  if (record.at("CidrBlockAssociationSet").as_list().size() >= max_blocks)
    refuse("CidrBlockLimitExceeded",
           "This network '" + record.at("VpcId").as_string() +
               "' has met its maximum number of allowed CIDRs: " + std::to_string(max_blocks));
  Value association = ipv4_association(records, block);
  record["CidrBlockAssociationSet"].push_back(association);
  records.put(vpc, record);
  Value shown = association;
  return Value::map({{"VpcId", record.at("VpcId")},
                     {"CidrBlockAssociation", shown.set("CidrBlockState", Value::map({{"State", "associating"}}))}});
}

Value associate_block(Records& records, const Value& in) {
  Value record = records.get(vpc, in.at("VpcId").as_string());
  const bool ipv6 = in.bool_or("AmazonProvidedIpv6CidrBlock");
  if (const std::string text = in.string_or("CidrBlock"); !text.empty()) {
    if (ipv6)
      refuse("InvalidParameterCombination", "Only one of cidrBlock and amazonProvidedIpv6CidrBlock can be given");
    return associate_ipv4(records, std::move(record), text);
  }
  if (!ipv6) refuse("MissingParameter", "The request must contain the parameter cidrBlock");
  if (vpc_has_ipv6(record))
    refuse("CidrBlockLimitExceeded",
           "This network '" + record.at("VpcId").as_string() + "' has met its maximum number of allowed Ipv6 CIDRs: 1");
  Value association = ipv6_association(records);
  record["Ipv6CidrBlockAssociationSet"].push_back(association);
  records.put(vpc, record);
  return Value::map(
      {{"VpcId", record.at("VpcId")},
       {"Ipv6CidrBlockAssociation", association.set("Ipv6CidrBlockState", Value::map({{"State", "associating"}}))}});
}

// No subnet may lie in a block that goes.
void check_unused(Records& records, const Value& record, const AddressBlock& block, const std::string& association) {
  for (const Value& other : records.where(subnet, "VpcId", record.at("VpcId").as_string()))
    for (const AddressBlock& used : subnet_blocks(other))
      if (block.contains(used))
        refuse("DependencyViolation", "The vpc CIDR block with association ID " + association +
                                          " has dependencies and cannot be disassociated.");
}

Value disassociate_block(Records& records, const Value& in) {
  const std::string id = in.at("AssociationId").as_string();
  for (Value& record : records.all(vpc))
    for (const auto& [set, member, state, bits] :
         {std::tuple{"CidrBlockAssociationSet", "CidrBlock", "CidrBlockState", ipv4_bits},
          std::tuple{"Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState", ipv6_bits}}) {
      auto& list = record[set].as_list();
      auto it = std::find_if(list.begin(), list.end(),
                             [&](const Value& a) { return a.at("AssociationId").as_string() == id; });
      if (it == list.end()) continue;
      if (bits == ipv4_bits && it->at(member) == record.at("CidrBlock"))
        refuse("OperationNotPermitted", "The vpc CIDR block with association ID " + id +
                                            " may not be disassociated. It is the primary IPv4 CIDR block of the VPC");
      check_unused(records, record, *parse_block(it->at(member).as_string(), bits), id);
      Value gone = *it;
      gone.set(state, Value::map({{"State", "disassociating"}}));
      list.erase(it);
      records.put(vpc, record);
      return Value::map({{"VpcId", record.at("VpcId")},
                         {bits == ipv4_bits ? "CidrBlockAssociation" : "Ipv6CidrBlockAssociation", std::move(gone)}});
    }
  refuse("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '" + id + "' does not exist");
}

Value describe_vpcs(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"cidr", "CidrBlock"},
      {"cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"},
      {"cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"},
      {"cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"},
      {"cidrBlock", "CidrBlock"},
      {"dhcp-options-id", "DhcpOptionsId"},
      {"dhcpOptionsId", "DhcpOptionsId"},
      {"ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"},
      {"ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
      {"ipv6-cidr-block-association.ipv6-pool", "Ipv6CidrBlockAssociationSet.Ipv6Pool"},
      {"ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
      {"is-default", "IsDefault"},
      {"isDefault", "IsDefault"},
      {"owner-id", "OwnerId"},
      {"state", "State"},
      {"vpc-id", "VpcId"}};
  return describe(records, in, {vpc, "Vpcs", "VpcIds", filters});
}

}  // namespace

AddressBlock block_in(std::string_view text, std::string_view parameter, int bits) {
  if (auto block = parse_block(text, bits)) return *block;
  refuse("InvalidParameterValue", "Value (" + std::string(text) + ") for parameter " + std::string(parameter) +
                                      " is invalid. This is not a valid " + (bits == ipv6_bits ? "IPv6 " : "") +
                                      "CIDR block.");
}

std::vector<AddressBlock> blocks_of(const Value& vpc_record) {
  std::vector<AddressBlock> out;
  for (const Value& association : vpc_record.at("CidrBlockAssociationSet").as_list())
    out.push_back(*parse_block(association.at("CidrBlock").as_string()));
  for (const Value& association : vpc_record.at("Ipv6CidrBlockAssociationSet").as_list())
    out.push_back(*parse_block(association.at("Ipv6CidrBlock").as_string(), ipv6_bits));
  return out;
}

std::optional<Value> default_vpc(Records& records) {
  for (Value& record : records.all(vpc))
    if (record.bool_or("IsDefault")) return std::move(record);
  return std::nullopt;
}

bool vpc_has_ipv6(const Value& vpc_record) {
  return !vpc_record.at("Ipv6CidrBlockAssociationSet").as_list().empty();
}

bool had_default_network(meta::Reader& reader, const api::Context& context) {
  return reader.get("network.made", meta::key({context.account(), context.region})).has_value();
}

void make_default_network(meta::Transaction& transaction, Records& records, const api::Context& context) {
  if (had_default_network(transaction, context)) return;
  transaction.put("network.made", meta::key({context.account(), context.region}), Value::map({{"At", records.now()}}));
  make_default_vpc(records);
}

std::span<const Action> vpc_actions() {
  static constexpr Action actions[] = {
      {"CreateVpc", create_vpc,
       "CidrBlock AmazonProvidedIpv6CidrBlock Ipv6CidrBlockNetworkBorderGroup InstanceTenancy TagSpecifications"},
      {"CreateDefaultVpc", create_default_vpc, ""},
      {"DeleteVpc", delete_vpc, "VpcId"},
      {"DescribeVpcs", describe_vpcs, "VpcIds Filters MaxResults NextToken", false},
      {"DescribeVpcAttribute", describe_attribute, "VpcId Attribute", false},
      {"ModifyVpcAttribute", modify_attribute,
       "VpcId EnableDnsHostnames EnableDnsSupport EnableNetworkAddressUsageMetrics"},
      {"ModifyVpcTenancy", modify_tenancy, "VpcId InstanceTenancy"},
      {"AssociateVpcCidrBlock", associate_block, "VpcId CidrBlock AmazonProvidedIpv6CidrBlock"},
      {"DisassociateVpcCidrBlock", disassociate_block, "AssociationId"},
  };
  return actions;
}

}  // namespace tarn::network
