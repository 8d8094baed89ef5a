// The access control lists of buckets, and the ownership controls that switch ACLs on and off.
#include "base/error.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/public_access.hpp"

namespace tarn::gateway::s3 {
namespace {

Grants grants_of(const store::BucketInfo& bucket) {
  const Value* found = find_setting(bucket, setting::acl);
  return found ? api::from<Grants>(*found) : owner_alone(bucket.account);
}

model::GetBucketAclOutput get_bucket_acl(const Parts& parts, Context& context, const model::GetBucketAclRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  model::GetBucketAclOutput out;
  out.owner = owner(bucket.account);
  out.grants = grants_of(bucket);
  return out;
}

api::Empty put_bucket_acl(const Parts& parts, Context& context, const model::PutBucketAclRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto* xml = in.access_control_policy ? &*in.access_control_policy : nullptr;
  const auto grants = grants_from(in, xml, bucket.account, bucket.account);
  if (!grants)
    throw Error(ErrorKind::caller, "MissingSecurityHeader", "Your request was missing a required header")
        .with("MissingHeaderName", "x-amz-acl");
  if (!allows_acls(bucket)) throw acls_not_supported();
  if (is_public(*grants) && public_access(parts, bucket).block_public_acls)
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  if (*grants == owner_alone(bucket.account))
    erase_setting(parts, in.bucket, setting::acl);
  else
    put_setting(parts, in.bucket, setting::acl, to_value(*grants));
  return {};
}

model::GetBucketOwnershipControlsOutput get_ownership(const Parts& parts, Context& context,
                                                      const model::GetBucketOwnershipControlsRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  if (const Value* found = find_setting(bucket, setting::ownership); found && *found == Value("none"))
    throw Error(ErrorKind::missing, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
        .with("BucketName", in.bucket);
  model::GetBucketOwnershipControlsOutput out;
  out.ownership_controls.emplace().rules = {{object_ownership(bucket)}};
  return out;
}

api::Empty put_ownership(const Parts& parts, Context&, const model::PutBucketOwnershipControlsRequest& in) {
  const auto& rules = in.ownership_controls.rules;
  if (rules.size() != 1) throw malformed_xml();
  parts.store.change_bucket(in.bucket, [&](store::BucketInfo& bucket) {
    if (rules[0].object_ownership == bucket_owner_enforced && find_setting(bucket, setting::acl))
      throw Error(ErrorKind::caller, "InvalidBucketAclWithObjectOwnership",
                  "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
          .with("BucketName", in.bucket);
    bucket.settings[setting::ownership] = rules[0].object_ownership;
  });
  return {};
}

api::Empty delete_ownership(const Parts& parts, Context&, const model::DeleteBucketOwnershipControlsRequest& in) {
  put_setting(parts, in.bucket, setting::ownership, "none");
  return {};
}

}  // namespace

void register_bucket_acls(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketAcl>(operations, parts, put_bucket_acl);
  on<GetBucketAcl>(operations, parts, get_bucket_acl);
  on<GetBucketOwnershipControls>(operations, parts, get_ownership);
  on<PutBucketOwnershipControls>(operations, parts, put_ownership);
  on<DeleteBucketOwnershipControls>(operations, parts, delete_ownership);
}

}  // namespace tarn::gateway::s3
