#include <algorithm>
#include <map>

#include "gateway/iam/aws_policies.hpp"
#include "gateway/iam/records.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

// A record is {"Policy": AWS's Policy, "Versions": [AWS's PolicyVersion with its plain document], "Next": number of the
// next version}.
constexpr const char* kind = "iam.policy";

Value find(meta::Reader& reader, const Context& c, const Value& in) {
  const std::string& arn = in.at("PolicyArn").as_string();
  if (auto record = reader.get(kind, meta::key({c.account(), arn}))) return std::move(*record);
  if (const AwsPolicy* of_aws = find_aws_policy(arn)) return of_aws->record();
  if (is_aws_policy(arn))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not hold the text of AWS's own policy " + arn + "; it can only attach it.");
  no_such_entity("Policy " + arn + " does not exist or is not attachable.");
}

// The record of a policy that is to be changed, which AWS's own are not.
Value find_own(meta::Reader& reader, const Context& c, const Value& in) {
  if (is_aws_policy(in.at("PolicyArn").as_string()))
    throw Error(ErrorKind::caller, "InvalidInput", "Policy is outside your own account.");
  return find(reader, c, in);
}

void store(meta::Transaction& t, const Context& c, const Value& record) {
  t.put(kind, meta::key({c.account(), record.at("Policy").at("Arn").as_string()}), record);
}

// Who has it attached: {"users": [...], "groups": [...], "roles": [...]} as (name, id) records of
// ListEntitiesForPolicy.
struct Attachments {
  ValueList users, groups, roles;
  int64_t boundaries = 0;
  int64_t count() const { return static_cast<int64_t>(users.size() + groups.size() + roles.size()); }
};

Attachments attachments(meta::Reader& reader, const Context& c, const std::string& arn) {
  Attachments out;
  auto collect = [&](const EntityType& type, ValueList& into) {
    for (const auto& r : reader.list(type.record, meta::prefix({c.account()}))) {
      const Value& entity = r.value.at("Entity");
      if (const Value* boundary = entity.find("PermissionsBoundary");
          boundary && boundary->string_or("PermissionsBoundaryArn") == arn)
        out.boundaries++;
      const Value* attached = r.value.find("Attached");
      if (attached &&
          std::find(attached->as_list().begin(), attached->as_list().end(), Value(arn)) != attached->as_list().end())
        into.push_back(Value::map({{type.member("Name"), entity.at(type.member("Name"))},
                                   {type.member("Id"), entity.at(type.member("Id"))}}));
    }
  };
  collect(user, out.users);
  collect(group, out.groups);
  collect(role, out.roles);
  return out;
}

struct Uses {
  int64_t attached = 0, boundaries = 0;
};

// How often each policy is used, by its ARN.
std::map<std::string, Uses> all_uses(meta::Reader& reader, const Context& c) {
  std::map<std::string, Uses> out;
  for (const EntityType* type : {&user, &group, &role})
    for (const auto& r : reader.list(type->record, meta::prefix({c.account()}))) {
      if (const Value* boundary = r.value.at("Entity").find("PermissionsBoundary"))
        out[boundary->string_or("PermissionsBoundaryArn")].boundaries++;
      if (const Value* attached = r.value.find("Attached"))
        for (const Value& arn : attached->as_list()) out[arn.as_string()].attached++;
    }
  return out;
}

Value shown(meta::Reader& reader, const Context& c, const Value& record) {
  Value policy = record.at("Policy");
  auto held = attachments(reader, c, policy.at("Arn").as_string());
  policy.set("AttachmentCount", held.count());
  policy.set("PermissionsBoundaryUsageCount", held.boundaries);
  return policy;
}

Value version_of(const Value& record, const std::string& id) {
  for (const Value& v : record.at("Versions").as_list())
    if (v.at("VersionId").as_string() == id) return v;
  if (is_aws_policy(record.at("Policy").at("Arn").as_string()))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn holds only the default version of AWS's own policies, not " + id + " of " +
                    record.at("Policy").at("Arn").as_string());
  no_such_entity("Policy " + record.at("Policy").at("Arn").as_string() + " version " + id +
                 " does not exist or is not attachable.");
}

Value shown_version(const Value& record, const Value& version, bool with_document) {
  Value out = version;
  out.set("IsDefaultVersion", version.at("VersionId") == record.at("Policy").at("DefaultVersionId"));
  if (with_document)
    out.set("Document", encode_document(version.at("Document").as_string()));
  else
    out.erase("Document");
  return out;
}

