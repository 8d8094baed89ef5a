#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "govern/policy.hpp"
#include "network/addresses.hpp"
#include "network/endpoint_services.hpp"
#include "network/interfaces.hpp"
#include "network/places.hpp"
#include "network/prefix_lists.hpp"
#include "network/route_tables.hpp"
#include "network/security_groups.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

// What AWS gives to an endpoint that brings no policy of its own.
constexpr const char* gateway_policy =
    R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]})";
constexpr const char* interface_policy =
    R"({"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]})";

bool is_gateway(const Value& record) {
  return record.at("VpcEndpointType").as_string() == "Gateway";
}

std::string checked_policy(const std::string& document) {
  try {
    govern::check_policy(document, govern::PolicyKind::resource);
  } catch (const Error& e) {
    refuse("InvalidPolicyDocument", "The policy document is not valid: " + e.message());
  }
  return document;
}

// Adds to `ids` or takes from it; naming what is there, or what is not, is no error.
void edit(Value& ids, const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  auto& list = ids.as_list();
  for (const std::string& id : removed) std::erase(list, Value(id));
  for (const std::string& id : added)
    if (std::find(list.begin(), list.end(), Value(id)) == list.end()) list.push_back(id);
}

// ---- by route ----

void add_to_table(Records& records, const Value& record, const std::string& table_id) {
  Value table = records.get(route_table, table_id);
  const std::string id = record.at("VpcEndpointId").as_string(), list = record.at("Kept").at("PrefixList").as_string();
  if (table.at("VpcId") != record.at("VpcId"))
    refuse("InvalidParameter", "Route table " + table_id + " does not belong to VPC " + record.at("VpcId").as_string());
  for (const Value& route : table.at("Routes").as_list())
    if (route.string_or("DestinationPrefixListId") == list)
      refuse("RouteAlreadyExists",
             "route table " + table_id + " already has a route with destination-prefix-list-id " + list);
  table["Routes"].push_back(
      Value::map({{"DestinationPrefixListId", list}, {"GatewayId", id}, {"Origin", "CreateRoute"}}));
  records.put(route_table, table);
}

void take_from_table(Records& records, const std::string& id, const std::string& table_id) {
  Value table = records.get(route_table, table_id);
  std::erase_if(table["Routes"].as_list(), [&](const Value& r) { return r.string_or("GatewayId") == id; });
  records.put(route_table, table);
}

// ---- by interfaces ----

std::vector<std::string> group_ids(const Value& record) {
  std::vector<std::string> out;
  for (const Value& group : record.at("Groups").as_list()) out.push_back(group.at("GroupId").as_string());
  return out;
}

void check_private_names(Records& records, const Value& record) {
  const std::string vpc_id = record.at("VpcId").as_string();
  const Value vpc_record = records.get(vpc, vpc_id);
  const Value& kept = vpc_record.at("Kept");
  if (!kept.bool_or("EnableDnsSupport") || !kept.bool_or("EnableDnsHostnames"))
    refuse("InvalidParameter",
           "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
           "attributes set to true for " +
               vpc_id);
  for (const Value& other : records.where(endpoint, "VpcId", vpc_id))
    if (other.bool_or("PrivateDnsEnabled") && other.at("ServiceName") == record.at("ServiceName") &&
        other.at("VpcEndpointId") != record.at("VpcEndpointId"))
      refuse("InvalidParameter",
             "private-dns-enabled cannot be set because there is already a conflicting DNS domain for " +
                 find_endpoint_service(records.region(), record.at("ServiceName").as_string())->private_name +
                 " in the VPC " + vpc_id);
}

// An interface in each of the subnets, which lie in different zones.
void add_subnets(Records& records, Value& record, const std::vector<std::string>& subnet_ids) {
  std::set<std::string> zones;
  for (const std::string& id : texts(record, "SubnetIds"))
    zones.insert(records.get(subnet, id).at("AvailabilityZone").as_string());
  for (const std::string& id : subnet_ids) {
    const Value subnet_record = records.get(subnet, id);
    if (subnet_record.at("VpcId") != record.at("VpcId"))
      refuse("InvalidParameter", "Subnet " + id + " does not belong to VPC " + record.at("VpcId").as_string());
    const auto known = texts(record, "SubnetIds");
    if (std::find(known.begin(), known.end(), id) != known.end()) continue;
    if (!zones.insert(subnet_record.at("AvailabilityZone").as_string()).second)
      refuse("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of " + id);
    const Value interface =
        make_interface(records,
                       {.subnet_id = id,
                        .description = "VPC Endpoint Interface " + record.at("VpcEndpointId").as_string(),
                        .type = "vpc_endpoint",
                        .address = {},
                        .group_ids = group_ids(record),
                        .of_service = true},
                       Value::list());
    record["SubnetIds"].push_back(id);
    record["NetworkInterfaceIds"].push_back(interface.at("NetworkInterfaceId"));
  }
}

