// The settings of buckets. What tarn stores faithfully can be put; of what it does not do yet, reading answers as AWS
// does for a bucket where nothing was set, and putting is refused by name.
#include "base/error.hpp"
#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {
namespace {

// A getter that finds nothing set.
template <class Op>
void on_unset(api::Operations& operations, const Parts& parts, const char* code, const char* message) {
  operations.add(Op::name, [parts, code, message](Context& context, const Value& input) -> Value {
    check_request(parts, context, input);
    throw Error(ErrorKind::missing, code, message).with("BucketName", input.string_or("Bucket"));
  });
}

// A getter whose answer, where nothing is set, is `answer`; or a removal of what can't be there.
template <class Op>
void on_default(api::Operations& operations, const Parts& parts, typename Op::Output answer = {}) {
  operations.add(Op::name, [parts, answer](Context& context, const Value& input) {
    check_request(parts, context, input);
    return to_value(answer);
  });
}

// ---- access control lists: the owner alone, in full ----

template <class Output>
Output owner_alone(const Context& context) {
  Output out;
  out.owner = owner(context.account());
  model::Grant grant;
  grant.grantee.emplace();
  grant.grantee->type = "CanonicalUser";
  grant.grantee->id = canonical_user_id(context.account());
  grant.permission = "FULL_CONTROL";
  out.grants = {grant};
  return out;
}

model::GetBucketAclOutput get_bucket_acl(const Parts&, Context& context, const model::GetBucketAclRequest&) {
  return owner_alone<model::GetBucketAclOutput>(context);
}

model::GetObjectAclOutput get_object_acl(const Parts& parts, Context& context, const model::GetObjectAclRequest& in) {
  if (!parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key)) throw no_such_key(in.key);
  return owner_alone<model::GetObjectAclOutput>(context);
}

// ---- ownership controls: those of new buckets, or none ----

constexpr const char* ownership_setting = "ownershipControls";

model::GetBucketOwnershipControlsOutput get_ownership(const Parts& parts, Context& context,
                                                      const model::GetBucketOwnershipControlsRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto setting = bucket.settings.find(ownership_setting);
  if (setting != bucket.settings.end() && setting->second == Value("none"))
    throw Error(ErrorKind::missing, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
        .with("BucketName", in.bucket);
  model::GetBucketOwnershipControlsOutput out;
  out.ownership_controls.emplace().rules = {{"BucketOwnerEnforced"}};
  return out;
}

api::Empty put_ownership(const Parts& parts, Context&, const model::PutBucketOwnershipControlsRequest& in) {
  const auto& rules = in.ownership_controls.rules;
  if (rules.size() != 1)
    throw Error(ErrorKind::caller, "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema");
  if (rules[0].object_ownership != "BucketOwnerEnforced")
    refuse_unsupported("ObjectOwnership " + rules[0].object_ownership);
  parts.store.change_bucket(in.bucket, [](store::BucketInfo& bucket) { bucket.settings.erase(ownership_setting); });
  return {};
}

api::Empty delete_ownership(const Parts& parts, Context&, const model::DeleteBucketOwnershipControlsRequest& in) {
  parts.store.change_bucket(in.bucket, [](store::BucketInfo& bucket) { bucket.settings[ownership_setting] = "none"; });
  return {};
}

// ---- the public access block: all four for new buckets. tarn serves nothing to the public in any case ----

constexpr const char* public_access_setting = "publicAccessBlock";

model::GetPublicAccessBlockOutput get_public_access(const Parts& parts, Context& context,
                                                    const model::GetPublicAccessBlockRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto setting = bucket.settings.find(public_access_setting);
  model::GetPublicAccessBlockOutput out;
  if (setting == bucket.settings.end()) {
    out.public_access_block_configuration = {true, true, true, true};
  } else if (setting->second.is_map()) {
    out.public_access_block_configuration = api::from<model::PublicAccessBlockConfiguration>(setting->second);
  } else {
    throw Error(ErrorKind::missing, "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found")
        .with("BucketName", in.bucket);
  }
  return out;
}

api::Empty put_public_access(const Parts& parts, Context&, const model::PutPublicAccessBlockRequest& in) {
  model::PublicAccessBlockConfiguration c = in.public_access_block_configuration;
  for (auto* flag : {&c.block_public_acls, &c.ignore_public_acls, &c.block_public_policy, &c.restrict_public_buckets})
    *flag = flag->value_or(false);
  parts.store.change_bucket(in.bucket,
                            [&](store::BucketInfo& bucket) { bucket.settings[public_access_setting] = to_value(c); });
  return {};
}

api::Empty delete_public_access(const Parts& parts, Context&, const model::DeletePublicAccessBlockRequest& in) {
  parts.store.change_bucket(in.bucket,
                            [](store::BucketInfo& bucket) { bucket.settings[public_access_setting] = "none"; });
  return {};
}

// An empty configuration takes notifications away, and none can be there yet.
api::Empty put_notifications(const Parts&, Context&, const model::PutBucketNotificationConfigurationRequest& in) {
  const auto& c = in.notification_configuration;
  auto any = [](const auto& list) { return list && !list->empty(); };
  if (any(c.topic_configurations) || any(c.queue_configurations) || any(c.lambda_function_configurations) ||
      c.event_bridge_configuration)
    refuse_unsupported("bucket notifications");
  return {};
}

model::GetBucketRequestPaymentOutput owner_pays() {
  model::GetBucketRequestPaymentOutput out;
  out.payer = "BucketOwner";
  return out;
}

template <class Output>
Output empty_list() {
  Output out;
  out.is_truncated = false;
  return out;
}

}  // namespace

