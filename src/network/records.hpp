// Networks as records: what every kind of thing in a VPC has in common.
//
// A record is AWS's own shape (Vpc, Subnet ...) as a Value, with the resource's tags in it; what AWS keeps but does not
// show there stands in its member "Kept". It lies under (account, region, id) in the kind "network.TYPE". What can be
// derived is not stored: each file's `shown` adds it when the record is read.
//
// Each kind has one file, which says as a table what may be done with it (Action) and how it is listed (Listing).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::network {

struct Kind {
  std::string_view type;        // as tags name it: "subnet"
  std::string_view id_prefix;   // "subnet-"
  std::string_view id_member;   // "SubnetId"
  std::string_view noun;        // as DependencyViolation calls it: "routeTable"
  std::string_view not_found;   // the error's code: "InvalidSubnetID.NotFound"
  std::string_view missing_id;  // the error's text, with {} for the id: "The subnet ID '{}' does not exist"
  std::string_view tags_member = "Tags";
};

inline constexpr Kind vpc{"vpc", "vpc-", "VpcId", "vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"};
inline constexpr Kind subnet{
    "subnet", "subnet-", "SubnetId", "subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"};
inline constexpr Kind route_table{"route-table",
                                  "rtb-",
                                  "RouteTableId",
                                  "routeTable",
                                  "InvalidRouteTableID.NotFound",
                                  "The routeTable ID '{}' does not exist"};
inline constexpr Kind internet_gateway{"internet-gateway",
                                       "igw-",
                                       "InternetGatewayId",
                                       "internetGateway",
                                       "InvalidInternetGatewayID.NotFound",
                                       "The internetGateway ID '{}' does not exist"};
inline constexpr Kind egress_gateway{"egress-only-internet-gateway", "eigw-",
                                     "EgressOnlyInternetGatewayId",  "egressOnlyInternetGateway",
                                     "InvalidGatewayID.NotFound",    "The gateway ID '{}' does not exist"};
inline constexpr Kind nat_gateway{
    "natgateway", "nat-", "NatGatewayId", "natGateway", "NatGatewayNotFound", "The Nat Gateway {} was not found"};
inline constexpr Kind elastic_ip{"elastic-ip",
                                 "eipalloc-",
                                 "AllocationId",
                                 "address",
                                 "InvalidAllocationID.NotFound",
                                 "The allocation ID '{}' does not exist"};
inline constexpr Kind security_group{"security-group",
                                     "sg-",
                                     "GroupId",
                                     "securityGroup",
                                     "InvalidGroup.NotFound",
                                     "The security group '{}' does not exist"};
inline constexpr Kind security_group_rule{"security-group-rule",
                                          "sgr-",
                                          "SecurityGroupRuleId",
                                          "securityGroupRule",
                                          "InvalidSecurityGroupRuleId.NotFound",
                                          "The security group rule ID '{}' does not exist"};
inline constexpr Kind network_acl{"network-acl",
                                  "acl-",
                                  "NetworkAclId",
                                  "networkAcl",
                                  "InvalidNetworkAclID.NotFound",
                                  "The networkAcl ID '{}' does not exist"};
inline constexpr Kind dhcp_options{"dhcp-options",
                                   "dopt-",
                                   "DhcpOptionsId",
                                   "dhcpOptions",
                                   "InvalidDhcpOptionID.NotFound",
                                   "The dhcpOption ID '{}' does not exist"};
inline constexpr Kind endpoint{"vpc-endpoint",
                               "vpce-",
                               "VpcEndpointId",
                               "vpcEndpoint",
                               "InvalidVpcEndpointId.NotFound",
                               "The Vpc Endpoint Id '{}' does not exist"};
inline constexpr Kind network_interface{"network-interface",
                                        "eni-",
                                        "NetworkInterfaceId",
                                        "networkInterface",
                                        "InvalidNetworkInterfaceID.NotFound",
                                        "The networkInterface ID '{}' does not exist",
                                        "TagSet"};
inline constexpr Kind prefix_list{"prefix-list",
                                  "pl-",
                                  "PrefixListId",
                                  "prefixList",
                                  "InvalidPrefixListID.NotFound",
                                  "The prefix list ID '{}' does not exist"};

