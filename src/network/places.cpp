#include "network/places.hpp"

#include <algorithm>

#include "network/records.hpp"

namespace tarn::network {
namespace {

struct Region {
  std::string_view name;
  std::string_view code;   // as zone ids begin: "use1"
  std::string_view zones;  // their letters
  bool opt_in;             // not usable before somebody opts in
  std::string_view place;  // its long name
};

constexpr Region regions[] = {
    {"af-south-1", "afs1", "abc", true, "Africa (Cape Town)"},
    {"ap-east-1", "ape1", "abc", true, "Asia Pacific (Hong Kong)"},
    {"ap-northeast-1", "apne1", "acd", false, "Asia Pacific (Tokyo)"},
    {"ap-northeast-2", "apne2", "abcd", false, "Asia Pacific (Seoul)"},
    {"ap-northeast-3", "apne3", "abc", false, "Asia Pacific (Osaka)"},
    {"ap-south-1", "aps1", "abc", false, "Asia Pacific (Mumbai)"},
    {"ap-south-2", "aps2", "abc", true, "Asia Pacific (Hyderabad)"},
    {"ap-southeast-1", "apse1", "abc", false, "Asia Pacific (Singapore)"},
    {"ap-southeast-2", "apse2", "abc", false, "Asia Pacific (Sydney)"},
    {"ap-southeast-3", "apse3", "abc", true, "Asia Pacific (Jakarta)"},
    {"ap-southeast-4", "apse4", "abc", true, "Asia Pacific (Melbourne)"},
    {"ca-central-1", "cac1", "abd", false, "Canada (Central)"},
    {"ca-west-1", "caw1", "abc", true, "Canada West (Calgary)"},
    {"eu-central-1", "euc1", "abc", false, "Europe (Frankfurt)"},
    {"eu-central-2", "euc2", "abc", true, "Europe (Zurich)"},
    {"eu-north-1", "eun1", "abc", false, "Europe (Stockholm)"},
    {"eu-south-1", "eus1", "abc", true, "Europe (Milan)"},
    {"eu-south-2", "eus2", "abc", true, "Europe (Spain)"},
    {"eu-west-1", "euw1", "abc", false, "Europe (Ireland)"},
    {"eu-west-2", "euw2", "abc", false, "Europe (London)"},
    {"eu-west-3", "euw3", "abc", false, "Europe (Paris)"},
    {"il-central-1", "ilc1", "abc", true, "Israel (Tel Aviv)"},
    {"me-central-1", "mec1", "abc", true, "Middle East (UAE)"},
    {"me-south-1", "mes1", "abc", true, "Middle East (Bahrain)"},
    {"sa-east-1", "sae1", "abc", false, "South America (Sao Paulo)"},
    {"us-east-1", "use1", "abcdef", false, "US East (N. Virginia)"},
    {"us-east-2", "use2", "abc", false, "US East (Ohio)"},
    {"us-west-1", "usw1", "ac", false, "US West (N. California)"},
    {"us-west-2", "usw2", "abcd", false, "US West (Oregon)"},
};

Region region_named(std::string_view name) {
  auto it = std::find_if(std::begin(regions), std::end(regions), [&](const Region& r) { return r.name == name; });
  return it == std::end(regions) ? Region{name, name, "abc", false, name} : *it;
}

// Whoever calls a region that AWS makes one opt into has done so.
std::string_view opt_in_status(const Records& records, const Region& region) {
  if (!region.opt_in) return "opt-in-not-required";
  return region.name == records.region() ? "opted-in" : "not-opted-in";
}

Value describe_regions(Records& records, const Value& in) {
  static constexpr Filter filters[] = {
      {"endpoint", "Endpoint"}, {"opt-in-status", "OptInStatus"}, {"region-name", "RegionName"}};
  const auto names = texts(in, "RegionNames");
  std::vector<Region> found(std::begin(regions), std::end(regions));
  if (const Region own = region_named(records.region()); own.name == own.code) found.push_back(own);
  for (const std::string& name : names)
    if (std::none_of(found.begin(), found.end(), [&](const Region& r) { return r.name == name; }))
      refuse("InvalidParameterValue", "Invalid region names: '" + name + "'");
  ValueList items;
  for (const Region& region : found) {
    if (!names.empty() && std::find(names.begin(), names.end(), region.name) == names.end()) continue;
    const auto status = opt_in_status(records, region);
    if (names.empty() && !in.bool_or("AllRegions") && status == "not-opted-in") continue;
    items.push_back(Value::map({{"RegionName", region.name},
                                {"Endpoint", "ec2." + std::string(region.name) + ".amazonaws.com"},
                                {"OptInStatus", status}}));
  }
  return describe_items(in, "Regions", std::move(items), filters,
                        [](const Value& item) { return item.at("RegionName").as_string(); });
}

Value describe_zones(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"group-name", "GroupName"},
                                       {"message", "Messages.Message"},
                                       {"opt-in-status", "OptInStatus"},
                                       {"parent-zone-id", "ParentZoneId"},
                                       {"parent-zone-name", "ParentZoneName"},
                                       {"region-name", "RegionName"},
                                       {"state", "State"},
                                       {"zone-id", "ZoneId"},
                                       {"zone-name", "ZoneName"},
                                       {"zone-type", "ZoneType"}};
  const auto names = texts(in, "ZoneNames"), ids = texts(in, "ZoneIds");
  for (const auto* asked : {&names, &ids})
    for (const std::string& zone : *asked)
      if (!find_zone(records.region(), zone))
        refuse("InvalidParameterValue", "Invalid availability zone: [" + zone + "]");
  const Region region = region_named(records.region());
  ValueList items;
  for (const Zone& zone : zones_of(records.region())) {
    if (!names.empty() && std::find(names.begin(), names.end(), zone.name) == names.end()) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), zone.id) == ids.end()) continue;
    items.push_back(Value::map({{"ZoneName", zone.name},
                                {"ZoneId", zone.id},
                                {"State", "available"},
                                {"RegionName", region.name},
                                {"GroupName", std::string(region.name) + "-zg-1"},
                                {"GroupLongName", std::string(region.place) + " 1"},
                                {"NetworkBorderGroup", region.name},
                                {"ZoneType", "availability-zone"},
                                {"OptInStatus", "opt-in-not-required"},
                                {"Messages", Value::list()}}));
  }
  return describe_items(in, "AvailabilityZones", std::move(items), filters,
                        [](const Value& item) { return item.at("ZoneName").as_string(); });
}

