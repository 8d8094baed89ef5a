#include "gateway/s3/bucket_acl.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/public_access.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr std::string_view all_users = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view authenticated_users = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
constexpr std::string_view log_delivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";
constexpr std::size_t max_grants = 100;

model::Grant grant_to(std::string_view type, std::string_view name, std::string_view permission) {
  model::Grant out;
  auto& grantee = out.grantee.emplace();
  grantee.type = type;
  (type == "Group" ? grantee.uri : grantee.id) = std::string(name);
  out.permission = std::string(permission);
  return out;
}

void check_id(const std::string& id) {
  const bool well = id.size() == 64 && std::all_of(id.begin(), id.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!well) throw invalid_argument("Invalid id").with("ArgumentName", "CanonicalUser/ID").with("ArgumentValue", id);
}

void check_group(const std::string& uri) {
  if (uri != all_users && uri != authenticated_users && uri != log_delivery)
    throw invalid_argument("Invalid group uri").with("ArgumentName", "Group/URI").with("ArgumentValue", uri);
}

[[noreturn]] void unresolvable(const std::string& email) {
  throw Error(ErrorKind::caller, "UnresolvableGrantByEmailAddress",
              "The email address you provided does not match any account on record.")
      .with("EmailAddress", email);
}

Error malformed_acl() {
  return Error(ErrorKind::caller, "MalformedACLError",
               "The XML you provided was not well-formed or did not validate against our published schema");
}

// Cuts spaces and one pair of quotes.
std::string_view bare(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

std::string object_ownership(const store::BucketInfo& bucket) {
  const Value* found = find_setting(bucket, setting::ownership);
  if (!found || !found->is_string()) return std::string(bucket_owner_enforced);
  return found->as_string() == "none" ? "ObjectWriter" : found->as_string();
}

bool allows_acls(const store::BucketInfo& bucket) {
  return object_ownership(bucket) != bucket_owner_enforced;
}

Error acls_not_supported() {
  return Error(ErrorKind::caller, "AccessControlListNotSupported", "The bucket does not allow ACLs");
}

Grants owner_alone(std::string_view account) {
  return {grant_to("CanonicalUser", canonical_user_id(account), "FULL_CONTROL")};
}

Grants canned_grants(std::string_view acl, std::string_view account, std::string_view bucket_account) {
  Grants out = owner_alone(account);
  if (acl == "private" || acl == "aws-exec-read") return out;
  if (acl == "public-read" || acl == "public-read-write") out.push_back(grant_to("Group", all_users, "READ"));
  if (acl == "public-read-write") out.push_back(grant_to("Group", all_users, "WRITE"));
  if (acl == "authenticated-read") out.push_back(grant_to("Group", authenticated_users, "READ"));
  if (acl == "log-delivery-write") {
    out.push_back(grant_to("Group", log_delivery, "WRITE"));
    out.push_back(grant_to("Group", log_delivery, "READ_ACP"));
  }
  const bool to_bucket_owner = acl == "bucket-owner-read" || acl == "bucket-owner-full-control";
  if (to_bucket_owner && account != bucket_account)
    out.push_back(grant_to("CanonicalUser", canonical_user_id(bucket_account),
                           acl == "bucket-owner-read" ? "READ" : "FULL_CONTROL"));
  if (out.size() == 1 && !to_bucket_owner)
    throw invalid_argument("").with("ArgumentName", "x-amz-acl").with("ArgumentValue", std::string(acl));
  return out;
}

void add_header_grants(std::string_view header, std::string_view permission, Grants& grants) {
  while (!header.empty()) {
    const std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(one.size() + 1, header.size()));
    const auto equals = one.find('=');
    const std::string_view kind = bare(one.substr(0, equals));
    const std::string name(equals == one.npos ? std::string_view() : bare(one.substr(equals + 1)));
    if (kind == "id") {
      check_id(name);
      grants.push_back(grant_to("CanonicalUser", name, permission));
    } else if (kind == "uri") {
      check_group(name);
      grants.push_back(grant_to("Group", name, permission));
    } else if (kind == "emailAddress") {
      unresolvable(name);
    } else {
      throw invalid_argument("Argument format not recognized")
          .with("ArgumentName", "x-amz-grant")
          .with("ArgumentValue", std::string(one));
    }
  }
  if (grants.size() > max_grants) throw malformed_acl();
}

Grants checked_grants(const model::AccessControlPolicy& policy, std::string_view account) {
  if (!policy.owner || !policy.owner->id) throw malformed_acl();
  if (*policy.owner->id != canonical_user_id(account)) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  Grants out;
  for (const auto& given : policy.grants.value_or(Grants())) {
    if (!given.grantee || !given.permission) throw malformed_acl();
    const auto& grantee = *given.grantee;
    if (grantee.type == "CanonicalUser" && grantee.id) {
      check_id(*grantee.id);
      out.push_back(grant_to("CanonicalUser", *grantee.id, *given.permission));
    } else if (grantee.type == "Group" && grantee.uri) {
      check_group(*grantee.uri);
      out.push_back(grant_to("Group", *grantee.uri, *given.permission));
    } else if (grantee.type == "AmazonCustomerByEmail" && grantee.email_address) {
      unresolvable(*grantee.email_address);
    } else {
      throw malformed_acl();
    }
  }
  if (out.size() > max_grants) throw malformed_acl();
  return out;
}

Value stored_acl(const Parts& parts, const store::BucketInfo& bucket, const std::optional<Grants>& grants,
                 const std::optional<std::string>& canned) {
  if (!grants) return {};
  const bool owner_only = *grants == owner_alone(bucket.account);
  const bool allowed_anywhere = owner_only && canned != "bucket-owner-read" && canned != "aws-exec-read";
  if (!allowed_anywhere && !allows_acls(bucket)) throw acls_not_supported();
  if (is_public(*grants) && public_access(parts, bucket).block_public_acls)
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  return owner_only ? Value() : to_value(*grants);
}

bool everybody_reads(const Grants& grants) {
  return std::any_of(grants.begin(), grants.end(), [](const model::Grant& grant) {
    return grant.grantee && grant.grantee->uri == all_users &&
           (grant.permission == "READ" || grant.permission == "FULL_CONTROL");
  });
}

bool is_public(const Grants& grants) {
  return std::any_of(grants.begin(), grants.end(), [](const model::Grant& grant) {
    return grant.grantee && (grant.grantee->uri == all_users || grant.grantee->uri == authenticated_users);
  });
}

}  // namespace tarn::gateway::s3
