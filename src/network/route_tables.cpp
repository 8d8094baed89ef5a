#include "network/route_tables.hpp"

#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

Value association(Records& records, const Value& table_id, bool main, std::string_view member = {},
                  std::string_view id = {}) {
  Value out = Value::map({{"Main", main},
                          {"RouteTableAssociationId", records.new_id("rtbassoc-")},
                          {"RouteTableId", table_id},
                          {"AssociationState", Value::map({{"State", "associated"}})}});
  if (!member.empty()) out.set(member, id);
  return out;
}

Value make_table(Records& records, const std::string& vpc_id, Value tags) {
  return Value::map({{"RouteTableId", records.new_id(route_table)},
                     {"VpcId", vpc_id},
                     {"OwnerId", records.account()},
                     {"Associations", Value::list()},
                     {"PropagatingVgws", Value::list()},
                     {"Routes", Value::list()},
                     {"Tags", std::move(tags)}});
}

// Whether the target of a route is there and takes traffic.
bool leads_somewhere(Records& records, const Value& table, const Value& route) {
  auto attached = [&](const Kind& kind, const std::string& id) {
    const auto gateway = records.find(kind, id);
    if (!gateway) return false;
    const auto& attachments = gateway->at("Attachments").as_list();
    return std::any_of(attachments.begin(), attachments.end(),
                       [&](const Value& a) { return a.at("VpcId") == table.at("VpcId"); });
  };
  if (const std::string id = route.string_or("GatewayId"); !id.empty())
    return id.starts_with("vpce-") ? records.find(endpoint, id).has_value() : attached(internet_gateway, id);
  if (const std::string id = route.string_or("EgressOnlyInternetGatewayId"); !id.empty())
    return attached(egress_gateway, id);
  if (const std::string id = route.string_or("NatGatewayId"); !id.empty()) {
    const auto nat = records.find(nat_gateway, id);
    return nat && nat->at("State").as_string() == "available";
  }
  const std::string id = route.string_or("NetworkInterfaceId");
  return !id.empty() && records.find(network_interface, id).has_value();
}

Value create_table(Records& records, const Value& in) {
  const Value vpc_record = records.get(vpc, in.at("VpcId").as_string());
  const Value table = make_table(records, vpc_record.at("VpcId").as_string(), tags_for(route_table, in));
  records.put(route_table, table);
  return Value::map({{"RouteTable", shown_route_table(records, table)}});
}

Value delete_table(Records& records, const Value& in) {
  const Value table = records.get(route_table, in.at("RouteTableId").as_string());
  bool used = !table.at("Associations").as_list().empty();
  for (const Value& route : table.at("Routes").as_list()) used = used || route.find("DestinationPrefixListId");
  if (used) refuse_deletion(route_table, in.at("RouteTableId").as_string());
  records.erase(route_table, in.at("RouteTableId").as_string());
  return Value::map();
}

// The table that holds the association, and where in it.
struct Place {
  Value table;
  std::size_t index;
};

Place find_association(Records& records, const std::string& id) {
  for (Value& table : records.all(route_table)) {
    const auto& list = table.at("Associations").as_list();
    for (std::size_t i = 0; i < list.size(); i++)
      if (list[i].at("RouteTableAssociationId").as_string() == id) return {std::move(table), i};
  }
  refuse("InvalidAssociationID.NotFound", "The association ID '" + id + "' does not exist");
}

void check_unassociated(Records& records, const Value& table, std::string_view member, const std::string& id) {
  for (const Value& other : records.where(route_table, "VpcId", table.at("VpcId").as_string()))
    for (const Value& a : other.at("Associations").as_list())
      if (a.string_or(member) == id)
        refuse("Resource.AlreadyAssociated", "the specified association for route table " +
                                                 table.at("RouteTableId").as_string() +
                                                 " conflicts with an existing association");
}

Value associate(Records& records, const Value& in) {
  Value table = records.get(route_table, in.at("RouteTableId").as_string());
  const std::string subnet_id = in.string_or("SubnetId"), gateway_id = in.string_or("GatewayId");
  if (subnet_id.empty() == gateway_id.empty())
    refuse(subnet_id.empty() ? "MissingParameter" : "InvalidParameterCombination",
           "The request must contain exactly one of the parameters subnetId and gatewayId");
  bool same_network = false;
  if (!subnet_id.empty()) {
    same_network = records.get(subnet, subnet_id).at("VpcId") == table.at("VpcId");
  } else {
    for (const Value& a : records.get(internet_gateway, gateway_id).at("Attachments").as_list())
      same_network = same_network || a.at("VpcId") == table.at("VpcId");
  }
  if (!same_network)
    refuse("InvalidParameterValue", "route table " + in.at("RouteTableId").as_string() + " and " +
                                        (subnet_id.empty() ? "network gateway " + gateway_id : "subnet " + subnet_id) +
                                        " belong to different networks");
  const std::string_view member = subnet_id.empty() ? "GatewayId" : "SubnetId";
  const std::string& id = subnet_id.empty() ? gateway_id : subnet_id;
  check_unassociated(records, table, member, id);
  Value made = association(records, table.at("RouteTableId"), false, member, id);
  table["Associations"].push_back(made);
  records.put(route_table, table);
  return Value::map(
      {{"AssociationId", made.at("RouteTableAssociationId")}, {"AssociationState", made.at("AssociationState")}});
}

