#include "network/security_groups.hpp"

#include <algorithm>
#include <tuple>

#include "network/interfaces.hpp"
#include "network/tags.hpp"
#include "network/vpcs.hpp"

namespace tarn::network {
namespace {

constexpr std::size_t max_name_characters = 255;

void check_text(const std::string& text, const char* what, const char* parameter) {
  static constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*";
  if (text.empty() || text.size() > max_name_characters || text.find_first_not_of(allowed) != std::string::npos)
    refuse(
        "InvalidParameterValue",
        "Value (" + text + ") for parameter " + parameter + " is invalid. " + what +
            " may be up to 255 characters long and may only contain a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*");
}

Value make_group(Records& records, const Value& vpc_record, const std::string& name, const std::string& description,
                 Value tags) {
  const std::string id = records.new_id(security_group);
  Value group = Value::map({{"GroupId", id},
                            {"GroupName", name},
                            {"Description", description},
                            {"VpcId", vpc_record.at("VpcId")},
                            {"OwnerId", records.account()},
                            {"SecurityGroupArn", records.arn(security_group, id)},
                            {"Tags", std::move(tags)}});
  records.put(security_group, group);
  // All may leave, until somebody says otherwise.
  auto everything = [](const char* member, const char* cidr) {
    return Value::map({{"IpProtocol", "-1"}, {"FromPort", -1}, {"ToPort", -1}, {member, cidr}});
  };
  add_rule(records, group, true, everything("CidrIpv4", "0.0.0.0/0"), Value::list());
  if (vpc_has_ipv6(vpc_record)) add_rule(records, group, true, everything("CidrIpv6", "::/0"), Value::list());
  return group;
}

// The rules of one direction in the older form: one permission for each protocol and range of ports.
Value permissions(const std::vector<Value>& rules, bool egress) {
  ValueList out;
  for (const Value& rule : rules) {
    if (rule.bool_or("IsEgress") != egress) continue;
    const bool all = rule.at("IpProtocol").as_string() == "-1";
    auto it = std::find_if(out.begin(), out.end(), [&](const Value& p) {
      return p.at("IpProtocol") == rule.at("IpProtocol") &&
             (all || (p.int_or("FromPort") == rule.int_or("FromPort") && p.int_or("ToPort") == rule.int_or("ToPort")));
    });
    if (it == out.end()) {
      Value made = Value::map({{"IpProtocol", rule.at("IpProtocol")}});
      if (!all) made.set("FromPort", rule.at("FromPort")).set("ToPort", rule.at("ToPort"));
      for (const char* list : {"UserIdGroupPairs", "IpRanges", "Ipv6Ranges", "PrefixListIds"})
        made.set(list, Value::list());
      it = out.insert(out.end(), std::move(made));
    }
    Value source = Value::map();
    if (const Value* text = rule.find("Description")) source.set("Description", *text);
    if (const Value* group = rule.find("ReferencedGroupInfo")) {
      source.set("GroupId", group->at("GroupId")).set("UserId", group->at("UserId"));
      (*it)["UserIdGroupPairs"].push_back(std::move(source));
      continue;
    }
    for (const auto& [member, list, name] :
         {std::tuple{"CidrIpv4", "IpRanges", "CidrIp"}, std::tuple{"CidrIpv6", "Ipv6Ranges", "CidrIpv6"},
          std::tuple{"PrefixListId", "PrefixListIds", "PrefixListId"}})
      if (const Value* value = rule.find(member)) (*it)[list].push_back(source.set(name, *value));
  }
  return out;
}

Value shown(Records& records, Value group) {
  const auto rules = records.where(security_group_rule, "GroupId", group.at("GroupId").as_string());
  group.set("IpPermissions", permissions(rules, false)).set("IpPermissionsEgress", permissions(rules, true));
  return group;
}

Value create(Records& records, const Value& in) {
  const std::string name = in.at("GroupName").as_string(), id = in.string_or("VpcId");
  check_text(name, "Security group names", "groupName");
  check_text(in.at("Description").as_string(), "Security group descriptions", "groupDescription");
  if (name.starts_with("sg-"))
    refuse("InvalidParameterValue",
           "Value (" + name + ") for parameter groupName is invalid. Group names may not be in the format sg-*.");
  std::optional<Value> vpc_record = id.empty() ? default_vpc(records) : records.get(vpc, id);
  if (!vpc_record) refuse("VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for it.");
  const std::string vpc_id = vpc_record->at("VpcId").as_string();
  if (name == "default") refuse("InvalidParameterValue", "Cannot use reserved security group name: default");
  for (const Value& other : records.where(security_group, "VpcId", vpc_id))
    if (other.at("GroupName").as_string() == name)
      refuse("InvalidGroup.Duplicate", "The security group '" + name + "' already exists for VPC '" + vpc_id + "'");
  const Value group =
      make_group(records, *vpc_record, name, in.at("Description").as_string(), tags_for(security_group, in));
  return Value::map({{"GroupId", group.at("GroupId")},
                     {"SecurityGroupArn", group.at("SecurityGroupArn")},
                     {"Tags", group.at("Tags")}});
}

bool is_referenced(Records& records, const std::string& id) {
  const auto rules = records.all(security_group_rule);
  return std::any_of(rules.begin(), rules.end(), [&](const Value& rule) {
    const Value* other = rule.find("ReferencedGroupInfo");
    return other && other->at("GroupId").as_string() == id && rule.at("GroupId").as_string() != id;
  });
}

Value remove(Records& records, const Value& in) {
  const Value group = group_in(records, in);
  const std::string id = group.at("GroupId").as_string(), name = group.at("GroupName").as_string();
  if (name == "default")
    refuse("CannotDelete", "the specified group: \"" + id + "\" name: \"default\" cannot be deleted by a user");
  if (is_referenced(records, id) || group_is_used(records, id) || records.is_stood_in(id))
    refuse("DependencyViolation", "resource " + id + " has a dependent object");
  erase_security_group(records, id);
  return Value::map({{"Return", true}, {"GroupId", id}});
}

constexpr Filter group_filters[] = {
    {"description", "Description"},
    {"egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"},
    {"egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"},
    {"egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"},
    {"egress.ip-permission.group-name", "IpPermissionsEgress.UserIdGroupPairs.GroupName"},
    {"egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"},
    {"egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId"},
    {"egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"},
    {"egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"},
    {"egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId"},
    {"group-id", "GroupId"},
    {"group-name", "GroupName"},
    {"ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"},
    {"ip-permission.from-port", "IpPermissions.FromPort"},
    {"ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"},
    {"ip-permission.group-name", "IpPermissions.UserIdGroupPairs.GroupName"},
    {"ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"},
    {"ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId"},
    {"ip-permission.protocol", "IpPermissions.IpProtocol"},
    {"ip-permission.to-port", "IpPermissions.ToPort"},
    {"ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId"},
    {"owner-id", "OwnerId"},
    {"primary-vpc-id", "VpcId"},
    {"vpc-id", "VpcId"}};

Value describe_groups(Records& records, const Value& in) {
  // Names are for groups of the default VPC.
  Value asked = in;
  const auto names = texts(in, "GroupNames");
  if (!names.empty()) {
    Value ids = in.find("GroupIds") ? in.at("GroupIds") : Value::list();
    for (const std::string& name : names)
      ids.push_back(group_in(records, Value::map({{"GroupName", name}})).at("GroupId"));
    asked.set("GroupIds", std::move(ids));
  }
  return describe(records, asked, {security_group, "SecurityGroups", "GroupIds", group_filters, shown});
}

Value groups_for_vpc(Records& records, const Value& in) {
  const std::string vpc_id = in.at("VpcId").as_string();
  records.get(vpc, vpc_id);
  ValueList items;
  for (Value& group : records.where(security_group, "VpcId", vpc_id)) {
    group.set("PrimaryVpcId", vpc_id);
    items.push_back(shown(records, std::move(group)));
  }
  std::vector<Filter> filters(std::begin(group_filters), std::end(group_filters));
  filters.push_back({"tag", "Tags"});
  return describe_items(in, "SecurityGroupForVpcs", std::move(items), filters,
                        [](const Value& item) { return item.at("GroupId").as_string(); });
}

// Groups of other VPCs can be named over a peering connection alone, and there is none.
Value describe_references(Records& records, const Value& in) {
  for (const std::string& id : texts(in, "GroupId")) records.get(security_group, id);
  return Value::map({{"SecurityGroupReferenceSet", Value::list()}});
}

}  // namespace

void make_default_security_group(Records& records, const Value& vpc_record) {
  const Value group = make_group(records, vpc_record, "default", "default VPC security group", Value::list());
  add_rule(records, group, false,
           Value::map({{"IpProtocol", "-1"},
                       {"FromPort", -1},
                       {"ToPort", -1},
                       {"ReferencedGroupInfo",
                        Value::map({{"GroupId", group.at("GroupId")}, {"UserId", records.account()}})}}),
           Value::list());
}

std::string default_group(Records& records, const std::string& vpc_id) {
  for (const Value& group : records.where(security_group, "VpcId", vpc_id))
    if (group.at("GroupName").as_string() == "default") return group.at("GroupId").as_string();
  assertion_failed("a VPC has a default group", __FILE__, __LINE__);
}

void erase_security_group(Records& records, const std::string& id) {
  for (const Value& rule : records.where(security_group_rule, "GroupId", id))
    records.erase(security_group_rule, rule.at("SecurityGroupRuleId").as_string());
  records.erase(security_group, id);
}

Value group_in(Records& records, const Value& in) {
  const std::string id = in.string_or("GroupId"), name = in.string_or("GroupName");
  if (!id.empty()) return records.get(security_group, id);
  if (name.empty()) refuse("MissingParameter", "The request must contain the parameter groupName or groupId");
  if (const auto vpc_record = default_vpc(records))
    for (Value& group : records.where(security_group, "VpcId", vpc_record->at("VpcId").as_string()))
      if (group.at("GroupName").as_string() == name) return std::move(group);
  refuse("InvalidGroup.NotFound", "The security group '" + name + "' does not exist in default VPC");
}

Value add_rule(Records& records, const Value& group, bool egress, Value what, Value tags) {
  const std::string id = records.new_id(security_group_rule);
  Value rule = Value::map({{"SecurityGroupRuleId", id},
                           {"GroupId", group.at("GroupId")},
                           {"GroupOwnerId", records.account()},
                           {"IsEgress", egress},
                           {"SecurityGroupRuleArn", records.arn(security_group_rule, id)},
                           {"Tags", std::move(tags)}});
  for (ValueMember& member : what.as_map()) rule.set(member.key, std::move(member.value));
  records.put(security_group_rule, rule);
  return rule;
}

std::span<const Action> security_group_actions() {
  static constexpr Action actions[] = {
      {"CreateSecurityGroup", create, "GroupName Description VpcId TagSpecifications"},
      {"DeleteSecurityGroup", remove, "GroupId GroupName"},
      {"DescribeSecurityGroups", describe_groups, "GroupIds GroupNames Filters MaxResults NextToken", false},
      {"GetSecurityGroupsForVpc", groups_for_vpc, "VpcId Filters MaxResults NextToken", false},
      {"DescribeSecurityGroupReferences", describe_references, "GroupId", false},
  };
  return actions;
}

}  // namespace tarn::network
