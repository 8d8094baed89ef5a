// Multipart uploads. ("Uploading and copying objects using multipart upload".)
#include <algorithm>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/checksums.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/encoding.hpp"
#include "gateway/s3/encryption.hpp"
#include "gateway/s3/object_headers.hpp"
#include "gateway/s3/object_status.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/transfer.hpp"

namespace tarn::gateway::s3 {
namespace {

// The type that S3 gives an algorithm where the client names none, and those that it allows.
std::string checksum_type(const std::optional<std::string>& algorithm, const std::optional<std::string>& type) {
  if (!algorithm) {
    if (type)
      throw Error(ErrorKind::caller, "InvalidRequest",
                  "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    return "";
  }
  const bool crc = algorithm->starts_with("CRC"), whole_only = *algorithm == "CRC64NVME";
  const std::string chosen = type.value_or(whole_only ? "FULL_OBJECT" : "COMPOSITE");
  if ((chosen == "FULL_OBJECT" && !crc) || (chosen == "COMPOSITE" && whole_only))
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The " + chosen + " checksum type cannot be used with the " + *algorithm + " checksum algorithm.");
  return chosen;
}

model::CreateMultipartUploadOutput create_upload(const Parts& parts, Context& context,
                                                 const model::CreateMultipartUploadRequest& in) {
  const std::string type = checksum_type(in.checksum_algorithm, in.checksum_type);
  store::UploadInfo upload = parts.store.create_upload(parts.may_write(context, in.bucket, in.key), in.bucket, in.key,
                                                       headers_with_acl(parts, context, in),
                                                       in.checksum_algorithm.value_or(""), type, encryption_wish(in));
  model::CreateMultipartUploadOutput out;
  encryption_into(upload.encryption, customer_key(in), out);
  if (in.ssekms_encryption_context) out.ssekms_encryption_context = context_header(upload.encryption);
  out.bucket = in.bucket;
  out.key = in.key;
  out.upload_id = upload.upload_id;
  out.checksum_algorithm = in.checksum_algorithm;
  if (!type.empty()) out.checksum_type = type;
  return out;
}

void check_part_number(int64_t number) {
  if (number < 1 || number > limits::max_parts)
    throw Error(ErrorKind::caller, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        .with("ArgumentName", "partNumber")
        .with("ArgumentValue", std::to_string(number));
}

// The customer's key that the parts of an upload come with: the one that it was created with.
void check_part_key(const store::Encryption& encryption, const std::string& key) {
  const bool needed = encryption.kind == store::Encryption::Kind::customer;
  if (needed && key.empty())
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The multipart upload initiate requested encryption. Subsequent part requests must include the "
                "appropriate encryption parameters.");
  if (!needed && key.empty()) return;
  try {
    check_customer_key(encryption, key);
  } catch (const Error&) {
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The provided encryption parameters did not match the ones used originally.");
  }
}

model::UploadPartOutput upload_part(const Parts& parts, Context& context, const model::UploadPartRequest& in) {
  check_part_number(in.part_number);
  check_upload_size(context);
  const store::Grant grant = parts.may_write(context, in.bucket, in.key);
  const store::UploadInfo upload = parts.store.upload(grant, in.bucket, in.key, in.upload_id);
  const std::string& expected = upload.checksum_algorithm;
  const std::string key = customer_key(in);
  check_part_key(upload.encryption, key);
  auto writer = parts.store.write_part(grant, in.bucket, in.key, in.upload_id, static_cast<int>(in.part_number), key);
  store::Checksum checksum = receive(context, *writer);
  if (!expected.empty() && checksum.algorithm != expected)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "Checksum Type mismatch occurred, expected checksum Type: " + expected +
                    ", actual checksum Type: " + (checksum.algorithm.empty() ? "null" : checksum.algorithm));
  store::ObjectInfo stored = writer->finish(checksum);
  model::UploadPartOutput out;
  encryption_into(upload.encryption, key, out);
  out.e_tag = quoted_etag(stored.etag);
  put_checksum(out, checksum);
  return out;
}

std::vector<store::CompletedPart> completed_parts(const model::CompleteMultipartUploadRequest& in) {
  std::vector<store::CompletedPart> out;
  if (in.multipart_upload && in.multipart_upload->parts) {
    for (const auto& part : *in.multipart_upload->parts) {
      if (!part.part_number || !part.e_tag) throw malformed_xml();
      check_part_number(*part.part_number);
      auto& completed = out.emplace_back();
      completed.number = static_cast<int>(*part.part_number);
      completed.etag = bare_etag(*part.e_tag);
      if (store::Checksum checksum = given_checksum(part); !checksum.algorithm.empty())
        completed.checksum = checksum.value;
    }
  }
  if (out.empty()) throw malformed_xml();
  return out;
}

model::CompleteMultipartUploadOutput complete_upload(const Parts& parts, Context& context,
                                                     const model::CompleteMultipartUploadRequest& in) {
  const store::Grant grant = parts.may_write(context, in.bucket, in.key);
  store::Checksum expected = given_checksum(in);
  // One that is gone may have been completed by this very request, whose answer was lost: the store knows.
  std::optional<store::UploadInfo> upload;
  try {
    upload = parts.store.upload(grant, in.bucket, in.key, in.upload_id);
  } catch (const Error& error) {
    if (error.code() != "NoSuchUpload") throw;
  }
  if (const std::string key = customer_key(in); upload && !key.empty()) check_part_key(upload->encryption, key);
  const std::string type = !upload ? "" : upload->checksum_type.empty() ? "FULL_OBJECT" : upload->checksum_type;
  if (upload && in.checksum_type && *in.checksum_type != type)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The upload was created using the " + type +
                    " checksum mode. The complete request must use the same checksum mode.");
  expected.composite = upload && upload->checksum_type == "COMPOSITE";
  const auto completed = completed_parts(in);
  if (upload && in.mpu_object_size) {
    uint64_t size = 0;
    for (const auto& part : parts.store.list_parts(grant, in.bucket, in.key, in.upload_id, 0, limits::max_parts))
      if (std::any_of(completed.begin(), completed.end(), [&](const auto& c) { return c.number == part.number; }))
        size += part.size_bytes;
    if (static_cast<int64_t>(size) != *in.mpu_object_size)
      throw Error(ErrorKind::caller, "InvalidRequest",
                  "The provided 'x-amz-mp-object-size' header value " + std::to_string(*in.mpu_object_size) +
                      " does not match what was computed: " + std::to_string(size));
  }
  store::ObjectInfo made = parts.store.complete_upload(grant, in.bucket, in.key, in.upload_id, completed, expected,
                                                       write_conditions(in.if_match, in.if_none_match));
  model::CompleteMultipartUploadOutput out;
  encryption_into(made.encryption, out);
  out.bucket = in.bucket;
  out.key = in.key;
  out.location = context.endpoint + "/" + in.bucket + "/" + Encoding(std::string("url")).text(in.key);
  out.e_tag = quoted_etag(made.etag);
  out.expiration = expiration_of(parts, in.bucket, made);
  if (made.version_id != "null") out.version_id = made.version_id;
  put_checksum(out, made.checksum);
  return out;
}

model::AbortMultipartUploadOutput abort_upload(const Parts& parts, Context& context,
                                               const model::AbortMultipartUploadRequest& in) {
  if (in.if_match_initiated_time) refuse_unsupported("x-amz-if-match-initiated-time");
  parts.store.abort_upload(parts.may_write(context, in.bucket, in.key), in.bucket, in.key, in.upload_id);
  return {};
}

template <class Person>
Person person(const Context& context) {
  Person out;
  out.id = canonical_user_id(context.account());
  return out;
}

model::ListPartsOutput list_parts(const Parts& parts, Context& context, const model::ListPartsRequest& in) {
  const store::Grant grant = parts.may_read(context, in.bucket, in.key);
  const store::UploadInfo upload = parts.store.upload(grant, in.bucket, in.key, in.upload_id);
  if (const std::string key = customer_key(in); !key.empty()) check_part_key(upload.encryption, key);
  const auto most = static_cast<std::size_t>(std::clamp<int64_t>(in.max_parts.value_or(1000), 0, 1000));
  const int64_t marker = std::clamp<int64_t>(in.part_number_marker.value_or(0), 0, limits::max_parts);
  auto found = parts.store.list_parts(grant, in.bucket, in.key, in.upload_id, static_cast<int>(marker), most + 1);
  model::ListPartsOutput out;
  out.bucket = in.bucket;
  out.key = in.key;
  out.upload_id = in.upload_id;
  out.part_number_marker = marker;
  out.max_parts = static_cast<int64_t>(most);
  out.is_truncated = found.size() > most && most > 0;
  if (found.size() > most) found.resize(most);
  out.storage_class = upload.headers.storage_class;
  out.owner = owner(context.account());
  out.initiator = person<model::Initiator>(context);
  if (!upload.checksum_algorithm.empty()) {
    out.checksum_algorithm = upload.checksum_algorithm;
    out.checksum_type = upload.checksum_type;
  }
  out.next_part_number_marker = found.empty() ? marker : found.back().number;
  out.parts.emplace();
  for (const auto& part : found) {
    model::Part& p = out.parts->emplace_back();
    p.part_number = part.number;
    p.size = static_cast<int64_t>(part.size_bytes);
    p.e_tag = quoted_etag(part.etag);
    p.last_modified = part.last_modified;
    put_checksum(p, part.checksum);
  }
  return out;
}

model::MultipartUpload describe(const Context& context, const store::UploadInfo& upload, const Encoding& encoding) {
  model::MultipartUpload out;
  out.key = encoding.text(upload.key);
  out.upload_id = upload.upload_id;
  out.initiated = upload.initiated;
  out.storage_class = upload.headers.storage_class;
  out.owner = owner(context.account());
  out.initiator = person<model::Initiator>(context);
  if (!upload.checksum_algorithm.empty()) {
    out.checksum_algorithm = upload.checksum_algorithm;
    out.checksum_type = upload.checksum_type;
  }
  return out;
}

model::ListMultipartUploadsOutput list_uploads(const Parts& parts, Context& context,
                                               const model::ListMultipartUploadsRequest& in) {
  const Encoding encoding(in.encoding_type);
  const std::string prefix = in.prefix.value_or(""), delimiter = in.delimiter.value_or("");
  const auto most = static_cast<std::size_t>(std::clamp<int64_t>(in.max_uploads.value_or(1000), 0, 1000));
  model::ListMultipartUploadsOutput out;
  out.bucket = in.bucket;
  out.prefix = encoding.text(prefix);
  out.delimiter = encoding.optional_text(in.delimiter);
  out.key_marker = encoding.text(in.key_marker.value_or(""));
  out.upload_id_marker = in.upload_id_marker.value_or("");
  out.max_uploads = static_cast<int64_t>(most);
  out.encoding_type = in.encoding_type;
  out.is_truncated = false;
  out.uploads.emplace();
  out.common_prefixes.emplace();

  // Keys behind a common prefix are passed over, a page of uploads at a time.
  std::string key = in.key_marker.value_or(""), id = in.upload_id_marker.value_or(""), group;
  std::size_t given = 0;
  const store::Grant grant = parts.may_read(context, in.bucket, prefix);
  while (most > 0) {
    auto page = parts.store.list_uploads(grant, in.bucket, prefix, key, id, 1000);
    if (page.empty()) return out;
    for (const auto& upload : page) {
      auto cut = delimiter.empty() ? std::string::npos : upload.key.find(delimiter, prefix.size());
      std::string its_group = cut == std::string::npos ? "" : upload.key.substr(0, cut + delimiter.size());
      const bool again = !its_group.empty() &&
                         (its_group == group || (group.empty() && in.key_marker.value_or("").starts_with(its_group)));
      if (!again && given == most) {
        out.is_truncated = true;
        out.next_key_marker = encoding.text(key);
        out.next_upload_id_marker = id;
        return out;
      }
      key = upload.key;
      id = upload.upload_id;
      if (again) continue;
      given++;
      group = its_group;
      if (its_group.empty())
        out.uploads->push_back(describe(context, upload, encoding));
      else
        out.common_prefixes->push_back({encoding.text(its_group)});
    }
  }
  return out;
}

}  // namespace

void register_multipart(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<CreateMultipartUpload>(operations, parts, create_upload);
  on<UploadPart>(operations, parts, upload_part);
  on<CompleteMultipartUpload>(operations, parts, complete_upload);
  on<AbortMultipartUpload>(operations, parts, abort_upload);
  on<ListParts>(operations, parts, list_parts);
  on<ListMultipartUploads>(operations, parts, list_uploads);
}

}  // namespace tarn::gateway::s3
