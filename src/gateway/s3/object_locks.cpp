// Object lock: of buckets, and of versions of objects.
#include "gateway/s3/object_locks.hpp"

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/versioning.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr const char* lock_setting = "objectLock";

Error bad_argument(const char* message) {
  return Error(ErrorKind::caller, "InvalidArgument", message);
}

void check_rule(const model::ObjectLockRule& rule) {
  if (!rule.default_retention) return;
  const auto& r = *rule.default_retention;
  if (!r.mode || (*r.mode != "GOVERNANCE" && *r.mode != "COMPLIANCE") || r.days.has_value() == r.years.has_value())
    throw malformed_xml();
  if (r.days.value_or(1) <= 0 || r.years.value_or(1) <= 0)
    throw bad_argument("Default retention period must be a positive integer value.");
  if (r.days.value_or(1) > limits::max_default_retention_days ||
      r.years.value_or(1) > limits::max_default_retention_years)
    throw bad_argument("Default retention period too large");
}

model::PutObjectLockConfigurationOutput put_lock(const Parts& parts, Context&,
                                                 const model::PutObjectLockConfigurationRequest& in) {
  if (!in.object_lock_configuration || in.object_lock_configuration->object_lock_enabled.value_or("") != "Enabled")
    throw malformed_xml();
  const model::ObjectLockConfiguration& c = *in.object_lock_configuration;
  if (c.rule) check_rule(*c.rule);
  parts.store.change_bucket(in.bucket, [&](store::BucketInfo& bucket) {
    if (versioning_of(bucket) != store::Versioning::enabled)
      throw Error(ErrorKind::conflict, "InvalidBucketState",
                  "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
    bucket.settings[lock_setting] = to_value(c);
  });
  return {};
}

model::GetObjectLockConfigurationOutput get_lock(const Parts& parts, Context& context,
                                                 const model::GetObjectLockConfigurationRequest& in) {
  auto bucket = find_own_bucket(parts, context, in.bucket);
  if (!has_object_lock(*bucket))
    throw Error(ErrorKind::missing, "ObjectLockConfigurationNotFoundError",
                "Object Lock configuration does not exist for this bucket")
        .with("BucketName", in.bucket);
  model::GetObjectLockConfigurationOutput out;
  out.object_lock_configuration = api::from<model::ObjectLockConfiguration>(bucket->settings.at(lock_setting));
  return out;
}

void require_lock(const Parts& parts, const Context& context, const std::string& bucket) {
  if (!has_object_lock(*find_own_bucket(parts, context, bucket)))
    throw Error(ErrorKind::caller, "InvalidRequest", "Bucket is missing Object Lock Configuration");
}

template <class Request>
store::ObjectInfo locked_version(const Parts& parts, Context& context, const Request& in) {
  auto object =
      parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""));
  if (!object) throw absent(parts, context, in.bucket, in.key, in.version_id, "GET");
  require_lock(parts, context, in.bucket);
  return *std::move(object);
}

Error no_lock() {
  return Error(ErrorKind::missing, "NoSuchObjectLockConfiguration",
               "The specified object does not have a ObjectLock configuration");
}

model::PutObjectRetentionOutput put_retention(const Parts& parts, Context& context,
                                              const model::PutObjectRetentionRequest& in) {
  require_lock(parts, context, in.bucket);
  std::optional<store::Retention> wanted;
  if (in.retention && (in.retention->mode || in.retention->retain_until_date)) {
    if (!in.retention->mode || !in.retention->retain_until_date) throw malformed_xml();
    if (*in.retention->mode != "GOVERNANCE" && *in.retention->mode != "COMPLIANCE") throw malformed_xml();
    wanted = parse_retention(in.retention->mode, in.retention->retain_until_date, context.now);
  } else if (!in.retention) {
    throw malformed_xml();
  }
  parts.store.change_object(parts.may_write(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""),
                            [&](store::ObjectInfo& object) {
                              check_retention_change(object.headers.retention, wanted, context.now,
                                                     in.bypass_governance_retention.value_or(false));
                              object.headers.retention = wanted;
                            });
  return {};
}

model::GetObjectRetentionOutput get_retention(const Parts& parts, Context& context,
                                              const model::GetObjectRetentionRequest& in) {
  const store::ObjectInfo object = locked_version(parts, context, in);
  if (!object.headers.retention) throw no_lock();
  model::GetObjectRetentionOutput out;
  out.retention.emplace();
  out.retention->mode = object.headers.retention->mode;
  out.retention->retain_until_date = object.headers.retention->until;
  return out;
}

model::PutObjectLegalHoldOutput put_legal_hold(const Parts& parts, Context& context,
                                               const model::PutObjectLegalHoldRequest& in) {
  require_lock(parts, context, in.bucket);
  const std::string status = in.legal_hold ? in.legal_hold->status.value_or("") : "";
  if (status != "ON" && status != "OFF") throw malformed_xml();
  parts.store.change_object(parts.may_write(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""),
                            [&](store::ObjectInfo& object) { object.headers.legal_hold = status == "ON"; });
  return {};
}

model::GetObjectLegalHoldOutput get_legal_hold(const Parts& parts, Context& context,
                                               const model::GetObjectLegalHoldRequest& in) {
  const store::ObjectInfo object = locked_version(parts, context, in);
  if (!object.headers.legal_hold) throw no_lock();
  model::GetObjectLegalHoldOutput out;
  out.legal_hold.emplace().status = *object.headers.legal_hold ? "ON" : "OFF";
  return out;
}

}  // namespace

std::optional<store::Retention> parse_retention(const std::optional<std::string>& mode,
                                                const std::optional<Time>& until, Time now) {
  if (!mode && !until) return std::nullopt;
  if (!mode || !until)
    throw bad_argument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
  if (*mode != "GOVERNANCE" && *mode != "COMPLIANCE") throw bad_argument("Unknown wormMode directive.");
  if (*until <= now) throw bad_argument("The retain until date must be in the future!");
  return store::Retention{*mode, *until};
}

std::optional<bool> parse_legal_hold(const std::optional<std::string>& status) {
  if (!status) return std::nullopt;
  if (*status != "ON" && *status != "OFF") throw bad_argument("Legal Hold must be either of 'ON' or 'OFF'");
  return *status == "ON";
}

void check_retention_change(const std::optional<store::Retention>& before, const std::optional<store::Retention>& after,
                            Time now, bool bypass_governance) {
  if (!before || before->until <= now) return;
  if (before->mode == "GOVERNANCE" && bypass_governance) return;
  if (after && after->mode == before->mode && after->until >= before->until) return;
  throw Error(ErrorKind::denied, "AccessDenied", "Access Denied because object protected by object lock.");
}

void register_object_locks(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutObjectLockConfiguration>(operations, parts, put_lock);
  on<GetObjectLockConfiguration>(operations, parts, get_lock);
  on<PutObjectRetention>(operations, parts, put_retention);
  on<GetObjectRetention>(operations, parts, get_retention);
  on<PutObjectLegalHold>(operations, parts, put_legal_hold);
  on<GetObjectLegalHold>(operations, parts, get_legal_hold);
}

}  // namespace tarn::gateway::s3