inline constexpr const Kind* all_kinds[] = {
    &vpc,          &subnet,     &route_table,       &internet_gateway,    &egress_gateway,
    &nat_gateway,  &elastic_ip, &security_group,    &security_group_rule, &network_acl,
    &dhcp_options, &endpoint,   &network_interface, &prefix_list};

// The error that AWS answers whatever is wrong with a request to EC2; all are status 400.
[[noreturn]] void refuse(std::string_view code, std::string message);
// DependencyViolation: "The subnet 'subnet-…' has dependencies and cannot be deleted."
[[noreturn]] void refuse_deletion(const Kind& kind, std::string_view id);
// "… {} …" with {} replaced.
std::string filled(std::string_view text, std::string_view in);

// The records of one account and region during one request. Used by one thread.
class Records {
 public:
  // Without a transaction it only reads.
  Records(meta::Reader& reader, meta::Transaction* transaction, const api::Context& context, Random& random)
      : reader_(reader), transaction_(transaction), context_(context), random_(random) {}

  std::optional<Value> find(const Kind& kind, std::string_view id);
  // A missing one throws Error (caller, the kind's not_found).
  Value get(const Kind& kind, std::string_view id);
  std::vector<Value> all(const Kind& kind);
  // Those whose `member` is the text `is`.
  std::vector<Value> where(const Kind& kind, std::string_view member, std::string_view is);
  bool any(const Kind& kind, std::string_view member, std::string_view is);

  void put(const Kind& kind, const Value& record);
  void erase(const Kind& kind, std::string_view id);

  // Whether something of another service stands in the subnet or group (placement.hpp).
  bool is_stood_in(std::string_view id);

  std::string new_id(const Kind& kind) { return new_id(kind.id_prefix); }
  std::string new_id(std::string_view prefix);  // and 17 digits
  std::string arn(const Kind& kind, std::string_view id) const;

  const std::string& account() const { return context_.account(); }
  const std::string& region() const { return context_.region; }
  Time now() const;  // whole seconds
  Random& random() { return random_; }

 private:
  meta::Reader& reader_;
  meta::Transaction* transaction_;
  const api::Context& context_;
  Random& random_;
};

// One of EC2's actions, by its name. `honours`: the members of its input that it heeds, with spaces between; another
// one that is sent is refused before `run`. DryRun and ClientToken are everybody's, and no matter of `run`'s.
struct Action {
  std::string_view name;
  Value (*run)(Records&, const Value& in);
  std::string_view honours;
  bool writes = true;
};

// A name by which one may ask, and where in the record its value lies ("Associations.SubnetId": of any item of a list).
struct Filter {
  std::string_view name, path;
};

struct Listing {
  const Kind& kind;
  std::string_view list;                      // the member of the output
  std::string_view ids;                       // the member of the input that names some
  std::span<const Filter> filters;            // beside tag:KEY and tag-key, which all have
  Value (*shown)(Records&, Value) = nullptr;  // adds what is derived
  std::string_view filters_member = "Filters";
};

// What a Describe action answers: those named or all, as the filters say, a page of them.
Value describe(Records& records, const Value& in, const Listing& listing);
// The same of items that are no records of ours; `id_of` orders and marks them.
Value describe_items(const Value& in, std::string_view list, ValueList items, std::span<const Filter> filters,
                     const std::function<std::string(const Value&)>& id_of,
                     std::string_view filters_member = "Filters");

// The strings of the list `member`; empty when it is absent.
std::vector<std::string> texts(const Value& in, std::string_view member);
// The record without what is not AWS's.
Value without_kept(Value record);

// Each kind's table.
std::span<const Action> vpc_actions();
std::span<const Action> subnet_actions();
std::span<const Action> route_table_actions();
std::span<const Action> route_actions();
std::span<const Action> gateway_actions();
std::span<const Action> nat_gateway_actions();
std::span<const Action> address_actions();
std::span<const Action> security_group_actions();
std::span<const Action> security_group_rule_actions();
std::span<const Action> network_acl_actions();
std::span<const Action> dhcp_actions();
std::span<const Action> endpoint_actions();
std::span<const Action> interface_actions();
std::span<const Action> prefix_list_actions();
std::span<const Action> tag_actions();
std::span<const Action> place_actions();
std::span<const Action> absent_actions();

}  // namespace tarn::network