void remove_subnets(Records& records, Value& record, const std::vector<std::string>& subnet_ids) {
  auto& interfaces = record["NetworkInterfaceIds"].as_list();
  std::erase_if(interfaces, [&](const Value& id) {
    const std::string in = records.get(network_interface, id.as_string()).at("SubnetId").as_string();
    if (std::find(subnet_ids.begin(), subnet_ids.end(), in) == subnet_ids.end()) return false;
    records.erase(network_interface, id.as_string());
    return true;
  });
  edit(record["SubnetIds"], {}, subnet_ids);
}

void set_groups(Records& records, Value& record, const std::vector<std::string>& ids) {
  record.set("Groups", group_identifiers(records, ids, record.at("VpcId").as_string()));
  for (const Value& id : record.at("NetworkInterfaceIds").as_list()) {
    Value interface = records.get(network_interface, id.as_string());
    records.put(network_interface, interface.set("Groups", record.at("Groups")));
  }
}

// The names by which the endpoint is found: its own, one for each zone, and the service's.
Value dns_entries(Records& records, const Value& record) {
  const auto service = find_endpoint_service(records.region(), record.at("ServiceName").as_string());
  const std::string stem =
      record.at("VpcEndpointId").as_string() + "-" + record.at("Kept").at("NameSuffix").as_string();
  const std::string rest = "." + service->host + "." + records.region() + ".vpce.amazonaws.com";
  Value out = Value::list();
  auto add = [&](const std::string& name) {
    out.push_back(Value::map({{"DnsName", name}, {"HostedZoneId", "ZTARN"}}));
  };
  if (texts(record, "SubnetIds").empty()) return out;
  add(stem + rest);
  for (const std::string& id : texts(record, "SubnetIds"))
    add(stem + "-" + records.get(subnet, id).at("AvailabilityZone").as_string() + rest);
  if (record.bool_or("PrivateDnsEnabled")) add(service->private_name);
  return out;
}

Value shown(Records& records, Value record) {
  if (!is_gateway(record)) record.set("DnsEntries", dns_entries(records, record));
  return record;
}

// Members that are for the other type of endpoint.
void refuse_others(const Value& in, std::initializer_list<const char*> members, const char* type) {
  for (const char* member : members)
    if (const Value* given = in.find(member); given && !(given->is_list() && given->as_list().empty()))
      refuse("InvalidParameter", std::string(member) + " cannot be given for endpoints of type " + type + ".");
}

Value new_record(Records& records, const Value& in, const std::string& type) {
  const bool gateway = type == "Gateway";
  Value record = Value::map(
      {{"VpcEndpointId", records.new_id(endpoint)},
       {"VpcEndpointType", type},
       {"VpcId", in.at("VpcId")},
       {"ServiceName", in.at("ServiceName")},
       {"ServiceRegion", records.region()},
       {"State", "available"},
       {"PolicyDocument", in.string_or("PolicyDocument").empty() ? (gateway ? gateway_policy : interface_policy)
                                                                 : checked_policy(in.at("PolicyDocument").as_string())},
       {"RouteTableIds", Value::list()},
       {"SubnetIds", Value::list()},
       {"Groups", Value::list()},
       {"IpAddressType", "ipv4"},
       {"PrivateDnsEnabled", false},
       {"RequesterManaged", false},
       {"NetworkInterfaceIds", Value::list()},
       {"DnsEntries", Value::list()},
       {"DnsOptions", Value::map({{"DnsRecordIpType", gateway ? "service-defined" : "ipv4"}})},
       {"CreationTimestamp", records.now()},
       {"OwnerId", records.account()},
       {"Tags", tags_for(endpoint, in)},
       {"Kept", Value::map({{"NameSuffix", records.random().hex(8)}})}});
  if (gateway) {
    const std::string& name = in.at("ServiceName").as_string();
    record["Kept"].set("PrefixList", service_prefix_list(records.region(), name.substr(name.rfind('.') + 1)));
  }
  return record;
}

void check_address_type(const Value& in) {
  if (const std::string type = in.string_or("IpAddressType", "ipv4"); type != "ipv4")
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has VPC endpoints with the IpAddressType ipv4 only");
}

