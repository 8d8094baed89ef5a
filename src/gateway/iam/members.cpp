#include <algorithm>

#include "gateway/iam/records.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

ValueList& names(Value& record, const char* member) {
  if (!record[member].is_list()) record[member] = Value::list();
  return record[member].as_list();
}

// Roles as they stand inside an instance profile.
Value shown_profile(meta::Reader& reader, const std::string& account, const Value& record) {
  Value profile = record.at("Entity");
  ValueList roles;
  if (const Value* held = record.find("Roles"))
    for (const Value& name : held->as_list()) {
      Value entity = get(reader, role, account, name.as_string()).at("Entity");
      entity.set("AssumeRolePolicyDocument", encode_document(entity.at("AssumeRolePolicyDocument").as_string()));
      roles.push_back(std::move(entity));
    }
  profile.set("Roles", std::move(roles));
  return profile;
}

// Adds `name` to, or removes it from, the list `member` of the record `holder`.
void edit_members(const Services& s, Context& c, const EntityType& holder, const std::string& holder_name,
                  const EntityType& held, const std::string& name, const char* member, bool adding) {
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = get(t, holder, c.account(), holder_name);
    get(t, held, c.account(), name);
    ValueList& list = names(record, member);
    auto found = std::find(list.begin(), list.end(), Value(name));
    if (adding && &holder == &instance_profile && !list.empty())
      throw Error(ErrorKind::limit, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    if (adding && found == list.end()) list.push_back(name);
    if (!adding) {
      if (found == list.end())
        no_such_entity("The " + std::string(held.arn_name) + " with name " + name + " cannot be found.");
      list.erase(found);
    }
    put(t, holder, c.account(), record);
  });
}

void register_group_members(const Services& s) {
  for (bool adding : {true, false})
    s.operations.add(adding ? "iam:AddUserToGroup" : "iam:RemoveUserFromGroup", [s, adding](Context& c,
                                                                                            const Value& in) {
      edit_members(s, c, group, in.at("GroupName").as_string(), user, in.at("UserName").as_string(), "Members", adding);
      return Value::map();
    });
  s.operations.add("iam:GetGroup", [s](Context& c, const Value& in) {
    Value record = get(s.metadata, group, c.account(), in.at("GroupName").as_string());
    ValueList users;
    for (const Value& name : names(record, "Members"))
      users.push_back(get(s.metadata, user, c.account(), name.as_string()).at("Entity"));
    Value out = page(in, "Users", users, [](const Value& v) { return v.at("UserName").as_string(); });
    return out.set("Group", record.at("Entity"));
  });
  s.operations.add("iam:ListGroupsForUser", [s](Context& c, const Value& in) {
    const std::string& name = in.at("UserName").as_string();
    get(s.metadata, user, c.account(), name);
    ValueList groups;
    for (auto& r : s.metadata.list(group.record, meta::prefix({c.account()}))) {
      const ValueList& members = names(r.value, "Members");
      if (std::find(members.begin(), members.end(), Value(name)) != members.end())
        groups.push_back(r.value.at("Entity"));
    }
    return page(in, "Groups", groups, [](const Value& v) { return v.at("GroupName").as_string(); });
  });
}

void register_instance_profiles(const Services& s) {
  s.operations.add("iam:CreateInstanceProfile", [s](Context& c, const Value& in) {
    Value record = Value::map({{"Entity", make_entity(instance_profile, c, in, s.random)}});
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) { add(t, instance_profile, c.account(), record); });
    return Value::map({{"InstanceProfile", shown_profile(s.metadata, c.account(), record)}});
  });
  s.operations.add("iam:GetInstanceProfile", [s](Context& c, const Value& in) {
    Value record = get(s.metadata, instance_profile, c.account(), in.at("InstanceProfileName").as_string());
    return Value::map({{"InstanceProfile", shown_profile(s.metadata, c.account(), record)}});
  });
  s.operations.add("iam:DeleteInstanceProfile", [s](Context& c, const Value& in) {
    const std::string& name = in.at("InstanceProfileName").as_string();
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      Value record = get(t, instance_profile, c.account(), name);
      if (!names(record, "Roles").empty())
        throw Error(ErrorKind::conflict, "DeleteConflict",
                    "Cannot delete entity, must remove roles from instance profile first.");
      t.erase(instance_profile.record, meta::key({c.account(), name}));
    });
    return Value::map();
  });
  for (bool adding : {true, false})
    s.operations.add(adding ? "iam:AddRoleToInstanceProfile" : "iam:RemoveRoleFromInstanceProfile",
                     [s, adding](Context& c, const Value& in) {
                       edit_members(s, c, instance_profile, in.at("InstanceProfileName").as_string(), role,
                                    in.at("RoleName").as_string(), "Roles", adding);
                       return Value::map();
                     });
  auto list = [s](Context& c, const Value& in, const std::function<bool(Value&)>& wanted) {
    ValueList profiles;
    for (auto& r : s.metadata.list(instance_profile.record, meta::prefix({c.account()})))
      if (wanted(r.value)) profiles.push_back(shown_profile(s.metadata, c.account(), r.value));
    return page(in, "InstanceProfiles", profiles,
                [](const Value& v) { return v.at("InstanceProfileName").as_string(); });
  };
  s.operations.add("iam:ListInstanceProfiles", [list](Context& c, const Value& in) {
    const std::string path = in.string_or("PathPrefix", "/");
    return list(c, in, [&](Value& r) { return r.at("Entity").at("Path").as_string().starts_with(path); });
  });
  s.operations.add("iam:ListInstanceProfilesForRole", [s, list](Context& c, const Value& in) {
    const Value name = in.at("RoleName");
    get(s.metadata, role, c.account(), name.as_string());
    return list(c, in, [&](Value& r) {
      const ValueList& roles = names(r, "Roles");
      return std::find(roles.begin(), roles.end(), name) != roles.end();
    });
  });
}

}  // namespace

void register_members(const Services& s) {
  register_group_members(s);
  register_instance_profiles(s);
}

}  // namespace tarn::gateway::iam