Value create(const Services& s, Context& c, const Value& in) {
  const std::string& document = in.at("PolicyDocument").as_string();
  govern::check_policy(document, govern::PolicyKind::identity);
  const std::string path = in.string_or("Path", "/"), name = in.at("PolicyName").as_string();
  const std::string arn = "arn:aws:iam::" + c.account() + ":policy" + path + name;
  const Time now = std::chrono::floor<std::chrono::seconds>(c.now);
  Value policy = Value::map({{"PolicyName", name},
                             {"PolicyId", "ANPA" + s.random.alphanumeric(17)},
                             {"Arn", arn},
                             {"Path", path},
                             {"DefaultVersionId", "v1"},
                             {"IsAttachable", true},
                             {"CreateDate", now},
                             {"UpdateDate", now}});
  if (const Value* description = in.find("Description")) policy.set("Description", *description);
  if (const Value* tags = in.find("Tags")) set_tags(policy["Tags"], *tags);
  Value record = Value::map(
      {{"Policy", policy},
       {"Versions", Value::list({Value::map({{"VersionId", "v1"}, {"CreateDate", now}, {"Document", document}})})},
       {"Next", 2}});
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    if (t.get(kind, meta::key({c.account(), arn})))
      throw Error(ErrorKind::conflict, "EntityAlreadyExists",
                  "A policy called " + name + " already exists. Duplicate names are not allowed.");
    store(t, c, record);
  });
  return Value::map({{"Policy", shown(s.metadata, c, record)}});
}

Value remove(const Services& s, Context& c, const Value& in) {
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = find_own(t, c, in);
    const std::string& arn = in.at("PolicyArn").as_string();
    if (attachments(t, c, arn).count())
      throw Error(ErrorKind::conflict, "DeleteConflict", "Cannot delete a policy attached to entities.");
    if (record.at("Versions").as_list().size() > 1)
      throw Error(ErrorKind::conflict, "DeleteConflict",
                  "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                  "versions. The default version is deleted with the policy.");
    t.erase(kind, meta::key({c.account(), arn}));
  });
  return Value::map();
}

Value list(const Services& s, Context& c, const Value& in) {
  const std::string path = in.string_or("PathPrefix", "/"), scope = in.string_or("Scope", "All"),
                    usage = in.string_or("PolicyUsageFilter");
  const auto uses = all_uses(s.metadata, c);
  ValueList policies;
  auto take = [&](Value policy) {
    if (!policy.at("Path").as_string().starts_with(path)) return;
    const auto use = uses.find(policy.at("Arn").as_string());
    const Uses of_this = use == uses.end() ? Uses{} : use->second;
    if (in.bool_or("OnlyAttached") && of_this.attached == 0) return;
    if (usage == "PermissionsPolicy" && of_this.attached == 0) return;
    if (usage == "PermissionsBoundary" && of_this.boundaries == 0) return;
    policy.erase("Tags");
    policy.set("AttachmentCount", of_this.attached).set("PermissionsBoundaryUsageCount", of_this.boundaries);
    policies.push_back(std::move(policy));
  };
  if (scope != "AWS")
    for (auto& r : s.metadata.list(kind, meta::prefix({c.account()}))) take(std::move(r.value["Policy"]));
  if (scope != "Local")
    for (const AwsPolicy& policy : aws_policies()) take(std::move(policy.record()["Policy"]));
  std::sort(policies.begin(), policies.end(),
            [](const Value& a, const Value& b) { return a.at("Arn").as_string() < b.at("Arn").as_string(); });
  return page(in, "Policies", policies, [](const Value& v) { return v.at("Arn").as_string(); });
}

Value create_version(const Services& s, Context& c, const Value& in) {
  govern::check_policy(in.at("PolicyDocument").as_string(), govern::PolicyKind::identity);
  Value out;
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = find_own(t, c, in);
    auto& versions = record["Versions"].as_list();
    if (versions.size() >= 5)
      throw Error(ErrorKind::limit, "LimitExceeded",
                  "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
                  "existing version.");
    const int64_t number = record.at("Next").as_int();
    const Time now = std::chrono::floor<std::chrono::seconds>(c.now);
    Value version = Value::map(
        {{"VersionId", "v" + std::to_string(number)}, {"CreateDate", now}, {"Document", in.at("PolicyDocument")}});
    versions.insert(versions.begin(), version);
    record.set("Next", number + 1);
    if (in.bool_or("SetAsDefault")) record["Policy"].set("DefaultVersionId", version.at("VersionId"));
    record["Policy"].set("UpdateDate", now);
    store(t, c, record);
    out = shown_version(record, version, false);
  });
  return Value::map({{"PolicyVersion", out}});
}

