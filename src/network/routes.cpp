#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/prefix_lists.hpp"
#include "network/route_tables.hpp"
#include "network/subnets.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

// Where a route goes to: the member that says so, and its text in canonical form.
struct Destination {
  std::string_view member;
  std::string text;
};

Destination destination_in(const Value& in) {
  static constexpr std::string_view members[] = {"DestinationCidrBlock", "DestinationIpv6CidrBlock",
                                                 "DestinationPrefixListId"};
  Destination out;
  for (const std::string_view member : members) {
    const std::string text = in.string_or(member);
    if (text.empty()) continue;
    if (!out.text.empty()) refuse("InvalidParameterCombination", "Only one destination can be given for a route");
    out = {member, text};
  }
  if (out.text.empty()) refuse("MissingParameter", "The request must contain the parameter destinationCidrBlock");
  if (out.member == members[0]) out.text = block_in(out.text, "destinationCidrBlock").text();
  if (out.member == members[1]) out.text = block_in(out.text, "destinationIpv6CidrBlock", ipv6_bits).text();
  return out;
}

void refuse_networks(const Value& table, const std::string& what, const std::string& id) {
  refuse("InvalidParameterValue", "route table " + table.at("RouteTableId").as_string() + " and " + what + " " + id +
                                      " belong to different networks");
}

void check_gateway(Records& records, const Value& table, const Kind& kind, const std::string& id) {
  const auto gateway = records.find(kind, id);
  if (!gateway) refuse("InvalidGatewayID.NotFound", "The gateway ID '" + id + "' does not exist");
  const auto& list = gateway->at("Attachments").as_list();
  if (std::none_of(list.begin(), list.end(), [&](const Value& a) { return a.at("VpcId") == table.at("VpcId"); }))
    refuse_networks(table, "network gateway", id);
}

// The member that names the target, which must be there and in the table's network.
std::string_view target_in(Records& records, const Value& table, const Value& in, const Destination& to) {
  static constexpr std::string_view members[] = {"GatewayId", "NatGatewayId", "NetworkInterfaceId",
                                                 "EgressOnlyInternetGatewayId", "InstanceId"};
  std::string_view target;
  for (const std::string_view member : members) {
    if (in.string_or(member).empty()) continue;
    if (!target.empty()) refuse("InvalidParameterCombination", "Only one target can be given for a route");
    target = member;
  }
  if (target.empty()) refuse("MissingParameter", "The request must contain the parameter gatewayId");
  const std::string id = in.string_or(target);
  if (target == "GatewayId") {
    if (id.starts_with("vpce-"))
      refuse("InvalidParameterValue", "Routes to the gateway endpoint " + id + " are made by the endpoint itself");
    check_gateway(records, table, internet_gateway, id);
  } else if (target == "EgressOnlyInternetGatewayId") {
    if (to.member != "DestinationIpv6CidrBlock")
      refuse("InvalidParameterValue", "An egress-only internet gateway is a target of IPv6 routes only");
    check_gateway(records, table, egress_gateway, id);
  } else if (target == "NatGatewayId") {
    const auto nat = records.find(nat_gateway, id);
    if (!nat || nat->at("State").as_string() != "available")
      refuse("InvalidNatGatewayID.NotFound", "The natGateway ID '" + id + "' does not exist");
    if (nat->at("VpcId") != table.at("VpcId")) refuse_networks(table, "NAT gateway", id);
  } else if (target == "NetworkInterfaceId") {
    if (records.get(network_interface, id).at("VpcId") != table.at("VpcId")) refuse_networks(table, "interface", id);
  } else {
    refuse("InvalidInstanceID.NotFound", "The instance ID '" + id + "' does not exist");
  }
  return target;
}