Value create(Records& records, const Value& in) {
  records.get(vpc, in.at("VpcId").as_string());
  const std::string name = in.string_or("ServiceName"), type = in.string_or("VpcEndpointType", "Gateway");
  if (name.empty()) refuse("MissingParameter", "The request must contain the parameter ServiceName");
  const auto service = find_endpoint_service(records.region(), name);
  if (!service) refuse("InvalidServiceName", "The Vpc Endpoint Service '" + name + "' does not exist");
  if (type != "Gateway" && type != "Interface")
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn has VPC endpoints of the types Gateway and Interface, not " + type);
  if (type == "Gateway" && !service->gateway)
    refuse("InvalidParameter", "Endpoint type (Gateway) does not match available service types ([Interface]).");
  check_address_type(in);
  Value record = new_record(records, in, type);
  if (type == "Gateway") {
    refuse_others(in, {"SubnetIds", "SecurityGroupIds"}, "Gateway");
    if (in.bool_or("PrivateDnsEnabled"))
      refuse("InvalidParameter", "Private DNS can't be enabled for gateway endpoints.");
    for (const std::string& table : texts(in, "RouteTableIds")) {
      add_to_table(records, record, table);
      record["RouteTableIds"].push_back(table);
    }
  } else {
    refuse_others(in, {"RouteTableIds"}, "Interface");
    auto groups = texts(in, "SecurityGroupIds");
    if (groups.empty()) groups.push_back(default_group(records, in.at("VpcId").as_string()));
    set_groups(records, record, groups);
    record.set("PrivateDnsEnabled", in.bool_or("PrivateDnsEnabled", true));
    if (record.bool_or("PrivateDnsEnabled")) check_private_names(records, record);
    add_subnets(records, record, texts(in, "SubnetIds"));
  }
  records.put(endpoint, record);
  return Value::map({{"VpcEndpoint",
                      without_kept(shown(records, record.set("State", type == "Gateway" ? "available" : "pending")))}});
}

void modify_gateway(Records& records, Value& record, const Value& in) {
  refuse_others(
      in, {"AddSubnetIds", "RemoveSubnetIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds", "PrivateDnsEnabled"},
      "Gateway");
  const std::string id = record.at("VpcEndpointId").as_string();
  const auto removed = texts(in, "RemoveRouteTableIds");
  for (const std::string& table : removed) take_from_table(records, id, table);
  edit(record["RouteTableIds"], {}, removed);
  const auto known = texts(record, "RouteTableIds");
  for (const std::string& table : texts(in, "AddRouteTableIds"))
    if (std::find(known.begin(), known.end(), table) == known.end()) add_to_table(records, record, table);
  edit(record["RouteTableIds"], texts(in, "AddRouteTableIds"), {});
}

void modify_interface(Records& records, Value& record, const Value& in) {
  refuse_others(in, {"AddRouteTableIds", "RemoveRouteTableIds"}, "Interface");
  const auto added = texts(in, "AddSecurityGroupIds"), removed = texts(in, "RemoveSecurityGroupIds");
  if (!added.empty() || !removed.empty()) {
    Value ids = Value::list();
    for (const std::string& id : group_ids(record)) ids.push_back(id);
    edit(ids, added, removed);
    if (ids.as_list().empty()) refuse("InvalidParameter", "An interface endpoint needs at least one security group.");
    set_groups(records, record, texts(Value::map({{"Ids", ids}}), "Ids"));
  }
  remove_subnets(records, record, texts(in, "RemoveSubnetIds"));
  add_subnets(records, record, texts(in, "AddSubnetIds"));
  if (const Value* names = in.find("PrivateDnsEnabled")) {
    record.set("PrivateDnsEnabled", *names);
    if (names->as_bool()) check_private_names(records, record);
  }
}

Value modify(Records& records, const Value& in) {
  Value record = records.get(endpoint, in.at("VpcEndpointId").as_string());
  const bool gateway = is_gateway(record);
  check_address_type(in);
  if (in.bool_or("ResetPolicy"))
    record.set("PolicyDocument", gateway ? gateway_policy : interface_policy);
  else if (const std::string document = in.string_or("PolicyDocument"); !document.empty())
    record.set("PolicyDocument", checked_policy(document));
  if (gateway)
    modify_gateway(records, record, in);
  else
    modify_interface(records, record, in);
  records.put(endpoint, record);
  return Value::map({{"Return", true}});
}

Value remove(Records& records, const Value& in) {
  ValueList failed;
  for (const std::string& id : texts(in, "VpcEndpointIds")) {
    const auto record = records.find(endpoint, id);
    if (!record) {
      failed.push_back(Value::map(
          {{"ResourceId", id},
           {"Error", Value::map({{"Code", endpoint.not_found}, {"Message", filled(endpoint.missing_id, id)}})}}));
      continue;
    }
    for (const std::string& table : texts(*record, "RouteTableIds")) take_from_table(records, id, table);
    for (const std::string& interface : texts(*record, "NetworkInterfaceIds"))
      records.erase(network_interface, interface);
    records.erase(endpoint, id);
  }
  return Value::map({{"Unsuccessful", std::move(failed)}});
}