Value disassociate(Records& records, const Value& in) {
  const std::string id = in.at("AssociationId").as_string();
  Place place = find_association(records, id);
  auto& list = place.table["Associations"].as_list();
  if (list[place.index].bool_or("Main"))
    refuse("InvalidParameterValue", "cannot disassociate the main route table association " + id);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(place.index));
  records.put(route_table, place.table);
  return Value::map();
}

Value replace_association(Records& records, const Value& in) {
  Place old = find_association(records, in.at("AssociationId").as_string());
  const std::string id = in.at("RouteTableId").as_string();
  if (records.get(route_table, id).at("VpcId") != old.table.at("VpcId"))
    refuse("InvalidParameterValue", "route table " + id + " and route table " +
                                        old.table.at("RouteTableId").as_string() + " belong to different networks");
  auto& list = old.table["Associations"].as_list();
  Value moved = list[old.index];
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(old.index));
  records.put(route_table, old.table);
  moved.set("RouteTableAssociationId", records.new_id("rtbassoc-")).set("RouteTableId", id);
  Value table = records.get(route_table, id);
  table["Associations"].push_back(moved);
  records.put(route_table, table);
  return Value::map(
      {{"NewAssociationId", moved.at("RouteTableAssociationId")}, {"AssociationState", moved.at("AssociationState")}});
}

Value describe_tables(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"association.gateway-id", "Associations.GatewayId"},
      {"association.main", "Associations.Main"},
      {"association.route-table-association-id", "Associations.RouteTableAssociationId"},
      {"association.route-table-id", "Associations.RouteTableId"},
      {"association.subnet-id", "Associations.SubnetId"},
      {"owner-id", "OwnerId"},
      {"route.destination-cidr-block", "Routes.DestinationCidrBlock"},
      {"route.destination-ipv6-cidr-block", "Routes.DestinationIpv6CidrBlock"},
      {"route.destination-prefix-list-id", "Routes.DestinationPrefixListId"},
      {"route.egress-only-internet-gateway-id", "Routes.EgressOnlyInternetGatewayId"},
      {"route.gateway-id", "Routes.GatewayId"},
      {"route.instance-id", "Routes.InstanceId"},
      {"route.nat-gateway-id", "Routes.NatGatewayId"},
      {"route.network-interface-id", "Routes.NetworkInterfaceId"},
      {"route.origin", "Routes.Origin"},
      {"route.state", "Routes.State"},
      {"route.transit-gateway-id", "Routes.TransitGatewayId"},
      {"route.vpc-peering-connection-id", "Routes.VpcPeeringConnectionId"},
      {"route-table-id", "RouteTableId"},
      {"vpc-id", "VpcId"}};
  return describe(records, in, {route_table, "RouteTables", "RouteTableIds", filters, shown_route_table});
}

}  // namespace

bool is_main(const Value& table) {
  const auto& list = table.at("Associations").as_list();
  return std::any_of(list.begin(), list.end(), [](const Value& a) { return a.bool_or("Main"); });
}

void make_main_route_table(Records& records, const Value& vpc_record) {
  Value table = make_table(records, vpc_record.at("VpcId").as_string(), Value::list());
  table["Associations"].push_back(association(records, table.at("RouteTableId"), true));
  records.put(route_table, table);
}

Value main_route_table(Records& records, std::string_view vpc_id) {
  for (Value& table : records.where(route_table, "VpcId", vpc_id))
    if (is_main(table)) return std::move(table);
  assertion_failed("a VPC has a main route table", __FILE__, __LINE__);
}

void add_route(Records& records, Value table, const std::string& destination_cidr, std::string_view target,
               const std::string& to) {
  table["Routes"].push_back(
      Value::map({{"DestinationCidrBlock", destination_cidr}, {std::string(target), to}, {"Origin", "CreateRoute"}}));
  records.put(route_table, table);
}

void forget_subnet_routes(Records& records, std::string_view subnet_id) {
  for (Value& table : records.all(route_table))
    if (std::erase_if(table["Associations"].as_list(),
                      [&](const Value& a) { return a.string_or("SubnetId") == subnet_id; }))
      records.put(route_table, table);
}

Value shown_route_table(Records& records, Value table) {
  ValueList routes;
  const auto vpc_record = records.find(vpc, table.at("VpcId").as_string());
  if (vpc_record)
    for (const AddressBlock& block : blocks_of(*vpc_record))
      routes.push_back(
          Value::map({{block.bits == ipv4_bits ? "DestinationCidrBlock" : "DestinationIpv6CidrBlock", block.text()},
                      {"GatewayId", "local"},
                      {"Origin", "CreateRouteTable"},
                      {"State", "active"}}));
  for (Value& route : table["Routes"].as_list()) {
    route.set("State", leads_somewhere(records, table, route) ? "active" : "blackhole");
    routes.push_back(std::move(route));
  }
  table.set("Routes", std::move(routes));
  return table;
}

std::span<const Action> route_table_actions() {
  static constexpr Action actions[] = {
      {"CreateRouteTable", create_table, "VpcId TagSpecifications"},
      {"DeleteRouteTable", delete_table, "RouteTableId"},
      {"DescribeRouteTables", describe_tables, "RouteTableIds Filters MaxResults NextToken", false},
      {"AssociateRouteTable", associate, "RouteTableId SubnetId GatewayId"},
      {"DisassociateRouteTable", disassociate, "AssociationId"},
      {"ReplaceRouteTableAssociation", replace_association, "AssociationId RouteTableId"},
  };
  return actions;
}

}  // namespace tarn::network