// A route inside the VPC must be for one whole subnet.
void check_inside(Records& records, const Value& table, const Destination& to) {
  if (to.member == "DestinationPrefixListId") {
    check_prefix_list(records, to.text);
    return;
  }
  const int bits = to.member == "DestinationCidrBlock" ? ipv4_bits : ipv6_bits;
  const AddressBlock block = *parse_block(to.text, bits);
  const std::string vpc_id = table.at("VpcId").as_string();
  for (const AddressBlock& whole : blocks_of(records.get(vpc, vpc_id))) {
    if (whole == block) refuse("RouteAlreadyExists", "The route identified by " + to.text + " already exists.");
    if (!whole.contains(block)) continue;
    for (const Value& s : records.where(subnet, "VpcId", vpc_id))
      for (const AddressBlock& own : subnet_blocks(s))
        if (own == block) return;
    refuse("InvalidParameterValue", "Route destination doesn't match any subnet CIDR blocks.");
  }
}

Value* find_route(Value& table, const Destination& to) {
  for (Value& route : table["Routes"].as_list())
    if (route.string_or(to.member) == to.text) return &route;
  return nullptr;
}

[[noreturn]] void no_route(const Value& table, const Destination& to) {
  const char* name = to.member == "DestinationCidrBlock"       ? "destination-cidr-block "
                     : to.member == "DestinationIpv6CidrBlock" ? "destination-ipv6-cidr-block "
                                                               : "destination-prefix-list-id ";
  refuse("InvalidRoute.NotFound",
         "no route with " + (name + to.text) + " in route table " + table.at("RouteTableId").as_string());
}

Value make_route(const Destination& to, std::string_view target, const std::string& id) {
  return Value::map({{std::string(to.member), to.text}, {std::string(target), id}, {"Origin", "CreateRoute"}});
}

Value create_route(Records& records, const Value& in) {
  Value table = records.get(route_table, in.at("RouteTableId").as_string());
  const Destination to = destination_in(in);
  const std::string_view target = target_in(records, table, in, to);
  check_inside(records, table, to);
  if (find_route(table, to)) refuse("RouteAlreadyExists", "The route identified by " + to.text + " already exists.");
  table["Routes"].push_back(make_route(to, target, in.at(target).as_string()));
  records.put(route_table, table);
  return Value::map({{"Return", true}});
}

Value replace_route(Records& records, const Value& in) {
  Value table = records.get(route_table, in.at("RouteTableId").as_string());
  const Destination to = destination_in(in);
  const std::string_view target = target_in(records, table, in, to);
  Value* route = find_route(table, to);
  if (!route || route->string_or("GatewayId").starts_with("vpce-"))
    refuse("InvalidParameterValue", "There is no route defined for '" + to.text +
                                        "' in the route table. Use "
                                        "CreateRoute instead.");
  *route = make_route(to, target, in.at(target).as_string());
  records.put(route_table, table);
  return Value::map();
}

Value delete_route(Records& records, const Value& in) {
  Value table = records.get(route_table, in.at("RouteTableId").as_string());
  const Destination to = destination_in(in);
  for (const AddressBlock& block : blocks_of(records.get(vpc, table.at("VpcId").as_string())))
    if (block.text() == to.text)
      refuse("InvalidParameterValue",
             "cannot remove local route " + to.text + " in route table " + table.at("RouteTableId").as_string());
  Value* route = find_route(table, to);
  if (!route) no_route(table, to);
  if (route->string_or("GatewayId").starts_with("vpce-"))
    refuse("InvalidParameterValue",
           "cannot remove VPC endpoint route " + to.text + " in route table " + table.at("RouteTableId").as_string());
  std::erase_if(table["Routes"].as_list(), [&](const Value& r) { return r.string_or(to.member) == to.text; });
  records.put(route_table, table);
  return Value::map();
}

constexpr std::string_view honoured =
    "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId NatGatewayId "
    "NetworkInterfaceId EgressOnlyInternetGatewayId InstanceId";

}  // namespace

std::span<const Action> route_actions() {
  static constexpr Action actions[] = {
      {"CreateRoute", create_route, honoured},
      {"ReplaceRoute", replace_route, honoured},
      {"DeleteRoute", delete_route,
       "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId"},
  };
  return actions;
}

}  // namespace tarn::network
