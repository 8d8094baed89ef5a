// Objects: writing, reading, removing.
#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/checksums.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/encryption.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/object_headers.hpp"
#include "gateway/s3/object_status.hpp"
#include "gateway/s3/ranges.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/transfer.hpp"
#include "gateway/s3/versioning.hpp"
#include "store/remote.hpp"

namespace tarn::gateway::s3 {
namespace {

// What will be locked must have arrived right.
void check_locked_upload(const model::PutObjectRequest& in) {
  const bool locked = in.object_lock_mode || in.object_lock_retain_until_date || in.object_lock_legal_hold_status;
  if (locked && !in.content_md5 && !in.checksum_algorithm && given_checksum(in).algorithm.empty())
    throw Error(ErrorKind::caller, "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock "
                "parameters");
}

model::PutObjectOutput put_object(const Parts& parts, Context& context, const model::PutObjectRequest& in) {
  check_upload_size(context);
  check_locked_upload(in);
  auto writer = parts.store.write(parts.may_write(context, in.bucket, in.key), in.bucket, in.key,
                                  headers_with_acl(parts, context, in), write_conditions(in.if_match, in.if_none_match),
                                  encryption_wish(in));
  store::ObjectInfo stored = writer->finish(receive(context, *writer));
  model::PutObjectOutput out;
  encryption_into(stored.encryption, customer_key(in), out);
  if (in.ssekms_encryption_context) out.ssekms_encryption_context = context_header(stored.encryption);
  out.e_tag = quoted_etag(stored.etag);
  if (stored.version_id != "null") out.version_id = stored.version_id;
  put_checksum(out, stored.checksum);
  out.expiration = expiration_of(parts, in.bucket, stored);
  return out;
}

// The range that a read asks for by bytes or by the number of a part; absent: all.
template <class Request, class Output>
std::optional<ByteRange> wanted_range(const Request& in, const store::ObjectInfo& object, Output& out) {
  if (in.part_number && in.range)
    throw Error(ErrorKind::caller, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  if (in.range) return parse_range(*in.range, object.size_bytes);
  if (!in.part_number) return std::nullopt;
  const auto& sizes = object.part_sizes_bytes;
  const int64_t number = *in.part_number;
  if (sizes.empty()) {
    if (number != 1)
      throw Error(ErrorKind::caller, "InvalidPartNumber", "The requested partnumber is not satisfiable")
          .with("PartNumberRequested", std::to_string(number));
    return object.size_bytes ? std::optional(ByteRange{0, object.size_bytes}) : std::nullopt;
  }
  if (number < 1 || number > static_cast<int64_t>(sizes.size()))
    throw Error(ErrorKind::caller, "InvalidPartNumber", "The requested partnumber is not satisfiable")
        .with("ActualPartCount", std::to_string(sizes.size()))
        .with("PartNumberRequested", std::to_string(number));
  out.parts_count = static_cast<int64_t>(sizes.size());
  uint64_t offset = 0;
  for (int64_t i = 1; i < number; i++) offset += sizes[static_cast<std::size_t>(i - 1)];
  return ByteRange{offset, sizes[static_cast<std::size_t>(number - 1)]};
}

// What GetObject and HeadObject both tell. Returns the part of the object that they are about, or nothing where they
// answer 304.
template <class Request, class Output>
std::optional<ByteRange> describe(Context& context, const Request& in, const store::ObjectInfo& object, Output& out) {
  const bool fresh = check_read({in.if_match, in.if_none_match, in.if_modified_since, in.if_unmodified_since}, object);
  out.e_tag = quoted_etag(object.etag);
  out.last_modified = object.last_modified;
  if (!fresh) {
    context.response_status = 304;
    return std::nullopt;
  }
  auto range = wanted_range(in, object, out);
  const ByteRange sent = range.value_or(ByteRange{0, object.size_bytes});
  if (range) {
    context.response_status = 206;
    out.content_range = "bytes " + std::to_string(sent.offset_bytes) + "-" +
                        std::to_string(sent.offset_bytes + sent.size_bytes - 1) + "/" +
                        std::to_string(object.size_bytes);
  }
  out.accept_ranges = "bytes";
  out.content_length = static_cast<int64_t>(sent.size_bytes);
  headers_into(object.headers, out, context.now);
  auto replace = [](std::optional<std::string>& member, const std::optional<std::string>& by) {
    if (by) member = by;
  };
  replace(out.content_type, in.response_content_type);
  replace(out.content_encoding, in.response_content_encoding);
  replace(out.content_language, in.response_content_language);
  replace(out.content_disposition, in.response_content_disposition);
  replace(out.cache_control, in.response_cache_control);
  if (in.response_expires) out.expires = format_http_date(*in.response_expires);
  if (in.checksum_mode == "ENABLED" && sent.size_bytes == object.size_bytes) put_checksum(out, object.checksum);
  return sent;
}

model::GetObjectOutput get_object(const Parts& parts, Context& context, const model::GetObjectRequest& in) {
  const std::string key = customer_key(in);
  auto reader =
      parts.store.open(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""), key);
  if (!reader) throw absent(parts, context, in.bucket, in.key, in.version_id, "GET");
  require_readable(reader->info(), context.now);
  if (!key.empty()) check_customer_key(reader->info().encryption, key);
  model::GetObjectOutput out;
  out.version_id = told_version(parts, in.bucket, reader->info());
  out.expiration = expiration_of(parts, in.bucket, reader->info());
  out.replication_status = replication_status_of(parts, context, in.bucket, reader->info());
  encryption_into(reader->info().encryption, key, out);
  if (auto sent = describe(context, in, reader->info(), out)) {
    if (sent->size_bytes != reader->info().size_bytes) reader->restrict_to(sent->offset_bytes, sent->size_bytes);
    store::fetch_first(*reader);
    context.response_body = std::move(reader);
  }
  return out;
}

model::HeadObjectOutput head_object(const Parts& parts, Context& context, const model::HeadObjectRequest& in) {
  auto object =
      parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""));
  if (!object) throw absent(parts, context, in.bucket, in.key, in.version_id, "HEAD");
  const std::string key = customer_key(in);
  check_customer_key(object->encryption, key);
  model::HeadObjectOutput out;
  encryption_into(object->encryption, key, out);
  out.version_id = told_version(parts, in.bucket, *object);
  out.expiration = expiration_of(parts, in.bucket, *object);
  out.replication_status = replication_status_of(parts, context, in.bucket, *object);
  describe(context, in, *object, out);
  return out;
}

