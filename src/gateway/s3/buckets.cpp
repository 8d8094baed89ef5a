// Buckets: making, finding, naming, removing.
#include <algorithm>
#include <set>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/tags.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr const char* home_region = "us-east-1";

[[noreturn]] void illegal_location(const std::string& which) {
  throw Error(ErrorKind::caller, "IllegalLocationConstraintException",
              "The " + which +
                  " location constraint is incompatible for the region specific endpoint this request was sent to.");
}

// The region in which the bucket is to stand. The region that the request was signed for stands in for the endpoint of
// that region.
std::string bucket_region(const Context& context, const model::CreateBucketRequest& in) {
  std::string wanted;
  if (in.create_bucket_configuration) wanted = in.create_bucket_configuration->location_constraint.value_or("");
  if (wanted == "EU") wanted = "eu-west-1";
  if (wanted == home_region)
    throw Error(ErrorKind::caller, "InvalidLocationConstraint", "The specified location-constraint is not valid")
        .with("LocationConstraint", wanted);
  if (context.region == home_region) return wanted.empty() ? home_region : wanted;
  if (wanted.empty()) illegal_location("unspecified");
  if (wanted != context.region) illegal_location(wanted);
  return wanted;
}

void check_create(const model::CreateBucketRequest& in) {
  check_bucket_name(in.bucket);
  if (const auto& c = in.create_bucket_configuration; c && (c->location || c->bucket))
    refuse_unsupported("directory buckets");
}

// The ownership and the ACL that the bucket begins with. A new bucket blocks all public access.
void set_access(const model::CreateBucketRequest& in, store::BucketInfo& bucket) {
  if (in.object_ownership) bucket.settings[setting::ownership] = *in.object_ownership;
  const auto grants = grants_from(in, nullptr, bucket.account, bucket.account);
  if (!grants || *grants == owner_alone(bucket.account)) return;
  if (!allows_acls(bucket))
    throw Error(ErrorKind::caller, "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
        .with("BucketName", bucket.name);
  if (is_public(*grants))
    throw Error(ErrorKind::caller, "InvalidBucketAclWithBlockPublicAccessError",
                "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
        .with("BucketName", bucket.name);
  bucket.settings[setting::acl] = to_value(*grants);
}

model::CreateBucketOutput create_bucket(const Parts& parts, Context& context, const model::CreateBucketRequest& in) {
  check_create(in);
  store::BucketInfo bucket;
  bucket.name = in.bucket;
  bucket.account = context.account();
  bucket.region = bucket_region(context, in);
  bucket.created = context.now;
  set_access(in, bucket);
  if (in.object_lock_enabled_for_bucket.value_or(false)) {
    bucket.settings["objectLock"] = Value::map({{"ObjectLockEnabled", "Enabled"}});
    bucket.settings["versioning"] = Value::map({{"Status", "Enabled"}});
  }
  if (in.create_bucket_configuration && in.create_bucket_configuration->tags)
    bucket.settings["tagging"] = tags_to_setting(checked_tags(*in.create_bucket_configuration->tags, max_bucket_tags));
  try {
    parts.store.create_bucket(bucket);
  } catch (const Error& error) {
    // In us-east-1, and only there, making one's own bucket again succeeds.
    auto present = parts.store.find_bucket(in.bucket);
    if (error.code() != "BucketAlreadyOwnedByYou" || !present || present->region != home_region ||
        context.region != home_region)
      throw;
  }
  model::CreateBucketOutput out;
  out.location = bucket.region == home_region ? "/" + in.bucket : context.endpoint + "/" + in.bucket;
  out.bucket_arn = "arn:aws:s3:::" + in.bucket;
  return out;
}

api::Empty delete_bucket(const Parts& parts, Context&, const model::DeleteBucketRequest& in) {
  parts.store.delete_bucket(in.bucket);
  return {};
}

model::HeadBucketOutput head_bucket(const Parts& parts, Context& context, const model::HeadBucketRequest& in) {
  model::HeadBucketOutput out;
  out.bucket_region = own_bucket(parts, context, in.bucket).region;
  out.bucket_arn = "arn:aws:s3:::" + in.bucket;
  out.access_point_alias = "false";
  return out;
}

model::GetBucketLocationOutput get_bucket_location(const Parts& parts, Context& context,
                                                   const model::GetBucketLocationRequest& in) {
  model::GetBucketLocationOutput out;
  auto bucket = own_bucket(parts, context, in.bucket);
  if (bucket.region != home_region) out.location_constraint = bucket.region;
  return out;
}

model::ListBucketsOutput list_buckets(const Parts& parts, Context& context, const model::ListBucketsRequest& in) {
  std::vector<store::BucketInfo> all = parts.store.list_buckets(context.account());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string after;
  if (in.continuation_token) {
    auto decoded = base64_decode(*in.continuation_token);
    if (!decoded) throw Error(ErrorKind::caller, "InvalidArgument", "The continuation token provided is incorrect");
    after = *decoded;
  }
  const auto most = static_cast<std::size_t>(std::clamp<int64_t>(in.max_buckets.value_or(10'000), 1, 10'000));
  model::ListBucketsOutput out;
  out.owner = owner(context.account());
  out.prefix = in.prefix;
  out.buckets.emplace();
  for (const auto& bucket : all) {
    if (bucket.name <= after || !bucket.name.starts_with(in.prefix.value_or("")) ||
        bucket.region != in.bucket_region.value_or(bucket.region))
      continue;
    if (out.buckets->size() == most) {
      out.continuation_token = base64_encode(*out.buckets->back().name);
      break;
    }
    model::Bucket& b = out.buckets->emplace_back();
    b.name = bucket.name;
    b.creation_date = bucket.created;
    b.bucket_arn = "arn:aws:s3:::" + bucket.name;
    if (in.max_buckets || in.bucket_region || in.prefix) b.bucket_region = bucket.region;
  }
  return out;
}

}  // namespace

void register_buckets(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  // Its bucket is not there yet, so the common checks of one would be wrong.
  operations.add(CreateBucket::name, [parts](Context& context, const Value& input) {
    Value others = input;
    others.erase("Bucket");
    check_request(parts, context, others);
    return to_value(create_bucket(parts, context, api::from<model::CreateBucketRequest>(input)));
  });
  on<DeleteBucket>(operations, parts, delete_bucket);
  on<HeadBucket>(operations, parts, head_bucket);
  on<GetBucketLocation>(operations, parts, get_bucket_location);
  on<ListBuckets>(operations, parts, list_buckets);
}

}  // namespace tarn::gateway::s3
