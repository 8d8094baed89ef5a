// The CORS configuration of buckets. The HTTP server asks cross_origin() for each request that a browser sends.
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/cors_rules.hpp"
#include "gateway/s3/s3.hpp"

namespace tarn::gateway {

CrossOriginAnswer s3_cross_origin(const store::Store& store, std::string_view bucket,
                                  const CrossOriginRequest& request) {
  CrossOriginAnswer out;
  const auto info = store.find_bucket(bucket);
  const Value* rules = info ? s3::find_setting(*info, s3::setting::cors) : nullptr;
  if (!rules) return out;
  out.enabled = true;
  out.headers = s3::cors_headers(api::from<api::s3::CORSConfiguration>(*rules).cors_rules, request);
  return out;
}

namespace s3 {
namespace {

api::Empty put_cors(const Parts& parts, Context&, const model::PutBucketCorsRequest& in) {
  check_cors_rules(in.cors_configuration.cors_rules);
  put_setting(parts, in.bucket, setting::cors, to_value(in.cors_configuration));
  return {};
}

model::GetBucketCorsOutput get_cors(const Parts& parts, Context& context, const model::GetBucketCorsRequest& in) {
  model::GetBucketCorsOutput out;
  out.cors_rules = api::from<model::CORSConfiguration>(required_setting(parts, context, in.bucket, setting::cors,
                                                                        "NoSuchCORSConfiguration",
                                                                        "The CORS configuration does not exist"))
                       .cors_rules;
  return out;
}

api::Empty delete_cors(const Parts& parts, Context&, const model::DeleteBucketCorsRequest& in) {
  erase_setting(parts, in.bucket, setting::cors);
  return {};
}

}  // namespace

void register_bucket_cors(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketCors>(operations, parts, put_cors);
  on<GetBucketCors>(operations, parts, get_cors);
  on<DeleteBucketCors>(operations, parts, delete_cors);
}

}  // namespace s3
}  // namespace tarn::gateway
