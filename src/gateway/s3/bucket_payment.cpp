// Requester pays, and transfer acceleration.
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

api::Empty put_payment(const Parts& parts, Context&, const model::PutBucketRequestPaymentRequest& in) {
  put_setting(parts, in.bucket, setting::request_payment, in.request_payment_configuration.payer);
  return {};
}

model::GetBucketRequestPaymentOutput get_payment(const Parts& parts, Context& context,
                                                 const model::GetBucketRequestPaymentRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const Value* found = find_setting(bucket, setting::request_payment);
  model::GetBucketRequestPaymentOutput out;
  out.payer = found ? found->as_string() : "BucketOwner";
  return out;
}

api::Empty put_accelerate(const Parts& parts, Context&, const model::PutBucketAccelerateConfigurationRequest& in) {
  if (!in.accelerate_configuration.status) throw malformed_xml();
  if (in.bucket.find('.') != in.bucket.npos)
    throw invalid_request("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names");
  put_setting(parts, in.bucket, setting::accelerate, *in.accelerate_configuration.status);
  return {};
}

model::GetBucketAccelerateConfigurationOutput get_accelerate(const Parts& parts, Context& context,
                                                             const model::GetBucketAccelerateConfigurationRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  model::GetBucketAccelerateConfigurationOutput out;
  if (const Value* found = find_setting(bucket, setting::accelerate)) out.status = found->as_string();
  return out;
}

}  // namespace

void register_bucket_payment(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketRequestPayment>(operations, parts, put_payment);
  on<GetBucketRequestPayment>(operations, parts, get_payment);
  on<PutBucketAccelerateConfiguration>(operations, parts, put_accelerate);
  on<GetBucketAccelerateConfiguration>(operations, parts, get_accelerate);
}

}  // namespace tarn::gateway::s3
