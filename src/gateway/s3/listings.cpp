// ListObjects in its versions. ("Listing object keys programmatically".)
#include <algorithm>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/encoding.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {
namespace {

std::size_t page_size(const std::optional<int64_t>& asked) {
  const int64_t n = asked.value_or(limits::max_list_keys);
  if (n < 0 || n > INT32_MAX)
    throw Error(ErrorKind::caller, "InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
        .with("ArgumentName", "maxKeys")
        .with("ArgumentValue", std::to_string(n));
  return static_cast<std::size_t>(std::min<int64_t>(n, limits::max_list_keys));
}

// Whether the restore status of archived objects is wanted.
template <class Request>
bool wants_restore_status(const Request& in) {
  if (!in.optional_object_attributes) return false;
  for (const std::string& attribute : *in.optional_object_attributes)
    if (attribute != "RestoreStatus")
      throw Error(ErrorKind::caller, "InvalidArgument", "Invalid attribute name specified")
          .with("ArgumentName", "x-amz-optional-object-attributes")
          .with("ArgumentValue", attribute);
  return !in.optional_object_attributes->empty();
}

// What the shapes of objects and of versions both tell.
template <class Shape>
void describe(const store::ObjectInfo& object, const Encoding& encoding, std::optional<Time> restore_status_at,
              Shape& out) {
  out.key = encoding.text(object.key);
  out.last_modified = object.last_modified;
  out.e_tag = quoted_etag(object.etag);
  out.size = static_cast<int64_t>(object.size_bytes);
  out.storage_class = object.headers.storage_class;
  if (!object.checksum.algorithm.empty()) {
    out.checksum_algorithm = {object.checksum.algorithm};
    out.checksum_type = object.checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
  }
  const auto& restore = object.headers.restore;
  if (!restore_status_at || !restore || *restore_status_at >= restore->expires) return;
  auto& status = out.restore_status.emplace();
  status.is_restore_in_progress = *restore_status_at < restore->ready;
  if (!*status.is_restore_in_progress) status.restore_expiry_date = restore->expires;
}

std::vector<model::Object> contents(const store::Listing& listing, const Encoding& encoding,
                                    const std::optional<model::Owner>& owner, std::optional<Time> restore_status_at) {
  std::vector<model::Object> out;
  out.reserve(listing.objects.size());
  for (const auto& object : listing.objects) {
    describe(object, encoding, restore_status_at, out.emplace_back());
    out.back().owner = owner;
  }
  return out;
}

std::vector<model::CommonPrefix> prefixes(const std::vector<std::string>& found, const Encoding& encoding) {
  std::vector<model::CommonPrefix> out;
  for (const auto& prefix : found) out.push_back({encoding.text(prefix)});
  return out;
}

store::Listing list(const Parts& parts, Context& context, const std::string& bucket,
                    const std::optional<std::string>& prefix, const std::optional<std::string>& delimiter,
                    const std::string& after, std::size_t limit) {
  if (limit == 0) return {};
  return parts.store.list(parts.may_read(context, bucket, prefix.value_or("")), bucket, prefix.value_or(""),
                          delimiter.value_or(""), after, limit);
}

model::ListObjectsOutput list_objects(const Parts& parts, Context& context, const model::ListObjectsRequest& in) {
  const auto status_at = wants_restore_status(in) ? std::optional(context.now) : std::nullopt;
  const Encoding encoding(in.encoding_type);
  const std::size_t limit = page_size(in.max_keys);
  store::Listing found = list(parts, context, in.bucket, in.prefix, in.delimiter, in.marker.value_or(""), limit);
  model::ListObjectsOutput out;
  out.name = in.bucket;
  out.prefix = encoding.text(in.prefix.value_or(""));
  out.marker = encoding.text(in.marker.value_or(""));
  out.delimiter = encoding.optional_text(in.delimiter);
  out.max_keys = static_cast<int64_t>(limit);
  out.encoding_type = in.encoding_type;
  out.is_truncated = found.truncated;
  if (found.truncated && in.delimiter) out.next_marker = encoding.text(found.next);
  out.contents = contents(found, encoding, owner(context.account()), status_at);
  out.common_prefixes = prefixes(found.prefixes, encoding);
  return out;
}

// Opaque to clients: where the last page ended, in base64, with a mark of its kind.
std::string token_of(const std::string& position) {
  return "1" + base64_encode(position);
}

std::string position_of(const std::string& token) {
  auto position = token.starts_with('1') ? base64_decode(std::string_view(token).substr(1)) : std::nullopt;
  if (!position)
    throw Error(ErrorKind::caller, "InvalidArgument", "The continuation token provided is incorrect")
        .with("ArgumentName", "continuation-token");
  return *std::move(position);
}

model::ListObjectsV2Output list_objects_v2(const Parts& parts, Context& context,
                                           const model::ListObjectsV2Request& in) {
  const auto status_at = wants_restore_status(in) ? std::optional(context.now) : std::nullopt;
  const Encoding encoding(in.encoding_type);
  const std::size_t limit = page_size(in.max_keys);
  const std::string after = in.continuation_token ? position_of(*in.continuation_token) : in.start_after.value_or("");
  store::Listing found = list(parts, context, in.bucket, in.prefix, in.delimiter, after, limit);
  model::ListObjectsV2Output out;
  out.name = in.bucket;
  out.prefix = encoding.text(in.prefix.value_or(""));
  out.delimiter = encoding.optional_text(in.delimiter);
  out.start_after = encoding.optional_text(in.start_after);
  out.max_keys = static_cast<int64_t>(limit);
  out.encoding_type = in.encoding_type;
  out.continuation_token = in.continuation_token;
  out.is_truncated = found.truncated;
  out.key_count = static_cast<int64_t>(found.objects.size() + found.prefixes.size());
  if (found.truncated) out.next_continuation_token = token_of(found.next);
  out.contents =
      contents(found, encoding, in.fetch_owner.value_or(false) ? std::optional(owner(context.account())) : std::nullopt,
               status_at);
  out.common_prefixes = prefixes(found.prefixes, encoding);
  return out;
}

void check_markers(const model::ListObjectVersionsRequest& in) {
  auto invalid = [&](const char* message) {
    throw Error(ErrorKind::caller, "InvalidArgument", message)
        .with("ArgumentName", "version-id-marker")
        .with("ArgumentValue", *in.version_id_marker);
  };
  if (!in.version_id_marker) return;
  if (in.version_id_marker->empty()) invalid("A version-id marker cannot be empty.");
  if (in.key_marker.value_or("").empty()) invalid("A version-id marker cannot be specified without a key marker.");
  check_version_id(*in.version_id_marker);
}

model::ListObjectVersionsOutput list_object_versions(const Parts& parts, Context& context,
                                                     const model::ListObjectVersionsRequest& in) {
  const auto status_at = wants_restore_status(in) ? std::optional(context.now) : std::nullopt;
  const Encoding encoding(in.encoding_type);
  const std::size_t limit = page_size(in.max_keys);
  check_markers(in);
  const std::string prefix = in.prefix.value_or("");
  const store::VersionListing found = parts.store.list_versions(
      parts.may_read(context, in.bucket, prefix), in.bucket, prefix, in.delimiter.value_or(""),
      in.key_marker.value_or(""), in.version_id_marker.value_or(""), limit);
  model::ListObjectVersionsOutput out;
  out.name = in.bucket;
  out.prefix = encoding.text(prefix);
  out.key_marker = encoding.text(in.key_marker.value_or(""));
  out.version_id_marker = in.version_id_marker.value_or("");
  out.delimiter = encoding.optional_text(in.delimiter);
  out.max_keys = static_cast<int64_t>(limit);
  out.encoding_type = in.encoding_type;
  out.is_truncated = found.truncated;
  if (found.truncated) {
    out.next_key_marker = encoding.text(found.next_key);
    if (!found.next_version_id.empty()) out.next_version_id_marker = found.next_version_id;
  }
  out.versions.emplace();
  out.delete_markers.emplace();
  for (const store::ObjectInfo& info : found.versions) {
    auto tell = [&](auto& entry) {
      entry.version_id = info.version_id;
      entry.is_latest = info.latest;
      entry.owner = owner(context.account());
    };
    if (!info.delete_marker) {
      model::ObjectVersion& version = out.versions->emplace_back();
      describe(info, encoding, status_at, version);
      tell(version);
      continue;
    }
    model::DeleteMarkerEntry& marker = out.delete_markers->emplace_back();
    marker.key = encoding.text(info.key);
    marker.last_modified = info.last_modified;
    tell(marker);
  }
  out.common_prefixes = prefixes(found.prefixes, encoding);
  return out;
}

}  // namespace

void register_listings(api::Operations& operations, const Parts& parts) {
  on<model::op::ListObjects>(operations, parts, list_objects);
  on<model::op::ListObjectsV2>(operations, parts, list_objects_v2);
  on<model::op::ListObjectVersions>(operations, parts, list_object_versions);
}

}  // namespace tarn::gateway::s3
