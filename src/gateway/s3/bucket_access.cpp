// The public access block of buckets. New buckets have all four.
#include "base/error.hpp"
#include "gateway/s3/account_settings.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/public_access.hpp"

namespace tarn::gateway::s3 {
namespace {

// Absent: it was removed.
std::optional<model::PublicAccessBlockConfiguration> block_of(const store::BucketInfo& bucket) {
  const Value* found = find_setting(bucket, setting::public_access);
  if (!found) return model::PublicAccessBlockConfiguration{true, true, true, true};
  if (!found->is_map()) return std::nullopt;
  return api::from<model::PublicAccessBlockConfiguration>(*found);
}

model::GetPublicAccessBlockOutput get_public_access(const Parts& parts, Context& context,
                                                    const model::GetPublicAccessBlockRequest& in) {
  model::GetPublicAccessBlockOutput out;
  out.public_access_block_configuration = block_of(own_bucket(parts, context, in.bucket));
  if (!out.public_access_block_configuration)
    throw Error(ErrorKind::missing, "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found")
        .with("BucketName", in.bucket);
  return out;
}

api::Empty put_public_access(const Parts& parts, Context&, const model::PutPublicAccessBlockRequest& in) {
  model::PublicAccessBlockConfiguration c = in.public_access_block_configuration;
  for (auto* flag : {&c.block_public_acls, &c.ignore_public_acls, &c.block_public_policy, &c.restrict_public_buckets})
    *flag = flag->value_or(false);
  put_setting(parts, in.bucket, setting::public_access, to_value(c));
  return {};
}

api::Empty delete_public_access(const Parts& parts, Context&, const model::DeletePublicAccessBlockRequest& in) {
  put_setting(parts, in.bucket, setting::public_access, "none");
  return {};
}

}  // namespace

PublicAccess public_access(const Parts& parts, const store::BucketInfo& bucket) {
  PublicAccess out;
  auto add = [&](const Value& block) {
    out.block_public_acls |= block.bool_or("BlockPublicAcls");
    out.ignore_public_acls |= block.bool_or("IgnorePublicAcls");
    out.block_public_policy |= block.bool_or("BlockPublicPolicy");
    out.restrict_public_buckets |= block.bool_or("RestrictPublicBuckets");
  };
  if (const auto block = block_of(bucket)) add(to_value(*block));
  if (parts.accounts)
    if (const auto block = parts.accounts->public_access_block(bucket.account)) add(*block);
  return out;
}

void register_bucket_access(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<GetPublicAccessBlock>(operations, parts, get_public_access);
  on<PutPublicAccessBlock>(operations, parts, put_public_access);
  on<DeletePublicAccessBlock>(operations, parts, delete_public_access);
}

}  // namespace tarn::gateway::s3
