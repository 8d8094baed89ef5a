#include "network/network_acls.hpp"

#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/protocols.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

constexpr int64_t last_rule = 32766, deny_all_ipv4 = 32767, deny_all_ipv6 = 32768;

Value everything(int64_t number, const char* action, bool egress, const char* member, const char* cidr) {
  return Value::map(
      {{"RuleNumber", number}, {"Protocol", "-1"}, {"RuleAction", action}, {"Egress", egress}, {member, cidr}});
}

Value make_acl(Records& records, const Value& vpc_record, bool is_default, Value tags) {
  Value entries = Value::list();
  for (const bool egress : {true, false}) {
    if (is_default) entries.push_back(everything(100, "allow", egress, "CidrBlock", "0.0.0.0/0"));
    entries.push_back(everything(deny_all_ipv4, "deny", egress, "CidrBlock", "0.0.0.0/0"));
    if (!vpc_has_ipv6(vpc_record)) continue;
    if (is_default) entries.push_back(everything(101, "allow", egress, "Ipv6CidrBlock", "::/0"));
    entries.push_back(everything(deny_all_ipv6, "deny", egress, "Ipv6CidrBlock", "::/0"));
  }
  Value acl = Value::map({{"NetworkAclId", records.new_id(network_acl)},
                          {"VpcId", vpc_record.at("VpcId")},
                          {"OwnerId", records.account()},
                          {"IsDefault", is_default},
                          {"Associations", Value::list()},
                          {"Entries", std::move(entries)},
                          {"Tags", std::move(tags)}});
  records.put(network_acl, acl);
  return acl;
}

Value association(Records& records, const Value& acl, std::string_view subnet_id) {
  return Value::map({{"NetworkAclAssociationId", records.new_id("aclassoc-")},
                     {"NetworkAclId", acl.at("NetworkAclId")},
                     {"SubnetId", subnet_id}});
}

Value create(Records& records, const Value& in) {
  const Value vpc_record = records.get(vpc, in.at("VpcId").as_string());
  return Value::map({{"NetworkAcl", make_acl(records, vpc_record, false, tags_for(network_acl, in))}});
}

Value remove(Records& records, const Value& in) {
  const std::string id = in.at("NetworkAclId").as_string();
  const Value acl = records.get(network_acl, id);
  if (acl.bool_or("IsDefault")) refuse("InvalidParameterValue", "Default network acl '" + id + "' cannot be deleted.");
  if (!acl.at("Associations").as_list().empty()) refuse_deletion(network_acl, id);
  records.erase(network_acl, id);
  return Value::map();
}

// The rule that the input describes, checked.
Value entry_in(const Value& in) {
  const int64_t number = in.at("RuleNumber").as_int();
  if (number < 1 || number > last_rule)
    refuse("InvalidParameterValue",
           "Value (" + std::to_string(number) + ") for parameter ruleNumber is invalid. It must be from 1 to 32766.");
  Value entry = Value::map({{"RuleNumber", number},
                            {"Protocol", protocol_number(in.at("Protocol").as_string())},
                            {"RuleAction", in.at("RuleAction")},
                            {"Egress", in.at("Egress")}});
  const std::string ipv4 = in.string_or("CidrBlock"), ipv6 = in.string_or("Ipv6CidrBlock");
  if (ipv4.empty() == ipv6.empty())
    refuse(ipv4.empty() ? "MissingParameter" : "InvalidParameterCombination",
           "The request must contain exactly one of the parameters cidrBlock and ipv6CidrBlock");
  if (ipv4.empty())
    entry.set("Ipv6CidrBlock", block_in(ipv6, "ipv6CidrBlock", ipv6_bits).text());
  else
    entry.set("CidrBlock", block_in(ipv4, "cidrBlock").text());
  const std::string protocol = entry.at("Protocol").as_string();
  if (protocol == "6" || protocol == "17") {
    const Value* range = in.find("PortRange");
    if (!range || !range->find("From") || !range->find("To"))
      refuse("MissingParameter", "The request must contain the parameter portRange");
    const PortRange ports = check_ports("tcp", range->find("From"), range->find("To"));
    entry.set("PortRange", Value::map({{"From", ports.from}, {"To", ports.to}}));
  } else if (protocol == "1" || protocol == "58") {
    const Value* icmp = in.find("IcmpTypeCode");
    if (!icmp || !icmp->find("Type") || !icmp->find("Code"))
      refuse("MissingParameter", "The request must contain the parameter icmpTypeCode");
    check_ports("icmp", icmp->find("Type"), icmp->find("Code"));
    entry.set("IcmpTypeCode", *icmp);
  }
  return entry;
}

auto find_entry(Value& acl, const Value& in) {
  auto& list = acl["Entries"].as_list();
  return std::find_if(list.begin(), list.end(), [&](const Value& e) {
    return e.at("RuleNumber") == in.at("RuleNumber") && e.at("Egress") == in.at("Egress");
  });
}

[[noreturn]] void no_entry(const Value& in) {
  refuse("InvalidNetworkAclEntry.NotFound",
         "The network acl entry identified by " + std::to_string(in.at("RuleNumber").as_int()) + " does not exist.");
}

