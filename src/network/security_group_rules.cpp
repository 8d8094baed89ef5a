#include <algorithm>

#include "network/address_blocks.hpp"
#include "network/prefix_lists.hpp"
#include "network/protocols.hpp"
#include "network/security_groups.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

constexpr std::size_t max_rules = 60;  // of one direction, of one group

// What a rule lets through, as the members of a SecurityGroupRule: protocol, ports, one source (or destination).
struct Wanted {
  Value what;
  std::string text;  // as InvalidPermission.Duplicate words it
};

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}

std::string wording(const Value& what, const std::string& peer) {
  const std::string protocol = what.at("IpProtocol").as_string();
  if (protocol == "-1") return "peer: " + peer + ", ALL, ALLOW";
  return "peer: " + peer + ", " + upper(protocol) + ", from port: " + std::to_string(what.at("FromPort").as_int()) +
         ", to port: " + std::to_string(what.at("ToPort").as_int()) + ", ALLOW";
}

// Protocol and ports.
Value traffic(const Value& in) {
  const std::string protocol = security_group_protocol(in.string_or("IpProtocol"));
  const PortRange ports = check_ports(protocol, in.find("FromPort"), in.find("ToPort"));
  return Value::map({{"IpProtocol", protocol}, {"FromPort", ports.from}, {"ToPort", ports.to}});
}

void set_cidr(Value& what, const char* member, const std::string& text, int bits) {
  const auto block = parse_block(text, bits);
  if (!block) refuse("InvalidParameterValue", "CIDR block " + text + " is malformed");
  what.set(member, block->text());
}

void set_group(Records& records, Value& what, const Value& pair) {
  std::string id = pair.string_or("GroupId");
  if (id.empty()) id = group_in(records, pair).at("GroupId").as_string();
  records.get(security_group, id);
  const std::string owner = pair.string_or("UserId", records.account());
  if (!owner.empty() && owner != records.account())
    refuse("InvalidGroup.NotFound", "The security group '" + id + "' of account " + owner + " does not exist");
  what.set("ReferencedGroupInfo", Value::map({{"GroupId", id}, {"UserId", records.account()}}));
}

// Every source of a list of IpPermissions becomes a rule.
std::vector<Wanted> wanted_rules(Records& records, const Value& permissions) {
  std::vector<Wanted> out;
  for (const Value& permission : permissions.as_list()) {
    const Value base = traffic(permission);
    const std::size_t before = out.size();
    auto each = [&](const char* list, const auto& set) {
      const Value* items = permission.find(list);
      if (!items) return;
      for (const Value& item : items->as_list()) {
        Value what = base;
        const std::string peer = set(what, item);
        if (const std::string text = item.string_or("Description"); !text.empty())
          what.set("Description", checked_rule_description(text));
        std::string words = wording(what, peer);
        out.push_back({std::move(what), std::move(words)});
      }
    };
    each("IpRanges", [&](Value& what, const Value& item) {
      set_cidr(what, "CidrIpv4", item.string_or("CidrIp"), ipv4_bits);
      return what.at("CidrIpv4").as_string();
    });
    each("Ipv6Ranges", [&](Value& what, const Value& item) {
      set_cidr(what, "CidrIpv6", item.string_or("CidrIpv6"), ipv6_bits);
      return what.at("CidrIpv6").as_string();
    });
    each("PrefixListIds", [&](Value& what, const Value& item) {
      check_prefix_list(records, item.string_or("PrefixListId"));
      what.set("PrefixListId", item.at("PrefixListId"));
      return item.at("PrefixListId").as_string();
    });
    each("UserIdGroupPairs", [&](Value& what, const Value& item) {
      set_group(records, what, item);
      return what.at("ReferencedGroupInfo").at("GroupId").as_string();
    });
    if (out.size() == before)
      refuse("InvalidParameterValue",
             "The permission for protocol " + base.at("IpProtocol").as_string() + " names no source or destination");
  }
  return out;
}

// The input's IpPermissions, or the one that its older members make.
Value permissions_in(const Value& in) {
  const Value* list = in.find("IpPermissions");
  if (list && !list->as_list().empty()) {
    if (!in.string_or("IpProtocol").empty() || !in.string_or("CidrIp").empty())
      refuse("InvalidParameterCombination",
             "The parameter 'ipPermissions' may not be used in combination with "
             "'ipProtocol' and 'cidrIp'");
    return *list;
  }
  const std::string cidr = in.string_or("CidrIp"), group = in.string_or("SourceSecurityGroupName");
  if (cidr.empty() && group.empty()) refuse("MissingParameter", "The request must contain the parameter ipPermissions");
  Value one = Value::map({{"IpProtocol", in.string_or("IpProtocol", group.empty() ? "" : "-1")}});
  for (const char* member : {"FromPort", "ToPort"})
    if (const Value* port = in.find(member)) one.set(member, *port);
  if (!cidr.empty()) one.set("IpRanges", Value::list({Value::map({{"CidrIp", cidr}})}));
  if (!group.empty()) {
    Value pair = Value::map({{"GroupName", group}});
    if (const Value* owner = in.find("SourceSecurityGroupOwnerId")) pair.set("UserId", *owner);
    one.set("UserIdGroupPairs", Value::list({std::move(pair)}));
  }
  return Value::list({std::move(one)});
}

