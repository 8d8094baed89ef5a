// The records behind IAM's operations, and what all of the operations' files share.
//
// A record is {"Entity": AWS's own shape (User, Role ...), "Inline": {policy name: document}, "Attached": [policy
// ARNs], "Members": [user names, of a group], "Roles": [of an instance profile]}, in the kind "iam.role" and so on,
// under (account, name).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway::iam {

// What may carry policies: a user, a group or a role.
struct EntityType {
  std::string_view name;       // "Role", as in AttachRolePolicy, RoleName, RoleId
  std::string_view arn_name;   // "role"
  std::string_view record;     // "iam.role"
  std::string_view id_prefix;  // "AROA"
  std::string member(std::string_view suffix) const { return std::string(name) + std::string(suffix); }
};
inline constexpr EntityType user{"User", "user", "iam.user", "AIDA"};
inline constexpr EntityType group{"Group", "group", "iam.group", "AGPA"};
inline constexpr EntityType role{"Role", "role", "iam.role", "AROA"};
inline constexpr EntityType instance_profile{"InstanceProfile", "instance-profile", "iam.instance_profile", "AIPA"};

struct Services {
  api::Operations& operations;
  meta::Metadata& metadata;
  Random& random;
};

// The record, or Error (missing, NoSuchEntity) in AWS's words.
Value get(meta::Reader& reader, const EntityType& type, std::string_view account, std::string_view name);
void put(meta::Transaction& t, const EntityType& type, std::string_view account, const Value& record);
// A new Entity with its path, name, id, ARN and date, and the input's tags.
Value make_entity(const EntityType& type, const api::Context& context, const Value& input, Random& random);
// Adds `record`, or throws Error (conflict, EntityAlreadyExists).
void add(meta::Transaction& t, const EntityType& type, std::string_view account, const Value& record);

// Below this path are the roles that AWS's services made, which nobody else changes.
inline constexpr std::string_view service_role_path = "/aws-service-role/";
// Throws Error (caller, UnmodifiableEntity) for such a role.
void check_modifiable(const EntityType& type, const Value& record);

[[noreturn]] void no_such_entity(const std::string& message);

// One page of `items` by Marker and MaxItems: {list_name: [...], "IsTruncated": ..., "Marker": ...}. `id_of` orders and
// marks them.
Value page(const Value& input, std::string_view list_name, const ValueList& items,
           const std::function<std::string(const Value&)>& id_of);

// Documents leave IAM percent-encoded (RFC 3986).
std::string encode_document(std::string_view document);

// Sets tags over those in `tags`, or removes keys; more than 50 is Error (limit, LimitExceeded).
void set_tags(Value& tags, const Value& added);
void remove_tags(Value& tags, const Value& keys);

void register_entities(const Services& s);           // users, groups, roles: create, read, change, delete, list, tag
void register_members(const Services& s);            // users in groups, roles in instance profiles
void register_attached_policies(const Services& s);  // inline and attached policies of users, groups and roles
void register_policies(const Services& s);           // managed policies and their versions
void register_access_keys(const Services& s);
void register_service_linked_roles(const Services& s);
void register_identity_providers(const Services& s);
void register_account(const Services& s);     // aliases, numbers, all details
void register_simulation(const Services& s);  // what policies would decide

}  // namespace tarn::gateway::iam