model::DeleteObjectOutput delete_object(const Parts& parts, Context& context, const model::DeleteObjectRequest& in) {
  if (in.if_match_last_modified_time) throw of_directory_buckets("x-amz-if-match-last-modified-time");
  if (in.if_match_size) throw of_directory_buckets("x-amz-if-match-size");
  store::EraseOptions options;
  options.version_id = in.version_id.value_or("");
  options.bypass_governance = in.bypass_governance_retention.value_or(false);
  if (in.if_match) options.preconditions.if_match = bare_etag(*in.if_match);
  const store::Erased done = parts.store.erase(parts.may_write(context, in.bucket, in.key), in.bucket, in.key, options);
  model::DeleteObjectOutput out;
  if (!done.version_id.empty()) out.version_id = done.version_id;
  if (done.delete_marker) out.delete_marker = true;
  return out;
}

// What a DeleteObjects asks for one object; throws Error for what it can't.
store::Erasure erasure_of(const model::DeleteObjectsRequest& in, const model::ObjectIdentifier& object) {
  if (object.key.empty() || object.key.size() > limits::max_key_size_bytes)
    throw Error(ErrorKind::caller, "KeyTooLongError", "Your key is too long");
  if (object.last_modified_time) throw of_directory_buckets("LastModifiedTime");
  if (object.size) throw of_directory_buckets("Size");
  if (object.version_id) check_version_id(*object.version_id);
  store::Erasure out;
  out.key = object.key;
  out.options.version_id = object.version_id.value_or("");
  out.options.bypass_governance = in.bypass_governance_retention.value_or(false);
  if (object.e_tag) out.options.preconditions.if_match = bare_etag(*object.e_tag);
  return out;
}