void register_bucket_settings(api::Operations& o, const Parts& parts) {
  using namespace model::op;
  on<GetBucketAcl>(o, parts, get_bucket_acl);
  on<GetObjectAcl>(o, parts, get_object_acl);
  on<GetBucketOwnershipControls>(o, parts, get_ownership);
  on<PutBucketOwnershipControls>(o, parts, put_ownership);
  on<DeleteBucketOwnershipControls>(o, parts, delete_ownership);
  on<GetPublicAccessBlock>(o, parts, get_public_access);
  on<PutPublicAccessBlock>(o, parts, put_public_access);
  on<DeletePublicAccessBlock>(o, parts, delete_public_access);
  on<PutBucketNotificationConfiguration>(o, parts, put_notifications);

  on_default<GetBucketVersioning>(o, parts);
  on_default<GetBucketLogging>(o, parts);
  on_default<GetBucketAccelerateConfiguration>(o, parts);
  on_default<GetBucketNotificationConfiguration>(o, parts);
  on_default<GetBucketRequestPayment>(o, parts, owner_pays());
  on_default<ListBucketAnalyticsConfigurations>(o, parts, empty_list<model::ListBucketAnalyticsConfigurationsOutput>());
  on_default<ListBucketInventoryConfigurations>(o, parts, empty_list<model::ListBucketInventoryConfigurationsOutput>());
  on_default<ListBucketMetricsConfigurations>(o, parts, empty_list<model::ListBucketMetricsConfigurationsOutput>());

  on_unset<GetBucketPolicy>(o, parts, "NoSuchBucketPolicy", "The bucket policy does not exist");
  on_unset<GetBucketPolicyStatus>(o, parts, "NoSuchBucketPolicy", "The bucket policy does not exist");
  on_unset<GetBucketLifecycleConfiguration>(o, parts, "NoSuchLifecycleConfiguration",
                                            "The lifecycle configuration does not exist");
  on_unset<GetBucketReplication>(o, parts, "ReplicationConfigurationNotFoundError",
                                 "The replication configuration was not found");
  on_unset<GetBucketEncryption>(o, parts, "ServerSideEncryptionConfigurationNotFoundError",
                                "The server side encryption configuration was not found");
  on_unset<GetObjectLockConfiguration>(o, parts, "ObjectLockConfigurationNotFoundError",
                                       "Object Lock configuration does not exist for this bucket");
  on_unset<GetBucketCors>(o, parts, "NoSuchCORSConfiguration", "The CORS configuration does not exist");
  on_unset<GetBucketWebsite>(o, parts, "NoSuchWebsiteConfiguration",
                             "The specified bucket does not have a website configuration");

  // Removing what is not there succeeds, as on AWS.
  on_default<DeleteBucketPolicy>(o, parts);
  on_default<DeleteBucketLifecycle>(o, parts);
  on_default<DeleteBucketReplication>(o, parts);
  on_default<DeleteBucketEncryption>(o, parts);
  on_default<DeleteBucketCors>(o, parts);
  on_default<DeleteBucketWebsite>(o, parts);
}

}  // namespace tarn::gateway::s3