// Whether the rule lets through what is asked for; descriptions do not matter.
bool same_traffic(const Value& rule, const Value& what) {
  for (const char* member :
       {"IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"}) {
    const Value *a = rule.find(member), *b = what.find(member);
    if (!a != !b || (a && *a != *b)) return false;
  }
  return true;
}

std::vector<Value> rules_of(Records& records, const Value& group, bool egress) {
  auto out = records.where(security_group_rule, "GroupId", group.at("GroupId").as_string());
  std::erase_if(out, [&](const Value& rule) { return rule.bool_or("IsEgress") != egress; });
  return out;
}

template <bool egress>
Value authorize(Records& records, const Value& in) {
  const Value group = group_in(records, in);
  auto there = rules_of(records, group, egress);
  const Value tags = tags_for(security_group_rule, in);
  ValueList made;
  for (Wanted& wanted : wanted_rules(records, permissions_in(in))) {
    if (std::any_of(there.begin(), there.end(), [&](const Value& rule) { return same_traffic(rule, wanted.what); }))
      refuse("InvalidPermission.Duplicate", "the specified rule \"" + wanted.text + "\" already exists");
    if (there.size() >= max_rules)
      refuse("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.");
    there.push_back(add_rule(records, group, egress, std::move(wanted.what), tags));
    made.push_back(there.back());
  }
  return Value::map({{"Return", true}, {"SecurityGroupRules", std::move(made)}});
}

Value revoked(Records& records, const Value& rule) {
  records.erase(security_group_rule, rule.at("SecurityGroupRuleId").as_string());
  Value out = rule;
  if (const Value* group = rule.find("ReferencedGroupInfo")) out.set("ReferencedGroupId", group->at("GroupId"));
  return out;
}

// The rule of this group and direction with that id.
Value rule_of(Records& records, const Value& group, bool egress, const std::string& id) {
  Value rule = records.get(security_group_rule, id);
  if (rule.at("GroupId") != group.at("GroupId") || rule.bool_or("IsEgress") != egress)
    refuse(security_group_rule.not_found, filled(security_group_rule.missing_id, id));
  return rule;
}

template <bool egress>
Value revoke(Records& records, const Value& in) {
  const Value group = group_in(records, in);
  ValueList gone;
  if (const auto ids = texts(in, "SecurityGroupRuleIds"); !ids.empty()) {
    for (const std::string& id : ids) gone.push_back(revoked(records, rule_of(records, group, egress, id)));
    return Value::map({{"Return", true}, {"RevokedSecurityGroupRules", std::move(gone)}});
  }
  const auto there = rules_of(records, group, egress);
  const Value permissions = permissions_in(in);
  ValueList unknown;
  for (const Value& permission : permissions.as_list()) {
    bool found = false;
    for (const Wanted& wanted : wanted_rules(records, Value::list({permission})))
      for (const Value& rule : there)
        if (same_traffic(rule, wanted.what)) {
          found = true;
          gone.push_back(revoked(records, rule));
        }
    if (!found) unknown.push_back(permission);
  }
  // In the default VPC AWS tells what it did not find; elsewhere that is an error.
  const auto home = default_vpc(records);
  if (!unknown.empty() && (!home || home->at("VpcId") != group.at("VpcId")))
    refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
  return Value::map(
      {{"Return", true}, {"RevokedSecurityGroupRules", std::move(gone)}, {"UnknownIpPermissions", std::move(unknown)}});
}

