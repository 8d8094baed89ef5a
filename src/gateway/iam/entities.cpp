#include <map>

#include "gateway/iam/records.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

// What leaves tarn: the trust policy percent-encoded; in lists, AWS leaves tags and boundaries out.
Value shown(const EntityType& type, const Value& record, bool in_list) {
  Value entity = record.at("Entity");
  if (Value* trust = entity.find("AssumeRolePolicyDocument")) *trust = encode_document(trust->as_string());
  if (in_list) {
    entity.erase("Tags");
    entity.erase("PermissionsBoundary");
  }
  if (&type == &role && !in_list) entity.set("RoleLastUsed", Value::map());
  return entity;
}

std::string name_in(const EntityType& type, const Context& context, const Value& input) {
  const std::string name = input.string_or(type.member("Name"));
  if (!name.empty()) return name;
  // GetUser and others without a name mean the caller.
  auto slash = context.principal.arn.rfind("user/");
  if (slash == std::string::npos)
    throw Error(ErrorKind::caller, "ValidationError", "Must specify userName when calling with non-User credentials");
  return context.principal.arn.substr(context.principal.arn.rfind('/') + 1);
}

void change(const Services& s, const EntityType& type, Context& context, const std::string& name,
            const std::function<void(Value& record)>& edit) {
  s.metadata.change(context.principal.arn, [&](meta::Transaction& t) {
    Value record = get(t, type, context.account(), name);
    check_modifiable(type, record);
    edit(record);
    put(t, type, context.account(), record);
  });
}

Value create(const Services& s, const EntityType& type, Context& context, const Value& input) {
  Value record = Value::map({{"Entity", make_entity(type, context, input, s.random)}});
  if (&type == &role) {
    govern::check_policy(input.at("AssumeRolePolicyDocument").as_string(), govern::PolicyKind::trust);
    Value& entity = record["Entity"];
    entity.set("AssumeRolePolicyDocument", input.at("AssumeRolePolicyDocument"));
    entity.set("MaxSessionDuration", input.int_or("MaxSessionDuration", 3600));
    if (const Value* description = input.find("Description")) entity.set("Description", *description);
  }
  s.metadata.change(context.principal.arn, [&](meta::Transaction& t) { add(t, type, context.account(), record); });
  return Value::map({{std::string(type.name), shown(type, record, false)}});
}

// A thing that still holds others is not deleted.
void check_deletable(meta::Transaction& t, const EntityType& type, const std::string& account, const std::string& name,
                     const Value& record) {
  check_modifiable(type, record);
  auto refuse = [](const char* what) { throw Error(ErrorKind::conflict, "DeleteConflict", what); };
  auto filled = [&](const char* member) {
    const Value* v = record.find(member);
    return v && ((v->is_list() && !v->as_list().empty()) || (v->is_map() && !v->as_map().empty()));
  };
  if (filled("Attached")) refuse("Cannot delete entity, must detach all policies first.");
  if (filled("Inline")) refuse("Cannot delete entity, must delete policies first.");
  if (filled("Members")) refuse("Cannot delete entity, must remove users from group first.");
  if (filled("Roles")) refuse("Cannot delete entity, must remove roles from instance profile first.");
  if (&type == &user) {
    if (t.count("iam.access_key", meta::prefix({account, name})))
      refuse("Cannot delete entity, must delete access keys first.");
    for (const auto& g : t.list("iam.group", meta::prefix({account})))
      if (const Value* members = g.value.find("Members"))
        for (const Value& member : members->as_list())
          if (member.as_string() == name) refuse("Cannot delete entity, must remove users from group first.");
  }
  if (&type == &role)
    for (const auto& profile : t.list("iam.instance_profile", meta::prefix({account})))
      if (const Value* roles = profile.value.find("Roles"))
        for (const Value& member : roles->as_list())
          if (member.as_string() == name)
            refuse("Cannot delete entity, must remove roles from instance profile first.");
}

Value remove(const Services& s, const EntityType& type, Context& context, const Value& input) {
  const std::string name = name_in(type, context, input);
  s.metadata.change(context.principal.arn, [&](meta::Transaction& t) {
    check_deletable(t, type, context.account(), name, get(t, type, context.account(), name));
    t.erase(type.record, meta::key({context.account(), name}));
  });
  return Value::map();
}

Value list(const Services& s, const EntityType& type, Context& context, const Value& input) {
  const std::string path = input.string_or("PathPrefix", "/");
  ValueList items;
  for (const auto& r : s.metadata.list(type.record, meta::prefix({context.account()})))
    if (r.value.at("Entity").at("Path").as_string().starts_with(path)) items.push_back(shown(type, r.value, true));
  return page(input, type.member("s"), items, [&](const Value& v) { return v.at(type.member("Name")).as_string(); });
}

void register_common(const Services& s, const EntityType& type) {
  const std::string n(type.name);
  auto on = [&](const std::string& operation, auto f) {
    s.operations.add("iam:" + operation, [s, &type, f](Context& c, const Value& in) { return f(s, type, c, in); });
  };
  on("Create" + n, create);
  on("Delete" + n, remove);
  on("List" + n + "s", list);
}