Value describe_endpoints(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"ip-address-type", "IpAddressType"},
                                       {"service-name", "ServiceName"},
                                       {"service-region", "ServiceRegion"},
                                       {"vpc-endpoint-id", "VpcEndpointId"},
                                       {"vpc-endpoint-state", "State"},
                                       {"vpc-endpoint-type", "VpcEndpointType"},
                                       {"vpc-id", "VpcId"}};
  return describe(records, in, {endpoint, "VpcEndpoints", "VpcEndpointIds", filters, shown});
}

Value service_detail(Records& records, const EndpointService& service, bool gateway) {
  Value zones = Value::list(), zone_ids = Value::list();
  for (const Zone& zone : zones_of(records.region())) {
    zones.push_back(zone.name);
    zone_ids.push_back(zone.id);
  }
  Value detail = Value::map(
      {{"ServiceName", service.name},
       {"ServiceType", Value::list({Value::map({{"ServiceType", gateway ? "Gateway" : "Interface"}})})},
       {"ServiceRegion", records.region()},
       {"AvailabilityZones", zones},
       {"AvailabilityZoneIds", zone_ids},
       {"Owner", "amazon"},
       {"BaseEndpointDnsNames",
        Value::list({gateway ? service.private_name : service.host + "." + records.region() + ".vpce.amazonaws.com"})},
       {"VpcEndpointPolicySupported", true},
       {"AcceptanceRequired", false},
       {"ManagesVpcEndpoints", false},
       {"Tags", Value::list()},
       {"SupportedIpAddressTypes", Value::list({"ipv4"})}});
  if (!gateway)
    detail.set("PrivateDnsName", service.private_name)
        .set("PrivateDnsNames", Value::list({Value::map({{"PrivateDnsName", service.private_name}})}))
        .set("PrivateDnsNameVerificationState", "verified");
  return detail;
}

Value describe_services(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"owner", "Owner"},
                                       {"service-name", "ServiceName"},
                                       {"service-region", "ServiceRegion"},
                                       {"service-type", "ServiceType.ServiceType"},
                                       {"supported-ip-address-types", "SupportedIpAddressTypes"},
                                       {"tag", "Tags"}};
  for (const std::string& region : texts(in, "ServiceRegions"))
    if (region != records.region())
      refuse("InvalidParameter", "tarn has no endpoints to services of other regions: " + region);
  const auto names = texts(in, "ServiceNames");
  for (const std::string& name : names)
    if (!find_endpoint_service(records.region(), name))
      refuse("InvalidServiceName", "The Vpc Endpoint Service '" + name + "' does not exist");
  ValueList items;
  for (const EndpointService& service : endpoint_services(records.region())) {
    if (!names.empty() && std::find(names.begin(), names.end(), service.name) == names.end()) continue;
    if (service.gateway) items.push_back(service_detail(records, service, true));
    if (service.interface) items.push_back(service_detail(records, service, false));
  }
  Value out = describe_items(in, "ServiceDetails", std::move(items), filters, [](const Value& item) {
    return item.at("ServiceName").as_string() + " " + item.at("ServiceType").as_list()[0].at("ServiceType").as_string();
  });
  ValueList shown_names;
  for (const Value& item : out.at("ServiceDetails").as_list())
    if (shown_names.empty() || shown_names.back() != item.at("ServiceName"))
      shown_names.push_back(item.at("ServiceName"));
  return out.set("ServiceNames", std::move(shown_names));
}

}  // namespace

std::span<const Action> endpoint_actions() {
  static constexpr Action actions[] = {
      {"CreateVpcEndpoint", create,
       "VpcEndpointType VpcId ServiceName PolicyDocument RouteTableIds SubnetIds SecurityGroupIds IpAddressType "
       "PrivateDnsEnabled TagSpecifications"},
      {"ModifyVpcEndpoint", modify,
       "VpcEndpointId ResetPolicy PolicyDocument AddRouteTableIds RemoveRouteTableIds AddSubnetIds RemoveSubnetIds "
       "AddSecurityGroupIds RemoveSecurityGroupIds IpAddressType PrivateDnsEnabled"},
      {"DeleteVpcEndpoints", remove, "VpcEndpointIds"},
      {"DescribeVpcEndpoints", describe_endpoints, "VpcEndpointIds Filters MaxResults NextToken", false},
      {"DescribeVpcEndpointServices", describe_services, "ServiceNames ServiceRegions Filters MaxResults NextToken",
       false},
  };
  return actions;
}

}  // namespace tarn::network
