// The access control lists of objects ("PutObjectAcl", "GetObjectAcl"). What a write gives them is read by
// headers_with_acl().
#include "base/error.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/public_access.hpp"
#include "gateway/s3/versioning.hpp"

namespace tarn::gateway::s3 {
namespace {

model::GetObjectAclOutput get_object_acl(const Parts& parts, Context& context, const model::GetObjectAclRequest& in) {
  const auto bucket = find_own_bucket(parts, context, in.bucket);
  const auto object =
      parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""));
  if (!object) throw absent(parts, context, in.bucket, in.key, in.version_id, "GET");
  model::GetObjectAclOutput out;
  out.owner = owner(bucket->account);
  // Those that were given before ACLs were switched off come back when they are switched on again.
  const bool owner_only = object->headers.acl.is_null() || !allows_acls(*bucket);
  out.grants = owner_only ? owner_alone(bucket->account) : api::from<Grants>(object->headers.acl);
  return out;
}

model::PutObjectAclOutput put_object_acl(const Parts& parts, Context& context, const model::PutObjectAclRequest& in) {
  const auto bucket = find_own_bucket(parts, context, in.bucket);
  const auto* xml = in.access_control_policy ? &*in.access_control_policy : nullptr;
  const auto grants = grants_from(in, xml, bucket->account, bucket->account);
  if (!grants)
    throw Error(ErrorKind::caller, "MissingSecurityHeader", "Your request was missing a required header")
        .with("MissingHeaderName", "x-amz-acl");
  if (!allows_acls(*bucket)) throw acls_not_supported();
  Value acl = stored_acl(parts, *bucket, grants, in.acl);
  const store::Grant grant = parts.may_write(context, in.bucket, in.key);
  if (!parts.store.head(grant, in.bucket, in.key, in.version_id.value_or("")))
    throw absent(parts, context, in.bucket, in.key, in.version_id, "PUT");
  parts.store.change_object(grant, in.bucket, in.key, in.version_id.value_or(""),
                            [&](store::ObjectInfo& object) { object.headers.acl = std::move(acl); });
  return {};
}

}  // namespace

void register_object_acls(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<GetObjectAcl>(operations, parts, get_object_acl);
  on<PutObjectAcl>(operations, parts, put_object_acl);
}

}  // namespace tarn::gateway::s3