void register_get(const Services& s, const EntityType& type) {
  s.operations.add("iam:Get" + std::string(type.name), [s, &type](Context& c, const Value& in) {
    if (&type == &user && in.string_or("UserName").empty() && c.principal.arn.ends_with(":root"))
      return Value::map({{"User", Value::map({{"Path", "/"},
                                              {"UserName", ""},
                                              {"UserId", c.account()},
                                              {"Arn", c.principal.arn},
                                              {"CreateDate", Time{}}})}});
    return Value::map(
        {{std::string(type.name), shown(type, get(s.metadata, type, c.account(), name_in(type, c, in)), false)}});
  });
}

void register_tags(const Services& s, const EntityType& type) {
  const std::string n(type.name);
  s.operations.add("iam:Tag" + n, [s, &type](Context& c, const Value& in) {
    change(s, type, c, in.at(type.member("Name")).as_string(),
           [&](Value& r) { set_tags(r["Entity"]["Tags"], in.at("Tags")); });
    return Value::map();
  });
  s.operations.add("iam:Untag" + n, [s, &type](Context& c, const Value& in) {
    change(s, type, c, in.at(type.member("Name")).as_string(),
           [&](Value& r) { remove_tags(r["Entity"]["Tags"], in.at("TagKeys")); });
    return Value::map();
  });
  s.operations.add("iam:List" + n + "Tags", [s, &type](Context& c, const Value& in) {
    Value entity = get(s.metadata, type, c.account(), in.at(type.member("Name")).as_string()).at("Entity");
    const Value* tags = entity.find("Tags");
    return page(in, "Tags", tags && tags->is_list() ? tags->as_list() : ValueList(),
                [](const Value& v) { return v.at("Key").as_string(); });
  });
}

void register_boundary(const Services& s, const EntityType& type) {
  const std::string n(type.name);
  s.operations.add("iam:Put" + n + "PermissionsBoundary", [s, &type](Context& c, const Value& in) {
    change(s, type, c, in.at(type.member("Name")).as_string(), [&](Value& r) {
      r["Entity"].set("PermissionsBoundary", Value::map({{"PermissionsBoundaryType", "Policy"},
                                                         {"PermissionsBoundaryArn", in.at("PermissionsBoundary")}}));
    });
    return Value::map();
  });
  s.operations.add("iam:Delete" + n + "PermissionsBoundary", [s, &type](Context& c, const Value& in) {
    change(s, type, c, in.at(type.member("Name")).as_string(),
           [](Value& r) { r["Entity"].erase("PermissionsBoundary"); });
    return Value::map();
  });
}

// Users and groups may be renamed and moved: the record goes to its new key.
void register_update(const Services& s, const EntityType& type) {
  s.operations.add("iam:Update" + std::string(type.name), [s, &type](Context& c, const Value& in) {
    const std::string name = in.at(type.member("Name")).as_string();
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      Value record = get(t, type, c.account(), name);
      Value& entity = record["Entity"];
      if (const Value* path = in.find("NewPath")) entity.set("Path", *path);
      const std::string renamed = in.string_or("New" + type.member("Name"), name);
      entity.set(type.member("Name"), renamed);
      entity.set("Arn", "arn:aws:iam::" + c.account() + ":" + std::string(type.arn_name) +
                            entity.at("Path").as_string() + renamed);
      if (renamed == name) return put(t, type, c.account(), record);
      if (t.count("iam.access_key", meta::prefix({c.account(), name})))
        throw Error(ErrorKind::unsupported, "NotImplemented",
                    "Renaming a user who has access keys: tarn can't do that yet. Delete the keys first.");
      add(t, type, c.account(), record);
      t.erase(type.record, meta::key({c.account(), name}));
    });
    return Value::map();
  });
}

void register_role_updates(const Services& s) {
  auto update = [s](Context& c, const Value& in) {
    change(s, role, c, in.at("RoleName").as_string(), [&](Value& r) {
      for (const char* member : {"Description", "MaxSessionDuration"})
        if (const Value* v = in.find(member)) r["Entity"].set(member, *v);
    });
  };
  s.operations.add("iam:UpdateRole", [update](Context& c, const Value& in) {
    update(c, in);
    return Value::map();
  });
  s.operations.add("iam:UpdateRoleDescription", [s, update](Context& c, const Value& in) {
    update(c, in);
    return Value::map(
        {{"Role", shown(role, get(s.metadata, role, c.account(), in.at("RoleName").as_string()), false)}});
  });
  s.operations.add("iam:UpdateAssumeRolePolicy", [s](Context& c, const Value& in) {
    govern::check_policy(in.at("PolicyDocument").as_string(), govern::PolicyKind::trust);
    change(s, role, c, in.at("RoleName").as_string(),
           [&](Value& r) { r["Entity"].set("AssumeRolePolicyDocument", in.at("PolicyDocument")); });
    return Value::map();
  });
}

}  // namespace

void register_entities(const Services& s) {
  for (const EntityType* type : {&user, &group, &role}) register_common(s, *type);
  for (const EntityType* type : {&user, &role}) {
    register_get(s, *type);
    register_tags(s, *type);
    register_boundary(s, *type);
  }
  register_tags(s, instance_profile);
  for (const EntityType* type : {&user, &group}) register_update(s, *type);
  register_role_updates(s);
}

}  // namespace tarn::gateway::iam