void tell(const model::ObjectIdentifier& asked, const store::Erased& done, model::DeleteObjectsOutput& out) {
  if (!out.deleted) out.deleted.emplace();
  model::DeletedObject& deleted = out.deleted->emplace_back();
  deleted.key = asked.key;
  deleted.version_id = asked.version_id;
  if (!done.delete_marker) return;
  deleted.delete_marker = true;
  deleted.delete_marker_version_id = done.version_id;
}

model::DeleteObjectsOutput delete_objects(const Parts& parts, Context& context, const model::DeleteObjectsRequest& in) {
  const auto& objects = in.delete_.objects;
  if (objects.empty() || objects.size() > limits::max_delete_objects) throw malformed_xml();
  std::vector<store::Erasure> all, erasures;
  for (const auto& object : objects) {
    store::Erasure& erasure = all.emplace_back();
    try {
      erasure = erasure_of(in, object);
      erasures.push_back(erasure);
    } catch (const Error& error) {
      erasure.error = error;
    }
  }
  parts.store.erase_all(parts.may_write(context, in.bucket, ""), in.bucket, erasures);
  model::DeleteObjectsOutput out;
  auto done = erasures.begin();
  for (std::size_t i = 0; i < objects.size(); i++) {
    const store::Erasure& fate = all[i].error ? all[i] : *done++;
    if (fate.error) {
      if (!out.errors) out.errors.emplace();
      out.errors->push_back({objects[i].key, objects[i].version_id, fate.error->code(), fate.error->message()});
    } else if (!in.delete_.quiet.value_or(false)) {
      tell(objects[i], fate.done, out);
    }
  }
  return out;
}

// The parts themselves are told where they have checksums.
model::GetObjectAttributesParts object_parts(const store::ObjectInfo& object,
                                             const model::GetObjectAttributesRequest& in) {
  const auto count = static_cast<int64_t>(object.part_sizes_bytes.size());
  const int64_t after = std::clamp<int64_t>(in.part_number_marker.value_or(0), 0, count);
  const int64_t most = std::clamp<int64_t>(in.max_parts.value_or(1000), 0, 1000);
  const int64_t last = std::min(after + most, count);
  model::GetObjectAttributesParts out;
  out.total_parts_count = count;
  if (object.part_checksums.empty()) return out;
  out.part_number_marker = after;
  out.max_parts = most;
  out.next_part_number_marker = last;
  out.is_truncated = last < count;
  out.parts.emplace();
  for (int64_t number = after + 1; number <= last; number++) {
    const auto i = static_cast<std::size_t>(number - 1);
    auto& part = out.parts->emplace_back();
    part.part_number = number;
    part.size = static_cast<int64_t>(object.part_sizes_bytes[i]);
    put_checksum(part, {object.checksum.algorithm, object.part_checksums[i], false});
  }
  return out;
}

model::GetObjectAttributesOutput get_object_attributes(const Parts& parts, Context& context,
                                                       const model::GetObjectAttributesRequest& in) {
  auto object =
      parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""));
  if (!object) throw absent(parts, context, in.bucket, in.key, in.version_id, "GET");
  check_customer_key(object->encryption, customer_key(in));
  model::GetObjectAttributesOutput out;
  out.version_id = told_version(parts, in.bucket, *object);
  out.last_modified = object->last_modified;
  for (const std::string& attribute : in.object_attributes) {
    if (attribute == "ETag") {
      out.e_tag = object->etag;
    } else if (attribute == "Checksum") {
      if (!object->checksum.algorithm.empty()) put_checksum(out.checksum.emplace(), object->checksum);
    } else if (attribute == "StorageClass") {
      out.storage_class = object->headers.storage_class;
    } else if (attribute == "ObjectSize") {
      out.object_size = static_cast<int64_t>(object->size_bytes);
    } else if (attribute == "ObjectParts" && !object->part_sizes_bytes.empty()) {
      out.object_parts = object_parts(*object, in);
    }
  }
  return out;
}

}  // namespace

void register_objects(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutObject>(operations, parts, put_object);
  on<GetObject>(operations, parts, get_object);
  on<HeadObject>(operations, parts, head_object);
  on<DeleteObject>(operations, parts, delete_object);
  on<DeleteObjects>(operations, parts, delete_objects);
  on<GetObjectAttributes>(operations, parts, get_object_attributes);
}

}  // namespace tarn::gateway::s3
