#include "network/gateways.hpp"

#include <algorithm>

#include "network/tags.hpp"

namespace tarn::network {
namespace {

Value make_gateway(Records& records, Value tags) {
  return Value::map({{"InternetGatewayId", records.new_id(internet_gateway)},
                     {"OwnerId", records.account()},
                     {"Attachments", Value::list()},
                     {"Tags", std::move(tags)}});
}

Value attachment(const std::string& vpc_id, const char* state) {
  return Value::map({{"State", state}, {"VpcId", vpc_id}});
}

bool is_attached(const Value& gateway, std::string_view vpc_id) {
  const auto& list = gateway.at("Attachments").as_list();
  return std::any_of(list.begin(), list.end(), [&](const Value& a) { return a.at("VpcId").as_string() == vpc_id; });
}

Value create(Records& records, const Value& in) {
  const Value gateway = make_gateway(records, tags_for(internet_gateway, in));
  records.put(internet_gateway, gateway);
  return Value::map({{"InternetGateway", gateway}});
}

Value attach(Records& records, const Value& in) {
  const std::string id = in.at("InternetGatewayId").as_string(), vpc_id = in.at("VpcId").as_string();
  Value gateway = records.get(internet_gateway, id);
  records.get(vpc, vpc_id);
  if (!gateway.at("Attachments").as_list().empty())
    refuse("Resource.AlreadyAssociated", "resource " + id + " is already attached to network " +
                                             gateway.at("Attachments").as_list()[0].at("VpcId").as_string());
  if (has_internet_gateway(records, vpc_id))
    refuse("InvalidParameterValue", "Network " + vpc_id + " already has an internet gateway attached");
  gateway["Attachments"].push_back(attachment(vpc_id, "available"));
  records.put(internet_gateway, gateway);
  return Value::map();
}

Value detach(Records& records, const Value& in) {
  const std::string id = in.at("InternetGatewayId").as_string(), vpc_id = in.at("VpcId").as_string();
  Value gateway = records.get(internet_gateway, id);
  records.get(vpc, vpc_id);
  if (!is_attached(gateway, vpc_id))
    refuse("Gateway.NotAttached", "resource " + id + " is not attached to network " + vpc_id);
  for (const Value& interface : records.where(network_interface, "VpcId", vpc_id))
    if (interface.find("Association"))
      refuse("DependencyViolation", "Network " + vpc_id +
                                        " has some mapped public address(es). Please unmap those public address(es) "
                                        "before detaching the gateway.");
  records.put(internet_gateway, gateway.set("Attachments", Value::list()));
  return Value::map();
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("InternetGatewayId").as_string();
  if (!records.get(internet_gateway, id).at("Attachments").as_list().empty()) refuse_deletion(internet_gateway, id);
  records.erase(internet_gateway, id);
  return Value::map();
}

constexpr Filter gateway_filters[] = {{"attachment.state", "Attachments.State"},
                                      {"attachment.vpc-id", "Attachments.VpcId"},
                                      {"internet-gateway-id", "InternetGatewayId"},
                                      {"owner-id", "OwnerId"}};

Value describe_gateways(Records& records, const Value& in) {
  return describe(records, in, {internet_gateway, "InternetGateways", "InternetGatewayIds", gateway_filters});
}

Value create_egress(Records& records, const Value& in) {
  const std::string vpc_id = in.at("VpcId").as_string();
  records.get(vpc, vpc_id);
  const Value gateway = Value::map({{"EgressOnlyInternetGatewayId", records.new_id(egress_gateway)},
                                    {"Attachments", Value::list({attachment(vpc_id, "attached")})},
                                    {"Tags", tags_for(egress_gateway, in)}});
  records.put(egress_gateway, gateway);
  return Value::map({{"EgressOnlyInternetGateway", gateway}});
}

Value remove_egress(Records& records, const Value& in) {
  const std::string id = in.at("EgressOnlyInternetGatewayId").as_string();
  records.get(egress_gateway, id);
  records.erase(egress_gateway, id);  // routes to it stay, as blackholes
  return Value::map({{"ReturnCode", true}});
}

Value describe_egress(Records& records, const Value& in) {
  return describe(records, in, {egress_gateway, "EgressOnlyInternetGateways", "EgressOnlyInternetGatewayIds", {}});
}

}  // namespace

std::string make_attached_gateway(Records& records, const std::string& vpc_id) {
  Value gateway = make_gateway(records, Value::list());
  gateway["Attachments"].push_back(attachment(vpc_id, "available"));
  records.put(internet_gateway, gateway);
  return gateway.at("InternetGatewayId").as_string();
}

bool has_internet_gateway(Records& records, std::string_view vpc_id) {
  const auto all = records.all(internet_gateway);
  return std::any_of(all.begin(), all.end(), [&](const Value& gateway) { return is_attached(gateway, vpc_id); });
}

std::span<const Action> gateway_actions() {
  static constexpr Action actions[] = {
      {"CreateInternetGateway", create, "TagSpecifications"},
      {"AttachInternetGateway", attach, "InternetGatewayId VpcId"},
      {"DetachInternetGateway", detach, "InternetGatewayId VpcId"},
      {"DeleteInternetGateway", remove, "InternetGatewayId"},
      {"DescribeInternetGateways", describe_gateways, "InternetGatewayIds Filters MaxResults NextToken", false},
      {"CreateEgressOnlyInternetGateway", create_egress, "VpcId TagSpecifications"},
      {"DeleteEgressOnlyInternetGateway", remove_egress, "EgressOnlyInternetGatewayId"},
      {"DescribeEgressOnlyInternetGateways", describe_egress,
       "EgressOnlyInternetGatewayIds Filters MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
