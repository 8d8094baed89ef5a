// ListObjects in its versions. ("Listing object keys programmatically".)
#include <algorithm>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/encoding.hpp"
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

template <class Request>
void check_attributes(const Request& in) {
  if (in.optional_object_attributes && !in.optional_object_attributes->empty())
    refuse_unsupported("OptionalObjectAttributes of listings");
}

std::vector<model::Object> contents(const store::Listing& listing, const Encoding& encoding,
                                    const std::optional<model::Owner>& owner) {
  std::vector<model::Object> out;
  out.reserve(listing.objects.size());
  for (const auto& object : listing.objects) {
    model::Object& o = out.emplace_back();
    o.key = encoding.text(object.key);
    o.last_modified = object.last_modified;
    o.e_tag = quoted_etag(object.etag);
    o.size = static_cast<int64_t>(object.size_bytes);
    o.storage_class = object.headers.storage_class;
    o.owner = owner;
    if (!object.checksum.algorithm.empty()) {
      o.checksum_algorithm = {object.checksum.algorithm};
      o.checksum_type = object.checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
    }
  }
  return out;
}

std::vector<model::CommonPrefix> prefixes(const store::Listing& listing, const Encoding& encoding) {
  std::vector<model::CommonPrefix> out;
  for (const auto& prefix : listing.prefixes) out.push_back({encoding.text(prefix)});
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
  check_attributes(in);
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
  out.contents = contents(found, encoding, owner(context.account()));
  out.common_prefixes = prefixes(found, encoding);
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
  check_attributes(in);
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
  out.contents = contents(found, encoding,
                          in.fetch_owner.value_or(false) ? std::optional(owner(context.account())) : std::nullopt);
  out.common_prefixes = prefixes(found, encoding);
  return out;
}

// In a bucket without versioning every object is its own, latest, version "null".
model::ListObjectVersionsOutput list_object_versions(const Parts& parts, Context& context,
                                                     const model::ListObjectVersionsRequest& in) {
  check_attributes(in);
  const Encoding encoding(in.encoding_type);
  const std::size_t limit = page_size(in.max_keys);
  store::Listing found = list(parts, context, in.bucket, in.prefix, in.delimiter, in.key_marker.value_or(""), limit);
  model::ListObjectVersionsOutput out;
  out.name = in.bucket;
  out.prefix = encoding.text(in.prefix.value_or(""));
  out.key_marker = encoding.text(in.key_marker.value_or(""));
  out.version_id_marker = in.version_id_marker.value_or("");
  out.delimiter = encoding.optional_text(in.delimiter);
  out.max_keys = static_cast<int64_t>(limit);
  out.encoding_type = in.encoding_type;
  out.is_truncated = found.truncated;
  if (found.truncated) {
    out.next_key_marker = encoding.text(found.next);
    out.next_version_id_marker = "null";
  }
  out.versions.emplace();
  for (model::Object& object : contents(found, encoding, owner(context.account()))) {
    model::ObjectVersion& version = out.versions->emplace_back();
    version.key = std::move(object.key);
    version.last_modified = object.last_modified;
    version.e_tag = std::move(object.e_tag);
    version.size = object.size;
    version.storage_class = std::move(object.storage_class);
    version.owner = std::move(object.owner);
    version.checksum_algorithm = std::move(object.checksum_algorithm);
    version.checksum_type = std::move(object.checksum_type);
    version.version_id = "null";
    version.is_latest = true;
  }
  out.common_prefixes = prefixes(found, encoding);
  return out;
}

}  // namespace

void register_listings(api::Operations& operations, const Parts& parts) {
  on<model::op::ListObjects>(operations, parts, list_objects);
  on<model::op::ListObjectsV2>(operations, parts, list_objects_v2);
  on<model::op::ListObjectVersions>(operations, parts, list_object_versions);
}

}  // namespace tarn::gateway::s3