Value create_entry(Records& records, const Value& in) {
  Value acl = records.get(network_acl, in.at("NetworkAclId").as_string());
  Value entry = entry_in(in);
  if (find_entry(acl, in) != acl["Entries"].as_list().end())
    refuse("NetworkAclEntryAlreadyExists",
           "The network acl entry identified by " + std::to_string(in.at("RuleNumber").as_int()) + " already exists.");
  acl["Entries"].push_back(std::move(entry));
  std::stable_sort(
      acl["Entries"].as_list().begin(), acl["Entries"].as_list().end(),
      [](const Value& a, const Value& b) { return a.at("RuleNumber").as_int() < b.at("RuleNumber").as_int(); });
  records.put(network_acl, acl);
  return Value::map();
}

Value replace_entry(Records& records, const Value& in) {
  Value acl = records.get(network_acl, in.at("NetworkAclId").as_string());
  Value entry = entry_in(in);
  auto it = find_entry(acl, in);
  if (it == acl["Entries"].as_list().end()) no_entry(in);
  *it = std::move(entry);
  records.put(network_acl, acl);
  return Value::map();
}

Value delete_entry(Records& records, const Value& in) {
  Value acl = records.get(network_acl, in.at("NetworkAclId").as_string());
  auto it = find_entry(acl, in);
  if (it == acl["Entries"].as_list().end() || in.at("RuleNumber").as_int() > last_rule) no_entry(in);
  acl["Entries"].as_list().erase(it);
  records.put(network_acl, acl);
  return Value::map();
}

Value replace_association(Records& records, const Value& in) {
  const std::string id = in.at("AssociationId").as_string();
  const Value target = records.get(network_acl, in.at("NetworkAclId").as_string());
  for (Value& old : records.all(network_acl)) {
    auto& list = old["Associations"].as_list();
    auto it = std::find_if(list.begin(), list.end(),
                           [&](const Value& a) { return a.at("NetworkAclAssociationId").as_string() == id; });
    if (it == list.end()) continue;
    if (old.at("VpcId") != target.at("VpcId"))
      refuse("InvalidParameterValue", "network ACL " + target.at("NetworkAclId").as_string() + " and subnet " +
                                          it->at("SubnetId").as_string() + " belong to different networks");
    const std::string subnet_id = it->at("SubnetId").as_string();
    list.erase(it);
    records.put(network_acl, old);
    Value acl = records.get(network_acl, in.at("NetworkAclId").as_string());
    Value made = association(records, acl, subnet_id);
    acl["Associations"].push_back(made);
    records.put(network_acl, acl);
    return Value::map({{"NewAssociationId", made.at("NetworkAclAssociationId")}});
  }
  refuse("InvalidAssociationID.NotFound", "The association ID '" + id + "' does not exist");
}

Value describe_acls(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"association.association-id", "Associations.NetworkAclAssociationId"},
                                       {"association.network-acl-id", "Associations.NetworkAclId"},
                                       {"association.subnet-id", "Associations.SubnetId"},
                                       {"default", "IsDefault"},
                                       {"entry.cidr", "Entries.CidrBlock"},
                                       {"entry.egress", "Entries.Egress"},
                                       {"entry.icmp.code", "Entries.IcmpTypeCode.Code"},
                                       {"entry.icmp.type", "Entries.IcmpTypeCode.Type"},
                                       {"entry.ipv6-cidr", "Entries.Ipv6CidrBlock"},
                                       {"entry.port-range.from", "Entries.PortRange.From"},
                                       {"entry.port-range.to", "Entries.PortRange.To"},
                                       {"entry.protocol", "Entries.Protocol"},
                                       {"entry.rule-action", "Entries.RuleAction"},
                                       {"entry.rule-number", "Entries.RuleNumber"},
                                       {"network-acl-id", "NetworkAclId"},
                                       {"owner-id", "OwnerId"},
                                       {"vpc-id", "VpcId"}};
  return describe(records, in, {network_acl, "NetworkAcls", "NetworkAclIds", filters});
}

constexpr std::string_view entry_members =
    "NetworkAclId RuleNumber Protocol RuleAction Egress CidrBlock Ipv6CidrBlock IcmpTypeCode PortRange";

}  // namespace

void make_default_acl(Records& records, const Value& vpc_record) {
  make_acl(records, vpc_record, true, Value::list());
}

void associate_with_default_acl(Records& records, std::string_view vpc_id, const std::string& subnet_id) {
  for (Value& acl : records.where(network_acl, "VpcId", vpc_id)) {
    if (!acl.bool_or("IsDefault")) continue;
    acl["Associations"].push_back(association(records, acl, subnet_id));
    records.put(network_acl, acl);
  }
}

void forget_subnet_acl(Records& records, std::string_view subnet_id) {
  for (Value& acl : records.all(network_acl))
    if (std::erase_if(acl["Associations"].as_list(),
                      [&](const Value& a) { return a.at("SubnetId").as_string() == subnet_id; }))
      records.put(network_acl, acl);
}

std::span<const Action> network_acl_actions() {
  static constexpr Action actions[] = {
      {"CreateNetworkAcl", create, "VpcId TagSpecifications"},
      {"DeleteNetworkAcl", remove, "NetworkAclId"},
      {"CreateNetworkAclEntry", create_entry, entry_members},
      {"ReplaceNetworkAclEntry", replace_entry, entry_members},
      {"DeleteNetworkAclEntry", delete_entry, "NetworkAclId RuleNumber Egress"},
      {"ReplaceNetworkAclAssociation", replace_association, "AssociationId NetworkAclId"},
      {"DescribeNetworkAcls", describe_acls, "NetworkAclIds Filters MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
