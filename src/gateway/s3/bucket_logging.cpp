// The server access logging of buckets, by which access_logs.cpp delivers.
#include "base/error.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

void check_target(const Parts& parts, const Context& context, const store::BucketInfo& source,
                  const model::LoggingEnabled& logging) {
  const auto target = parts.store.find_bucket(logging.target_bucket);
  if (!target || target->account != context.account())
    throw Error(ErrorKind::caller, "InvalidTargetBucketForLogging",
                "The target bucket for logging does not exist, is not owned by you, or does not have the appropriate "
                "grants for the log-delivery group.")
        .with("TargetBucket", logging.target_bucket);
  if (target->region != source.region)
    throw Error(ErrorKind::denied, "CrossLocationLoggingProhibited", "Cross S3 location logging not allowed.")
        .with("SourceBucketLocation", source.region)
        .with("TargetBucketLocation", target->region);
  if (logging.target_grants && !logging.target_grants->empty() && object_ownership(*target) == bucket_owner_enforced)
    throw invalid_argument("TargetGrants is not supported for a bucket with the Bucket owner enforced setting");
  if (logging.target_object_key_format && logging.target_object_key_format->simple_prefix &&
      logging.target_object_key_format->partitioned_prefix)
    throw malformed_xml();
}

api::Empty put_logging(const Parts& parts, Context& context, const model::PutBucketLoggingRequest& in) {
  const auto& status = in.bucket_logging_status;
  if (!status.logging_enabled) {
    erase_setting(parts, in.bucket, setting::logging);
    return {};
  }
  check_target(parts, context, own_bucket(parts, context, in.bucket), *status.logging_enabled);
  put_setting(parts, in.bucket, setting::logging, to_value(*status.logging_enabled));
  return {};
}

model::GetBucketLoggingOutput get_logging(const Parts& parts, Context& context,
                                          const model::GetBucketLoggingRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  model::GetBucketLoggingOutput out;
  if (const Value* found = find_setting(bucket, setting::logging))
    out.logging_enabled = api::from<model::LoggingEnabled>(*found);
  return out;
}

}  // namespace

void register_bucket_logging(api::Operations& operations, const Parts& parts) {
  on<model::op::PutBucketLogging>(operations, parts, put_logging);
  on<model::op::GetBucketLogging>(operations, parts, get_logging);
}

}  // namespace tarn::gateway::s3
