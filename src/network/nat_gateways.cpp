#include "network/addresses.hpp"
#include "network/gateways.hpp"
#include "network/interfaces.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

constexpr auto shown_after_deletion = std::chrono::hours(1);  // as AWS: long enough for whoever waits for the end

Value address_of(const Value& interface, bool is_public, const Value& mapped) {
  Value out = Value::map({{"NetworkInterfaceId", interface.at("NetworkInterfaceId")},
                          {"PrivateIp", interface.at("PrivateIpAddress")},
                          {"IsPrimary", true},
                          {"Status", "succeeded"}});
  if (is_public)
    out.set("AllocationId", mapped.at("AllocationId"))
        .set("PublicIp", mapped.at("PublicIp"))
        .set("AssociationId", mapped.at("AssociationId"));
  return out;
}

Value create(Records& records, const Value& in) {
  const std::string subnet_id = in.string_or("SubnetId"), allocation = in.string_or("AllocationId");
  if (subnet_id.empty()) refuse("MissingParameter", "The request must contain the parameter subnetId");
  const bool is_public = in.string_or("ConnectivityType", "public") == "public";
  if (is_public && allocation.empty())
    refuse("MissingParameter", "The request must contain the parameter AllocationId");
  if (!is_public && !allocation.empty())
    refuse("InvalidParameterCombination", "A private NAT gateway takes no allocation ID");
  const Value subnet_record = records.get(subnet, subnet_id);
  if (is_public && records.get(elastic_ip, allocation).find("AssociationId"))
    refuse("Resource.AlreadyAssociated", "Elastic IP address [" + allocation + "] is already associated");
  const std::string id = records.new_id(nat_gateway), vpc_id = subnet_record.at("VpcId").as_string();
  Value record = Value::map({{"NatGatewayId", id},
                             {"SubnetId", subnet_id},
                             {"VpcId", vpc_id},
                             {"CreateTime", records.now()},
                             {"ConnectivityType", is_public ? "public" : "private"},
                             {"AvailabilityMode", "zonal"},
                             {"State", "available"},
                             {"Tags", tags_for(nat_gateway, in)}});
  // AWS makes the record and finds later that the gateway can reach nobody.
  if (is_public && !has_internet_gateway(records, vpc_id)) {
    record.set("State", "failed")
        .set("FailureCode", "Gateway.NotAttached")
        .set("FailureMessage", "Network " + vpc_id + " has no Internet gateway attached")
        .set("DeleteTime", records.now())
        .set("NatGatewayAddresses", Value::list({Value::map({{"AllocationId", allocation}, {"Status", "failed"}})}));
  } else {
    const Value interface = make_interface(records,
                                           {.subnet_id = subnet_id,
                                            .description = "Interface for NAT Gateway " + id,
                                            .type = "nat_gateway",
                                            .address = in.string_or("PrivateIpAddress"),
                                            .group_ids = {},
                                            .of_service = true},
                                           Value::list());
    const Value mapped =
        is_public ? associate_with_interface(records, allocation, interface.at("NetworkInterfaceId").as_string())
                  : Value();
    record.set("NatGatewayAddresses", Value::list({address_of(interface, is_public, mapped)}));
  }
  records.put(nat_gateway, record);
  // The answer is of the moment before it came up.
  for (const char* member : {"FailureCode", "FailureMessage", "DeleteTime"}) record.erase(member);
  return Value::map({{"NatGateway", record.set("State", "pending")}});
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("NatGatewayId").as_string();
  Value record = records.get(nat_gateway, id);
  if (record.at("State").as_string() == "available") {
    for (const Value& address : record.at("NatGatewayAddresses").as_list()) {
      const std::string interface = address.at("NetworkInterfaceId").as_string();
      release_from_interface(records, interface);
      records.erase(network_interface, interface);
    }
    record.set("State", "deleted").set("DeleteTime", records.now());
    records.put(nat_gateway, record);
  }
  for (const Value& old : records.all(nat_gateway))
    if (const Value* at = old.find("DeleteTime"); at && records.now() - at->as_time() > shown_after_deletion)
      records.erase(nat_gateway, old.at("NatGatewayId").as_string());
  return Value::map({{"NatGatewayId", id}});
}

Value describe_gateways(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"nat-gateway-id", "NatGatewayId"}, {"state", "State"}, {"subnet-id", "SubnetId"}, {"vpc-id", "VpcId"}};
  return describe(records, in, {nat_gateway, "NatGateways", "NatGatewayIds", filters, nullptr, "Filter"});
}

}  // namespace

std::span<const Action> nat_gateway_actions() {
  static constexpr Action actions[] = {
      {"CreateNatGateway", create, "SubnetId AllocationId ConnectivityType PrivateIpAddress TagSpecifications"},
      {"DeleteNatGateway", remove, "NatGatewayId"},
      {"DescribeNatGateways", describe_gateways, "NatGatewayIds Filter MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
