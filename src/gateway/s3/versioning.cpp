// The versioning of buckets, and how answers tell of versions.
#include "gateway/s3/versioning.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

namespace tarn::gateway::s3 {

Error absent(const Parts& parts, const Context& context, std::string_view bucket, std::string_view key,
             const std::optional<std::string>& version_id, std::string_view method) {
  auto version = parts.store.find_version(parts.may_read(context, bucket, key), bucket, key, version_id.value_or(""));
  Error error =
      version && version->delete_marker && version_id
          ? Error(ErrorKind::conflict, "MethodNotAllowed", "The specified method is not allowed against this resource.")
                .with("Method", std::string(method))
                .with("ResourceType", "DeleteMarker")
                .with("header:Allow", "DELETE")
                .with("header:Last-Modified", format_http_date(version->last_modified))
      : version_id ? Error(ErrorKind::missing, "NoSuchVersion", "The specified version does not exist.")
                         .with("Key", std::string(key))
                         .with("VersionId", *version_id)
                   : no_such_key(key);
  if (version && version->delete_marker) {
    error.with("header:x-amz-delete-marker", "true");
    error.with("header:x-amz-version-id", version->version_id);
  }
  return error;
}

std::optional<std::string> told_version(const Parts& parts, std::string_view bucket, const store::ObjectInfo& object) {
  if (object.version_id != "null") return object.version_id;
  auto info = parts.store.find_bucket(bucket);
  if (!info || versioning_of(*info) == store::Versioning::never) return std::nullopt;
  return object.version_id;
}

}  // namespace tarn::gateway::s3
