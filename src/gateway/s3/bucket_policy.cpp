// Bucket policies: checked, stored as written, told public or not. Not enforced yet.
#include "base/error.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/policy_document.hpp"
#include "gateway/s3/public_access.hpp"

namespace tarn::gateway::s3 {
namespace {

std::string stored_policy(const Parts& parts, Context& context, const std::string& bucket) {
  return required_setting(parts, context, bucket, setting::policy, "NoSuchBucketPolicy",
                          "The bucket policy does not exist")
      .as_string();
}

api::Empty put_policy(const Parts& parts, Context& context, const model::PutBucketPolicyRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  check_bucket_policy(in.policy, in.bucket);
  if (public_access(parts, bucket).block_public_policy && is_public_policy(in.policy))
    throw Error(
        ErrorKind::denied, "AccessDenied",
        "User: " + context.principal.arn +
            " is not authorized to perform: s3:PutBucketPolicy on resource: " + "\"arn:aws:s3:::" + in.bucket +
            "\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.");
  put_setting(parts, in.bucket, setting::policy, in.policy);
  return {};
}

model::GetBucketPolicyOutput get_policy(const Parts& parts, Context& context, const model::GetBucketPolicyRequest& in) {
  model::GetBucketPolicyOutput out;
  out.policy = stored_policy(parts, context, in.bucket);
  return out;
}

model::GetBucketPolicyStatusOutput get_policy_status(const Parts& parts, Context& context,
                                                     const model::GetBucketPolicyStatusRequest& in) {
  model::GetBucketPolicyStatusOutput out;
  out.policy_status.emplace().is_public = is_public_policy(stored_policy(parts, context, in.bucket));
  return out;
}

api::Empty delete_policy(const Parts& parts, Context&, const model::DeleteBucketPolicyRequest& in) {
  erase_setting(parts, in.bucket, setting::policy);
  return {};
}

}  // namespace

void register_bucket_policy(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketPolicy>(operations, parts, put_policy);
  on<GetBucketPolicy>(operations, parts, get_policy);
  on<GetBucketPolicyStatus>(operations, parts, get_policy_status);
  on<DeleteBucketPolicy>(operations, parts, delete_policy);
}

}  // namespace tarn::gateway::s3