Value modify(Records& records, const Value& in) {
  const Value group = group_in(records, in);
  for (const Value& update : in.at("SecurityGroupRules").as_list()) {
    const std::string id = update.string_or("SecurityGroupRuleId");
    Value rule = records.get(security_group_rule, id);
    if (rule.at("GroupId") != group.at("GroupId"))
      refuse(security_group_rule.not_found, filled(security_group_rule.missing_id, id));
    const Value* request = update.find("SecurityGroupRule");
    if (!request) refuse("MissingParameter", "The request must contain the parameter SecurityGroupRule");
    Value permission = Value::map();
    for (const char* member : {"IpProtocol", "FromPort", "ToPort"})
      if (const Value* value = request->find(member)) permission.set(member, *value);
    int sources = 0;
    auto take = [&](const char* member, const char* list, const char* name) {
      const std::string value = request->string_or(member);
      if (value.empty()) return;
      sources++;
      permission.set(list,
                     Value::list({Value::map({{name, value}, {"Description", request->string_or("Description")}})}));
    };
    take("CidrIpv4", "IpRanges", "CidrIp");
    take("CidrIpv6", "Ipv6Ranges", "CidrIpv6");
    take("PrefixListId", "PrefixListIds", "PrefixListId");
    take("ReferencedGroupId", "UserIdGroupPairs", "GroupId");
    if (sources != 1)
      refuse(sources ? "InvalidParameterCombination" : "MissingParameter",
             "A rule must name exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId");
    Wanted wanted = wanted_rules(records, Value::list({std::move(permission)})).at(0);
    for (const Value& other : rules_of(records, group, rule.bool_or("IsEgress")))
      if (other.at("SecurityGroupRuleId") != rule.at("SecurityGroupRuleId") && same_traffic(other, wanted.what))
        refuse("InvalidPermission.Duplicate", "the specified rule \"" + wanted.text + "\" already exists");
    for (const char* member : {"IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId",
                               "ReferencedGroupInfo", "Description"})
      rule.erase(member);
    for (ValueMember& member : wanted.what.as_map()) rule.set(member.key, std::move(member.value));
    records.put(security_group_rule, rule);
  }
  return Value::map({{"Return", true}});
}

void describe_rule(Records& records, Value rule, const std::string& description) {
  rule.erase("Description");
  if (!description.empty()) rule.set("Description", checked_rule_description(description));
  records.put(security_group_rule, rule);
}

template <bool egress>
Value update_descriptions(Records& records, const Value& in) {
  const Value group = group_in(records, in);
  const Value *permissions = in.find("IpPermissions"), *by_id = in.find("SecurityGroupRuleDescriptions");
  if (!permissions && !by_id) refuse("MissingParameter", "The request must contain the parameter ipPermissions");
  if (by_id)
    for (const Value& one : by_id->as_list())
      describe_rule(records, rule_of(records, group, egress, one.string_or("SecurityGroupRuleId")),
                    one.string_or("Description"));
  if (permissions)
    for (const Wanted& wanted : wanted_rules(records, *permissions)) {
      bool found = false;
      for (const Value& rule : rules_of(records, group, egress))
        if (same_traffic(rule, wanted.what)) {
          describe_rule(records, rule, wanted.what.string_or("Description"));
          found = true;
        }
      if (!found) refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
    }
  return Value::map({{"Return", true}});
}

Value describe_rules(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"group-id", "GroupId"}, {"security-group-rule-id", "SecurityGroupRuleId"}};
  return describe(records, in, {security_group_rule, "SecurityGroupRules", "SecurityGroupRuleIds", filters});
}

constexpr std::string_view ingress_members =
    "GroupId GroupName IpPermissions CidrIp FromPort ToPort IpProtocol SourceSecurityGroupName "
    "SourceSecurityGroupOwnerId TagSpecifications";
constexpr std::string_view egress_members =
    "GroupId IpPermissions CidrIp FromPort ToPort IpProtocol SourceSecurityGroupName SourceSecurityGroupOwnerId "
    "TagSpecifications";
constexpr std::string_view revoke_ingress_members =
    "GroupId GroupName IpPermissions SecurityGroupRuleIds CidrIp FromPort ToPort IpProtocol SourceSecurityGroupName "
    "SourceSecurityGroupOwnerId";
constexpr std::string_view revoke_egress_members =
    "GroupId IpPermissions SecurityGroupRuleIds CidrIp FromPort ToPort IpProtocol SourceSecurityGroupName "
    "SourceSecurityGroupOwnerId";

}  // namespace

std::span<const Action> security_group_rule_actions() {
  static constexpr Action actions[] = {
      {"AuthorizeSecurityGroupIngress", authorize<false>, ingress_members},
      {"AuthorizeSecurityGroupEgress", authorize<true>, egress_members},
      {"RevokeSecurityGroupIngress", revoke<false>, revoke_ingress_members},
      {"RevokeSecurityGroupEgress", revoke<true>, revoke_egress_members},
      {"ModifySecurityGroupRules", modify, "GroupId SecurityGroupRules"},
      {"UpdateSecurityGroupRuleDescriptionsIngress", update_descriptions<false>,
       "GroupId GroupName IpPermissions SecurityGroupRuleDescriptions"},
      {"UpdateSecurityGroupRuleDescriptionsEgress", update_descriptions<true>,
       "GroupId GroupName IpPermissions SecurityGroupRuleDescriptions"},
      {"DescribeSecurityGroupRules", describe_rules, "SecurityGroupRuleIds Filters MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
