// Access control lists, and who owns what is put into a bucket ("Access control list (ACL) overview", "Controlling
// ownership of objects and disabling ACLs"). Stored and told; not enforced yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/s3/object_headers.hpp"
#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {

inline constexpr std::string_view bucket_owner_enforced = "BucketOwnerEnforced";

// The bucket's ObjectOwnership: BucketOwnerEnforced where it was never set, "ObjectWriter" where it was removed.
std::string object_ownership(const store::BucketInfo& bucket);
bool allows_acls(const store::BucketInfo& bucket);

using Grants = std::vector<model::Grant>;

Grants owner_alone(std::string_view account);
// Of a canned ACL ("public-read"). `account` owns the object or bucket, `bucket_account` the bucket that an object is
// in. Throws Error (caller, InvalidArgument) for a name that S3 does not know.
Grants canned_grants(std::string_view acl, std::string_view account, std::string_view bucket_account);
// Of a header such as x-amz-grant-read: `id="…", uri="…", emailAddress="…"`. Adds to `grants`. Throws Error (caller).
void add_header_grants(std::string_view header, std::string_view permission, Grants& grants);
// The grants of a request's XML. Throws Error: MalformedACLError, InvalidArgument, UnresolvableGrantByEmailAddress
// (caller), AccessDenied where it names another owner than `account`.
Grants checked_grants(const model::AccessControlPolicy& policy, std::string_view account);
// Whether they let anybody, or anybody with any AWS account, in.
bool is_public(const Grants& grants);
// Whether they let everybody read.
bool everybody_reads(const Grants& grants);

// What one request's ACL, Grant… headers and XML say, which exclude each other; absent: it says nothing.
template <class Request>
std::optional<Grants> grants_from(const Request& in, const model::AccessControlPolicy* xml, std::string_view account,
                                  std::string_view bucket_account) {
  Grants by_header;
  auto add = [&](const std::optional<std::string>& header, const char* permission) {
    if (header) add_header_grants(*header, permission, by_header);
  };
  add(in.grant_full_control, "FULL_CONTROL");
  add(in.grant_read, "READ");
  add(in.grant_read_acp, "READ_ACP");
  if constexpr (requires { in.grant_write; }) add(in.grant_write, "WRITE");
  add(in.grant_write_acp, "WRITE_ACP");
  if (in.acl && !by_header.empty())
    throw Error(ErrorKind::caller, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed");
  if (xml && (in.acl || !by_header.empty()))
    throw Error(ErrorKind::caller, "UnexpectedContent", "This request does not support content");
  if (in.acl) return canned_grants(*in.acl, account, bucket_account);
  if (!by_header.empty()) return by_header;
  if (xml) return checked_grants(*xml, account);
  return std::nullopt;
}

// ObjectHeaders::acl for what one request says of the object that it writes into `bucket`: null where the owner alone
// gets anything. `canned` is its canned ACL, if it has one. Throws Error: AccessControlListNotSupported where the
// bucket has no ACLs and the request asks for more than its owner's full control, AccessDenied where the bucket blocks
// public ones.
Value stored_acl(const Parts& parts, const store::BucketInfo& bucket, const std::optional<Grants>& grants,
                 const std::optional<std::string>& canned);

// What headers_from() gives, and the ACL.
template <class Request>
store::ObjectHeaders headers_with_acl(const Parts& parts, const Context& context, const Request& in) {
  store::ObjectHeaders out = headers_from(in, context.now);
  if (!in.acl && !in.grant_full_control && !in.grant_read && !in.grant_read_acp && !in.grant_write_acp) return out;
  const auto bucket = find_own_bucket(parts, context, in.bucket);
  out.acl = stored_acl(parts, *bucket, grants_from(in, nullptr, bucket->account, bucket->account), in.acl);
  return out;
}

Error acls_not_supported();

}  // namespace tarn::gateway::s3
