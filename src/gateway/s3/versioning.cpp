// The versioning of buckets, and how answers tell of versions.
#include "gateway/s3/versioning.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr const char* versioning_setting = "versioning";

void check_state(const store::BucketInfo& bucket, const std::string& status) {
  auto refuse = [](const char* message) { throw Error(ErrorKind::conflict, "InvalidBucketState", message); };
  if (status == "Enabled") return;
  if (has_object_lock(bucket))
    refuse("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.");
  if (bucket.settings.contains("replication"))
    refuse("A replication configuration is present on this bucket, so the versioning state cannot be changed.");
}

api::Empty put_versioning(const Parts& parts, Context&, const model::PutBucketVersioningRequest& in) {
  const auto& c = in.versioning_configuration;
  if (c.mfa_delete.value_or("Disabled") != "Disabled" || in.mfa) refuse_unsupported("MFA delete");
  if (!c.status)
    throw Error(ErrorKind::caller, "IllegalVersioningConfigurationException",
                "The Versioning element must be specified");
  if (*c.status != "Enabled" && *c.status != "Suspended") throw malformed_xml();
  parts.store.change_bucket(in.bucket, [&](store::BucketInfo& bucket) {
    check_state(bucket, *c.status);
    bucket.settings[versioning_setting] = to_value(c);
  });
  return {};
}

model::GetBucketVersioningOutput get_versioning(const Parts& parts, Context& context,
                                                const model::GetBucketVersioningRequest& in) {
  auto bucket = find_own_bucket(parts, context, in.bucket);
  auto setting = bucket->settings.find(versioning_setting);
  model::GetBucketVersioningOutput out;
  if (setting == bucket->settings.end()) return out;
  auto c = api::from<model::VersioningConfiguration>(setting->second);
  out.status = c.status;
  out.mfa_delete = c.mfa_delete;
  return out;
}

}  // namespace

Error absent(const Parts& parts, const Context& context, std::string_view bucket, std::string_view key,
             const std::optional<std::string>& version_id, std::string_view method) {
  auto version = parts.store.find_version(parts.may_read(context, bucket, key), bucket, key, version_id.value_or(""));
  const bool marker = version && version->delete_marker;
  auto tell = [&](Error error) {
    if (marker) error.with("header:x-amz-delete-marker", "true").with("header:x-amz-version-id", version->version_id);
    return error;
  };
  if (!version_id) return tell(no_such_key(key));
  if (marker)
    return tell(
        Error(ErrorKind::conflict, "MethodNotAllowed", "The specified method is not allowed against this resource.")
            .with("Method", std::string(method))
            .with("ResourceType", "DeleteMarker")
            .with("header:Allow", "DELETE")
            .with("header:Last-Modified", format_http_date(version->last_modified)));
  return Error(ErrorKind::missing, "NoSuchVersion", "The specified version does not exist.")
      .with("Key", std::string(key))
      .with("VersionId", *version_id);
}

std::optional<std::string> told_version(const Parts& parts, std::string_view bucket, const store::ObjectInfo& object) {
  if (object.version_id != "null") return object.version_id;
  auto info = parts.store.find_bucket(bucket);
  if (!info || versioning_of(*info) == store::Versioning::never) return std::nullopt;
  return object.version_id;
}

void register_versioning(api::Operations& operations, const Parts& parts) {
  on<model::op::PutBucketVersioning>(operations, parts, put_versioning);
  on<model::op::GetBucketVersioning>(operations, parts, get_versioning);
}

}  // namespace tarn::gateway::s3