Value delete_version(const Services& s, Context& c, const Value& in) {
  const std::string& id = in.at("VersionId").as_string();
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = find_own(t, c, in);
    version_of(record, id);
    if (record.at("Policy").at("DefaultVersionId").as_string() == id)
      throw Error(ErrorKind::conflict, "DeleteConflict", "Cannot delete the default version of a policy.");
    std::erase_if(record["Versions"].as_list(), [&](const Value& v) { return v.at("VersionId").as_string() == id; });
    store(t, c, record);
  });
  return Value::map();
}

Value set_default_version(const Services& s, Context& c, const Value& in) {
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = find_own(t, c, in);
    version_of(record, in.at("VersionId").as_string());
    record["Policy"].set("DefaultVersionId", in.at("VersionId"));
    store(t, c, record);
  });
  return Value::map();
}

Value list_versions(const Services& s, Context& c, const Value& in) {
  Value record = find(s.metadata, c, in);
  ValueList versions;
  for (const Value& v : record.at("Versions").as_list()) versions.push_back(shown_version(record, v, false));
  // Newest first: the marker must grow as the number falls.
  return page(in, "Versions", versions, [](const Value& v) {
    return std::to_string(2'000'000'000 - std::stoll(v.at("VersionId").as_string().substr(1)));
  });
}

Value list_entities(const Services& s, Context& c, const Value& in) {
  const std::string& arn = in.at("PolicyArn").as_string();
  if (!arn.starts_with("arn:aws:iam::aws:policy/")) find(s.metadata, c, in);
  auto held = attachments(s.metadata, c, arn);
  const std::string filter = in.string_or("EntityFilter");
  auto wanted = [&](const char* name) { return filter.empty() || filter == name; };
  return Value::map({{"PolicyGroups", wanted("Group") ? held.groups : ValueList()},
                     {"PolicyUsers", wanted("User") ? held.users : ValueList()},
                     {"PolicyRoles", wanted("Role") ? held.roles : ValueList()},
                     {"IsTruncated", false}});
}

void register_tags(const Services& s) {
  s.operations.add("iam:TagPolicy", [s](Context& c, const Value& in) {
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      Value record = find_own(t, c, in);
      set_tags(record["Policy"]["Tags"], in.at("Tags"));
      store(t, c, record);
    });
    return Value::map();
  });
  s.operations.add("iam:UntagPolicy", [s](Context& c, const Value& in) {
    s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      Value record = find_own(t, c, in);
      remove_tags(record["Policy"]["Tags"], in.at("TagKeys"));
      store(t, c, record);
    });
    return Value::map();
  });
  s.operations.add("iam:ListPolicyTags", [s](Context& c, const Value& in) {
    Value record = find(s.metadata, c, in);
    const Value* tags = record.at("Policy").find("Tags");
    return page(in, "Tags", tags && tags->is_list() ? tags->as_list() : ValueList(),
                [](const Value& v) { return v.at("Key").as_string(); });
  });
}

}  // namespace

void register_policies(const Services& s) {
  auto on = [&](const char* operation, auto f) {
    s.operations.add(operation, [s, f](Context& c, const Value& in) { return f(s, c, in); });
  };
  on("iam:CreatePolicy", create);
  on("iam:DeletePolicy", remove);
  on("iam:ListPolicies", list);
  on("iam:CreatePolicyVersion", create_version);
  on("iam:DeletePolicyVersion", delete_version);
  on("iam:SetDefaultPolicyVersion", set_default_version);
  on("iam:ListPolicyVersions", list_versions);
  on("iam:ListEntitiesForPolicy", list_entities);
  on("iam:GetPolicy", [](const Services& services, Context& c, const Value& in) {
    return Value::map({{"Policy", shown(services.metadata, c, find(services.metadata, c, in))}});
  });
  on("iam:GetPolicyVersion", [](const Services& services, Context& c, const Value& in) {
    Value record = find(services.metadata, c, in);
    return Value::map(
        {{"PolicyVersion", shown_version(record, version_of(record, in.at("VersionId").as_string()), true)}});
  });
  register_tags(s);
}

}  // namespace tarn::gateway::iam