Value describe_account_attributes(Records& records, const Value& in) {
  std::string default_vpc = "none";
  for (const Value& record : records.all(vpc))
    if (record.bool_or("IsDefault")) default_vpc = record.at("VpcId").as_string();
  // The quotas are AWS's defaults.
  const std::pair<const char*, std::string> attributes[] = {
      {"supported-platforms", "VPC"}, {"default-vpc", default_vpc},
      {"max-instances", "20"},        {"vpc-max-security-groups-per-interface", "5"},
      {"max-elastic-ips", "5"},       {"vpc-max-elastic-ips", "5"}};
  const auto names = texts(in, "AttributeNames");
  ValueList out;
  for (const auto& [name, value] : attributes)
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end())
      out.push_back(Value::map(
          {{"AttributeName", name}, {"AttributeValues", Value::list({Value::map({{"AttributeValue", value}})})}}));
  return Value::map({{"AccountAttributes", std::move(out)}});
}

}  // namespace

std::vector<Zone> zones_of(std::string_view name) {
  const Region region = region_named(name);
  std::vector<Zone> out;
  for (std::size_t i = 0; i < region.zones.size(); i++)
    out.push_back({std::string(name) + region.zones[i], std::string(region.code) + "-az" + std::to_string(i + 1)});
  return out;
}

std::optional<Zone> find_zone(std::string_view region, std::string_view name_or_id) {
  for (Zone& zone : zones_of(region))
    if (zone.name == name_or_id || zone.id == name_or_id) return std::move(zone);
  return std::nullopt;
}

std::span<const Action> place_actions() {
  static constexpr Action actions[] = {
      {"DescribeRegions", describe_regions, "RegionNames AllRegions Filters", false},
      {"DescribeAvailabilityZones", describe_zones, "ZoneNames ZoneIds AllAvailabilityZones Filters", false},
      {"DescribeAccountAttributes", describe_account_attributes, "AttributeNames", false},
  };
  return actions;
}

}  // namespace tarn::network
