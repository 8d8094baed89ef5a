#include "network/dhcp_options.hpp"

#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/tags.hpp"

namespace tarn::network {
namespace {

constexpr std::size_t max_servers = 4;

Value configuration(const std::string& key, const std::vector<std::string>& values) {
  ValueList list;
  for (const std::string& value : values) list.push_back(Value::map({{"Value", value}}));
  return Value::map({{"Key", key}, {"Values", std::move(list)}});
}

Value make_options(Records& records, Value configurations, Value tags) {
  return Value::map({{"DhcpOptionsId", records.new_id(dhcp_options)},
                     {"OwnerId", records.account()},
                     {"DhcpConfigurations", std::move(configurations)},
                     {"Tags", std::move(tags)}});
}

void check_option(const std::string& key, const std::vector<std::string>& values) {
  auto wrong = [&](const std::string& why) {
    refuse("InvalidParameterValue",
           "Value (" + (values.empty() ? "" : values[0]) + ") for parameter " + key + " is invalid. " + why);
  };
  if (values.empty()) wrong("An option has at least one value.");
  const bool servers = key == "domain-name-servers" || key == "ntp-servers" || key == "netbios-name-servers";
  if (servers) {
    if (values.size() > max_servers) wrong("Up to four servers can be given.");
    for (const std::string& value : values)
      if (value != "AmazonProvidedDNS" && !parse_address(value) && !parse_address(value, ipv6_bits))
        wrong("Not an IP address: " + value);
  } else if (key == "netbios-node-type") {
    static constexpr std::string_view types[] = {"1", "2", "4", "8"};
    if (values.size() != 1 || std::find(std::begin(types), std::end(types), values[0]) == std::end(types))
      wrong("The node type is 1, 2, 4 or 8.");
  } else if (key == "ipv6-address-preferred-lease-time") {
    const bool number = values.size() == 1 && values[0].size() < 10 &&
                        values[0].find_first_not_of("0123456789") == std::string::npos && !values[0].empty();
    if (!number || std::stol(values[0]) < 140) wrong("The lease time is a number of seconds from 140.");
  } else if (key != "domain-name") {
    refuse("InvalidParameterValue", "Value (" + key + ") for parameter name is invalid. Unknown DHCP option");
  }
}

Value create(Records& records, const Value& in) {
  Value configurations = Value::list();
  for (const Value& one : in.at("DhcpConfigurations").as_list()) {
    const std::string key = one.string_or("Key");
    const auto values = texts(one, "Values");
    check_option(key, values);
    configurations.push_back(configuration(key, values));
  }
  if (configurations.as_list().empty())
    refuse("MissingParameter", "The request must contain the parameter dhcpConfiguration");
  const Value made = make_options(records, std::move(configurations), tags_for(dhcp_options, in));
  records.put(dhcp_options, made);
  return Value::map({{"DhcpOptions", made}});
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("DhcpOptionsId").as_string();
  records.get(dhcp_options, id);
  if (records.any(vpc, "DhcpOptionsId", id)) refuse_deletion(dhcp_options, id);
  records.erase(dhcp_options, id);
  return Value::map();
}

Value associate(Records& records, const Value& in) {
  Value record = records.get(vpc, in.at("VpcId").as_string());
  const std::string id = in.at("DhcpOptionsId").as_string();
  if (id != "default") records.get(dhcp_options, id);  // "default": no set at all
  records.put(vpc, record.set("DhcpOptionsId", id));
  return Value::map();
}

Value describe_options(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"dhcp-options-id", "DhcpOptionsId"},
                                       {"key", "DhcpConfigurations.Key"},
                                       {"owner-id", "OwnerId"},
                                       {"value", "DhcpConfigurations.Values.Value"}};
  return describe(records, in, {dhcp_options, "DhcpOptions", "DhcpOptionsIds", filters});
}

}  // namespace

std::string default_dhcp_options(Records& records) {
  for (const Value& record : records.all(dhcp_options))
    if (const Value* kept = record.find("Kept"); kept && kept->bool_or("OfRegion"))
      return record.at("DhcpOptionsId").as_string();
  const std::string domain = records.region() == "us-east-1" ? "ec2.internal" : records.region() + ".compute.internal";
  Value made = make_options(records,
                            Value::list({configuration("domain-name", {domain}),
                                         configuration("domain-name-servers", {"AmazonProvidedDNS"})}),
                            Value::list());
  made.set("Kept", Value::map({{"OfRegion", true}}));
  records.put(dhcp_options, made);
  return made.at("DhcpOptionsId").as_string();
}

std::span<const Action> dhcp_actions() {
  static constexpr Action actions[] = {
      {"CreateDhcpOptions", create, "DhcpConfigurations TagSpecifications"},
      {"DeleteDhcpOptions", remove, "DhcpOptionsId"},
      {"AssociateDhcpOptions", associate, "DhcpOptionsId VpcId"},
      {"DescribeDhcpOptions", describe_options, "DhcpOptionsIds Filters MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
