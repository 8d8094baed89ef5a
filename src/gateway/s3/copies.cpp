// CopyObject and UploadPartCopy. No bytes move, unless another checksum than the source's is asked for, the copy's ETag
// has to be the MD5 of bytes that the source's does not tell, or one of the two is encrypted and the other is not.
#include <memory>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/checksums.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/encryption.hpp"
#include "gateway/s3/object_headers.hpp"
#include "gateway/s3/object_status.hpp"
#include "gateway/s3/ranges.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/versioning.hpp"
#include "store/checksums.hpp"

namespace tarn::gateway::s3 {
namespace {

template <class Request>
Conditions source_conditions(const Request& in) {
  return {in.copy_source_if_match, in.copy_source_if_none_match, in.copy_source_if_modified_since,
          in.copy_source_if_unmodified_since};
}

// The source object, which must be the caller's, there, and as the conditions want it.
template <class Request>
store::ObjectInfo source_object(const Parts& parts, Context& context, const CopySource& from, const Request& in) {
  const store::BucketInfo bucket = own_bucket(parts, context, from.bucket);
  if (in.expected_source_bucket_owner && *in.expected_source_bucket_owner != bucket.account)
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  const store::Grant grant = parts.may_read(context, from.bucket, from.key);
  auto object = parts.store.head(grant, from.bucket, from.key, from.version_id);
  if (object) {
    check_customer_key(object->encryption, source_customer_key(in));
    check_copy_source(source_conditions(in), *object);
    require_readable(*object, context.now, true);
    return *std::move(object);
  }
  if (!from.version_id.empty() && parts.store.find_version(grant, from.bucket, from.key, from.version_id))
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by version id.");
  throw absent(parts, context, from.bucket, from.key,
               from.version_id.empty() ? std::nullopt : std::optional(from.version_id), "GET");
}

bool replaces(const std::optional<std::string>& directive, const char* header) {
  if (!directive || *directive == "COPY") return false;
  if (*directive == "REPLACE") return true;
  throw Error(ErrorKind::caller, "InvalidArgument", std::string("Unknown ") + header + " directive.");
}

// The headers of the copy. Storage class, redirect, locks and ACL are never the source's.
store::ObjectHeaders headers_of_copy(const model::CopyObjectRequest& in, const store::ObjectInfo& source,
                                     store::ObjectHeaders given) {
  store::ObjectHeaders out = source.headers;
  if (replaces(in.metadata_directive, "metadata")) {
    auto tags = std::move(out.tags);
    out = given;
    out.tags = std::move(tags);
  }
  if (replaces(in.tagging_directive, "tagging")) out.tags = given.tags;
  out.storage_class = given.storage_class;
  out.website_redirect_location = given.website_redirect_location;
  out.retention = given.retention;
  out.legal_hold = given.legal_hold;
  out.acl = given.acl;
  out.restore.reset();
  return out;
}

DigestKind digest_kind(const std::string& algorithm) {
  auto kind = store::checksum_kind(algorithm);
  if (!kind)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, "
                "CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]");
  return *kind;
}

// Copies by reading, which makes a checksum of the whole; with no algorithm there is none.
store::ObjectInfo copy_by_reading(const Parts& parts, Context& context, const CopySource& from,
                                  const model::CopyObjectRequest& in, store::ObjectHeaders headers,
                                  const std::string& algorithm, store::EncryptionWish encryption) {
  auto reader = parts.store.open(parts.may_read(context, from.bucket, from.key), from.bucket, from.key, from.version_id,
                                 source_customer_key(in));
  if (!reader) throw no_such_key(from.key);
  auto writer = parts.store.write(parts.may_write(context, in.bucket, in.key), in.bucket, in.key, std::move(headers),
                                  write_conditions(in.if_match, in.if_none_match), std::move(encryption));
  std::optional<Digest> digest;
  if (!algorithm.empty()) digest.emplace(digest_kind(algorithm));
  constexpr std::size_t size = 256 * 1024;
  auto buffer = std::make_unique_for_overwrite<char[]>(size);
  while (std::size_t got = reader->read(buffer.get(), size)) {
    if (digest) digest->update({buffer.get(), got});
    writer->append({buffer.get(), got});
  }
  if (!digest) return writer->finish({});
  return writer->finish({algorithm, base64_encode(digest->finish()), false});
}

// Whether the copy can share the source's bytes. What it is encrypted by is known for certain once it is made; a bucket
// may say what the request does not.
bool moves_bytes(const Parts& parts, const store::BucketInfo& to, const store::ObjectInfo& source,
                 const store::EncryptionWish& wish) {
  using Kind = store::Encryption::Kind;
  const auto setting = to.settings.find(store::encryption_setting);
  const bool by_default = setting != to.settings.end() && setting->second.string_or("SSEAlgorithm") == "aws:kms";
  const bool hides_etag =
      wish.kind == Kind::kms || wish.kind == Kind::customer || (wish.kind == Kind::none && by_default);
  const bool encrypts = wish.kind != Kind::none || by_default || parts.store.encrypts();
  return encrypts != source.encryption.is_encrypted() ||
         (!hides_etag && source.encryption.hides_etag() && source.part_sizes_bytes.empty());
}

model::CopyObjectOutput copy_object(const Parts& parts, Context& context, const model::CopyObjectRequest& in) {
  const CopySource from = parse_copy_source(in.copy_source);
  const store::ObjectInfo source = source_object(parts, context, from, in);
  const bool same = from.bucket == in.bucket && from.key == in.key && source.latest;
  if (same && !replaces(in.metadata_directive, "metadata") && !in.storage_class && !in.website_redirect_location &&
      !in.checksum_algorithm && !in.server_side_encryption && !in.sse_customer_algorithm)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing the "
                "object's metadata, "
                "storage class, website redirect location or encryption attributes.");
  if (source.size_bytes > limits::max_single_put_size_bytes)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: " +
                    std::to_string(limits::max_single_put_size_bytes));
  store::ObjectHeaders headers = headers_of_copy(in, source, headers_with_acl(parts, context, in));
  const bool other_checksum =
      in.checksum_algorithm && (*in.checksum_algorithm != source.checksum.algorithm || source.checksum.composite);
  store::EncryptionWish wish = encryption_wish(in);
  const bool reads = other_checksum || moves_bytes(parts, own_bucket(parts, context, in.bucket), source, wish);
  const std::string algorithm =
      in.checksum_algorithm.value_or(source.checksum.composite ? std::string() : source.checksum.algorithm);
  store::ObjectInfo made =
      reads ? copy_by_reading(parts, context, from, in, std::move(headers), algorithm, std::move(wish))
            : parts.store.copy(parts.may_read(context, from.bucket, from.key), from.bucket, from.key,
                               parts.may_write(context, in.bucket, in.key), in.bucket, in.key, std::move(headers),
                               {from.version_id, write_conditions(in.if_match, in.if_none_match), std::move(wish),
                                source_customer_key(in)});
  model::CopyObjectOutput out;
  if (made.version_id != "null") out.version_id = made.version_id;
  if (source.version_id != "null") out.copy_source_version_id = source.version_id;
  out.expiration = expiration_of(parts, in.bucket, made);
  encryption_into(made.encryption, customer_key(in), out);
  if (in.ssekms_encryption_context) out.ssekms_encryption_context = context_header(made.encryption);
  auto& result = out.copy_object_result.emplace();
  result.e_tag = quoted_etag(made.etag);
  result.last_modified = made.last_modified;
  put_checksum(result, made.checksum);
  return out;
}

