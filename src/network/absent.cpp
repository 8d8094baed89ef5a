// What tarn refuses to make, and so has none of: instances, peering, gateways to private networks. Whoever lists them
// is told the truth, that there are none, and whoever names one that it does not exist.

#include "network/records.hpp"

namespace tarn::network {
namespace {

// The lists' names, and those of the members that name some.
struct Nothing {
  std::string_view list, ids, not_found, missing_id;
};

template <const Nothing& nothing>
Value describe_nothing(Records&, const Value& in) {
  for (const std::string& id : texts(in, nothing.ids)) refuse(nothing.not_found, filled(nothing.missing_id, id));
  return Value::map({{std::string(nothing.list), Value::list()}});
}

constexpr Nothing instances{"Reservations", "InstanceIds", "InvalidInstanceID.NotFound",
                            "The instance ID '{}' does not exist"};
constexpr Nothing peerings{"VpcPeeringConnections", "VpcPeeringConnectionIds", "InvalidVpcPeeringConnectionID.NotFound",
                           "The vpcPeeringConnection ID '{}' does not exist"};
constexpr Nothing vpn_gateways{"VpnGateways", "VpnGatewayIds", "InvalidVpnGatewayID.NotFound",
                               "The vpnGateway ID '{}' does not exist"};
constexpr Nothing vpn_connections{"VpnConnections", "VpnConnectionIds", "InvalidVpnConnectionID.NotFound",
                                  "The vpnConnection ID '{}' does not exist"};
constexpr Nothing customer_gateways{"CustomerGateways", "CustomerGatewayIds", "InvalidCustomerGatewayID.NotFound",
                                    "The customerGateway ID '{}' does not exist"};
constexpr Nothing transit_gateways{"TransitGateways", "TransitGatewayIds", "InvalidTransitGatewayID.NotFound",
                                   "Transit Gateway {} was deleted or does not exist."};
constexpr Nothing transit_attachments{"TransitGatewayVpcAttachments", "TransitGatewayAttachmentIds",
                                      "InvalidTransitGatewayAttachmentID.NotFound",
                                      "Transit Gateway Attachment {} was deleted or does not exist."};
constexpr Nothing flow_logs{"FlowLogs", "FlowLogIds", "InvalidFlowLogId.NotFound",
                            "These flow log ids in the input list are not found: [TotalCount: 1] {}"};
constexpr Nothing key_pairs{"KeyPairs", "KeyNames", "InvalidKeyPair.NotFound", "The key pair '{}' does not exist"};
constexpr Nothing volumes{"Volumes", "VolumeIds", "InvalidVolume.NotFound", "The volume '{}' does not exist."};
constexpr Nothing carrier_gateways{"CarrierGateways", "CarrierGatewayIds", "InvalidCarrierGatewayID.NotFound",
                                   "The carrier gateway ID '{}' does not exist"};

}  // namespace

std::span<const Action> absent_actions() {
  static constexpr Action actions[] = {
      {"DescribeInstances", describe_nothing<instances>,
       "InstanceIds Filters IncludeManagedResources MaxResults NextToken", false},
      {"DescribeVpcPeeringConnections", describe_nothing<peerings>,
       "VpcPeeringConnectionIds Filters MaxResults NextToken", false},
      {"DescribeVpnGateways", describe_nothing<vpn_gateways>, "VpnGatewayIds Filters", false},
      {"DescribeVpnConnections", describe_nothing<vpn_connections>, "VpnConnectionIds Filters", false},
      {"DescribeCustomerGateways", describe_nothing<customer_gateways>, "CustomerGatewayIds Filters", false},
      {"DescribeTransitGateways", describe_nothing<transit_gateways>, "TransitGatewayIds Filters MaxResults NextToken",
       false},
      {"DescribeTransitGatewayVpcAttachments", describe_nothing<transit_attachments>,
       "TransitGatewayAttachmentIds Filters MaxResults NextToken", false},
      {"DescribeFlowLogs", describe_nothing<flow_logs>, "FlowLogIds Filter MaxResults NextToken", false},
      {"DescribeKeyPairs", describe_nothing<key_pairs>, "KeyNames IncludePublicKey Filters", false},
      {"DescribeVolumes", describe_nothing<volumes>, "VolumeIds Filters MaxResults NextToken IncludeManagedResources",
       false},
      {"DescribeCarrierGateways", describe_nothing<carrier_gateways>, "CarrierGatewayIds Filters MaxResults NextToken",
       false},
  };
  return actions;
}

}  // namespace tarn::network