model::UploadPartCopyOutput upload_part_copy(const Parts& parts, Context& context,
                                             const model::UploadPartCopyRequest& in) {
  if (in.part_number < 1 || in.part_number > limits::max_parts)
    throw Error(ErrorKind::caller, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  const CopySource from = parse_copy_source(in.copy_source);
  const store::ObjectInfo source = source_object(parts, context, from, in);
  const ByteRange range = in.copy_source_range ? parse_copy_range(*in.copy_source_range, source.size_bytes)
                                               : ByteRange{0, source.size_bytes};
  if (range.size_bytes > limits::max_single_put_size_bytes)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: " +
                    std::to_string(limits::max_single_put_size_bytes));
  const std::string key = customer_key(in), source_key = source_customer_key(in);
  const store::Grant grant = parts.may_write(context, in.bucket, in.key);
  const store::UploadInfo upload = parts.store.upload(grant, in.bucket, in.key, in.upload_id);
  check_customer_key(upload.encryption, key);
  if (upload.encryption.is_encrypted() != source.encryption.is_encrypted())
    refuse_unsupported("UploadPartCopy between an encrypted object and one in the clear");
  const store::PartInfo made = parts.store.copy_part(
      parts.may_read(context, from.bucket, from.key), from.bucket, from.key, range.offset_bytes, range.size_bytes,
      grant, in.bucket, in.key, in.upload_id, static_cast<int>(in.part_number), from.version_id, source_key, key);
  model::UploadPartCopyOutput out;
  if (source.version_id != "null") out.copy_source_version_id = source.version_id;
  encryption_into(upload.encryption, key, out);
  auto& result = out.copy_part_result.emplace();
  result.e_tag = quoted_etag(made.etag);
  result.last_modified = made.last_modified;
  put_checksum(result, made.checksum);
  return out;
}

}  // namespace

void register_copies(api::Operations& operations, const Parts& parts) {
  on<model::op::CopyObject>(operations, parts, copy_object);
  on<model::op::UploadPartCopy>(operations, parts, upload_part_copy);
}

}  // namespace tarn::gateway::s3
