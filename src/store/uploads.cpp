#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/checksums.hpp"
#include "store/coding.hpp"
#include "store/local_store.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t upload_id_digits =
    48;  // 16 of a number that rises with time, so that listings are in S3's order; 32 at random

std::string_view without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

Error invalid_part(int number, std::string_view upload_id) {
  return Error(ErrorKind::caller, "InvalidPart",
               "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
               "specified entity tag "
               "may not match the part's entity tag.")
      .with("PartNumber", std::to_string(number))
      .with("UploadId", std::string(upload_id));
}

void require_part_number(int number) {
  if (number < 1 || number > limits::max_parts) {
    throw Error(ErrorKind::caller, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        .with("ArgumentName", "partNumber")
        .with("ArgumentValue", std::to_string(number));
  }
}

// The extents of a range of a body.
std::vector<Extent> cut(const std::vector<Extent>& extents, uint64_t offset, uint64_t size) {
  std::vector<Extent> out;
  for (const Extent& e : extents) {
    uint64_t skip = std::min(offset, e.size_bytes);
    uint64_t take = std::min(size, e.size_bytes - skip);
    offset -= skip;
    size -= take;
    if (take == 0) continue;
    out.push_back(e);
    out.back().offset_bytes += skip;
    out.back().size_bytes = take;
  }
  return out;
}

// Of an upload that names no algorithm. Absent where a part was written before parts had such sums.
Checksum default_whole_checksum(const std::vector<PartRecord>& parts) {
  std::string sum;
  for (const PartRecord& part : parts) {
    if (part.crc64nvme.empty()) return {};
    sum = sum.empty() ? part.crc64nvme : combine_crc(DigestKind::crc64nvme, sum, part.crc64nvme, part.info.size_bytes);
  }
  return default_checksum(sum);
}

// The checksum of the whole, as the upload was asked for it.
Checksum whole_checksum(const UploadInfo& upload, const std::vector<PartRecord>& parts) {
  auto kind = checksum_kind(upload.checksum_algorithm);
  if (!kind) return default_whole_checksum(parts);
  bool composite = upload.checksum_type != "FULL_OBJECT";
  std::string sum, digests;
  for (const PartRecord& part : parts) {
    auto bytes = base64_decode(part.info.checksum.value);
    TARN_ASSERT(bytes);
    if (composite) {
      digests += *bytes;
    } else {
      sum = sum.empty() ? *bytes : combine_crc(*kind, sum, *bytes, part.info.size_bytes);
    }
  }
  if (!composite) return {upload.checksum_algorithm, base64_encode(sum), false};
  return {upload.checksum_algorithm, base64_encode(digest(*kind, digests)) + "-" + std::to_string(parts.size()), true};
}

}  // namespace

Error no_such_upload(std::string_view upload_id) {
  return Error(ErrorKind::missing, "NoSuchUpload",
               "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
               "or completed.")
      .with("UploadId", std::string(upload_id));
}

std::optional<UploadRecord> LocalStore::find_upload(std::string_view bucket_name, std::string_view key,
                                                    std::string_view upload_id) const {
  std::string stored;
  if (upload_id.size() != upload_id_digits || upload_id.find('\0') != upload_id.npos) return std::nullopt;
  if (!index_.get(Family::records, upload_key(bucket_name, key, upload_id), stored)) return std::nullopt;
  UploadRecord upload = decode_upload(stored);
  upload.info.key = key;
  upload.info.upload_id = upload_id;
  return upload;
}

UploadRecord LocalStore::require_upload(std::string_view bucket_name, std::string_view key,
                                        std::string_view upload_id) const {
  auto upload = find_upload(bucket_name, key, upload_id);
  if (!upload) throw no_such_upload(upload_id);
  return std::move(*upload);
}

std::optional<PartRecord> LocalStore::find_part(std::string_view upload_id, int number) const {
  std::string stored;
  if (!index_.get(Family::records, part_key(upload_id, number), stored)) return std::nullopt;
  PartRecord part = decode_part(stored);
  part.info.number = number;
  return part;
}

void LocalStore::erase_upload(Change& change, std::string_view upload_id, std::string_view record_key) const {
  const std::string first = part_keys(upload_id);
  auto cursor = index_.cursor(Family::records, after_prefix(first));
  for (bool at = cursor->seek(first); at; at = cursor->next()) {
    change.release(decode_part(cursor->value()).extents);
    change.batch().erase(Family::records, cursor->key());
  }
  change.batch().erase(Family::records, record_key);
}

UploadInfo LocalStore::create_upload(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                     ObjectHeaders headers, std::string checksum_algorithm, std::string checksum_type,
                                     EncryptionWish encryption) {
  require(grant, Access::write, bucket_name, key);
  require_valid_key(key);
  if (!checksum_algorithm.empty()) {
    auto kind = checksum_kind(checksum_algorithm);
    bool full = checksum_type == "FULL_OBJECT";
    if (!kind || (full && !combinable(*kind)) || (!full && *kind == DigestKind::crc64nvme)) {
      throw Error(ErrorKind::caller, "InvalidRequest",
                  "The " + checksum_type + " checksum type cannot be used with the " + checksum_algorithm +
                      " checksum algorithm.");
    }
  }
  blobs_->require_space();
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  auto info = bucket(bucket_name);
  if (headers.retention || headers.legal_hold) settle_lock(*info, headers, clock_.now());
  UploadRecord upload;
  std::string number;
  put_ordered(number, new_id());
  upload.info = {hex_encode(number) + random_.hex(32),
                 std::string(key),
                 clock_.now(),
                 std::move(checksum_algorithm),
                 std::move(checksum_type),
                 std::move(headers),
                 choose(std::move(encryption), bucket_name, key).encryption};
  Batch batch(index_);
  batch.put(Family::records, upload_key(bucket_name, key, upload.info.upload_id), encode(upload));
  index_.commit(batch);
  return std::move(upload.info);
}

void LocalStore::put_part(Change& change, std::string_view upload_id, const PartRecord& part) {
  if (auto old = find_part(upload_id, part.info.number)) change.release(old->extents);
  change.batch().put(Family::records, part_key(upload_id, part.info.number), encode(part));
}

class LocalPartWriter : public ObjectWriter {
 public:
  LocalPartWriter(LocalStore& store, std::string_view bucket, std::string_view key, std::string_view upload_id,
                  int number, Encryption encryption, std::string wrapping_key)
      : store_(store),
        bucket_(bucket),
        key_(key),
        upload_id_(upload_id),
        encryption_(std::move(encryption)),
        body_(store, std::move(wrapping_key)) {
    part_.info.number = number;
  }

  void append(std::string_view bytes) override { body_.append(bytes); }

  ObjectInfo finish(const Checksum& checksum) override {
    body_.finish();
    part_.info.size_bytes = body_.size_bytes();
    part_.info.etag = etag_of(body_.md5(), encryption_, store_.random_);
    part_.extents = body_.extents();
    auto bucket_held = store_.bucket_locks_.hold({store_.bucket_locks_.shared(bucket_)});
    auto held = store_.hold_part(upload_id_, part_.info.number);
    const std::string wanted = store_.require_upload(bucket_, key_, upload_id_).info.checksum_algorithm;
    if (!wanted.empty() && wanted != checksum.algorithm) {
      throw Error(ErrorKind::caller, "InvalidRequest",
                  "Checksum Type mismatch occurred, expected checksum Type: " + wanted +
                      ", actual checksum Type: " + (checksum.algorithm.empty() ? "null" : checksum.algorithm));
    }
    part_.info.checksum = checksum;
    if (wanted.empty()) part_.crc64nvme = body_.crc64nvme();
    if (checksum.algorithm.empty()) part_.info.checksum = default_checksum(body_.crc64nvme());
    part_.info.last_modified = store_.clock_.now();
    Change change(store_);
    body_.add_to(change);
    store_.put_part(change, upload_id_, part_);
    body_.commit(change);
    ObjectInfo info;
    info.key = key_;
    info.size_bytes = part_.info.size_bytes;
    info.etag = part_.info.etag;
    info.last_modified = part_.info.last_modified;
    info.checksum = part_.info.checksum;
    return info;
  }

 private:
  LocalStore& store_;
  std::string bucket_, key_, upload_id_;
  Encryption encryption_;
  BodyWriter body_;
  PartRecord part_;
};

LockTable::Held LocalStore::hold_part(std::string_view upload_id, int number) const {
  return name_locks_.hold(
      {name_locks_.shared(part_keys(upload_id)), name_locks_.exclusive(part_key(upload_id, number))});
}

std::unique_ptr<ObjectWriter> LocalStore::write_part(const Grant& grant, std::string_view bucket_name,
                                                     std::string_view key, std::string_view upload_id, int number,
                                                     std::string_view customer_key) {
  require(grant, Access::write, bucket_name, key);
  require_part_number(number);
  bucket(bucket_name);
  Encryption encryption = require_upload(bucket_name, key, upload_id).info.encryption;
  std::string wrapping_key = keys_.wrapping_key(encryption, customer_key);
  return std::make_unique<LocalPartWriter>(*this, bucket_name, key, upload_id, number, std::move(encryption),
                                           std::move(wrapping_key));
}

PartInfo LocalStore::copy_part(const Grant& read, std::string_view from_bucket, std::string_view from_key,
                               uint64_t offset_bytes, uint64_t size_bytes, const Grant& write,
                               std::string_view bucket_name, std::string_view key, std::string_view upload_id,
                               int number, std::string_view from_version_id, std::string_view from_customer_key,
                               std::string_view customer_key) {
  require(write, Access::write, bucket_name, key);
  require_part_number(number);
  bucket(bucket_name);
  UploadInfo upload = require_upload(bucket_name, key, upload_id).info;
  blobs_->require_space();

  // The sums are taken from an open reader, before the locks; the record must then still be the one that was read.
  auto reader = open(read, from_bucket, from_key, from_version_id, from_customer_key);
  if (!reader && !from_version_id.empty() && find_version(read, from_bucket, from_key, from_version_id))
    throw delete_marker_as_source();
  if (!reader) throw from_version_id.empty() ? no_such_key(from_key) : no_such_version(from_key, from_version_id);
  if (offset_bytes > reader->info().size_bytes || size_bytes > reader->info().size_bytes - offset_bytes) {
    throw Error(ErrorKind::caller, "InvalidRange", "The requested range is not satisfiable");
  }
  if (size_bytes > limits::max_single_put_size_bytes) {
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120");
  }
  PartRecord part = sum_up(*reader, offset_bytes, size_bytes, upload.checksum_algorithm);
  if (upload.encryption.hides_etag()) part.info.etag = etag_of(*hex_decode(part.info.etag), upload.encryption, random_);
  part.info.number = number;
  const std::string from_wrapping_key = keys_.wrapping_key(reader->info().encryption, from_customer_key),
                    wrapping_key = keys_.wrapping_key(upload.encryption, customer_key);

  auto buckets_held = bucket_locks_.hold({bucket_locks_.shared(from_bucket), bucket_locks_.shared(bucket_name)});
  auto held =
      name_locks_.hold({name_locks_.shared(object_key(from_bucket, from_key)), name_locks_.shared(part_keys(upload_id)),
                        name_locks_.exclusive(part_key(upload_id, number))});
  require_upload(bucket_name, key, upload_id);
  auto source = find_record(from_bucket, from_key, reader->info().version_id);
  if (!source || source->info.etag != reader->info().etag || source->info.size_bytes != reader->info().size_bytes ||
      source->info.encryption != reader->info().encryption) {
    throw Error(ErrorKind::conflict, "OperationAborted",
                "The source of the copy was replaced while it was read. Please try again.");
  }
  part.extents = cut(source->extents, offset_bytes, size_bytes);
  rewrap(part.extents, from_wrapping_key, wrapping_key);
  part.info.last_modified = clock_.now();
  Change change(*this);
  change.use(part.extents);
  put_part(change, upload_id, part);
  change.commit();
  return part.info;
}

PartRecord LocalStore::sum_up(ObjectReader& reader, uint64_t offset_bytes, uint64_t size_bytes,
                              std::string_view algorithm) {
  PartRecord part;
  PartInfo& info = part.info;
  info.size_bytes = size_bytes;
  const ObjectInfo& source = reader.info();
  const bool by_default = algorithm.empty();
  if (by_default) algorithm = default_checksum_algorithm;
  const auto kind = checksum_kind(algorithm);
  TARN_ASSERT(kind);
  const bool whole = offset_bytes == 0 && size_bytes == source.size_bytes && source.part_sizes_bytes.empty() &&
                     !source.encryption.hides_etag();
  if (whole && source.checksum.algorithm == algorithm && !source.checksum.composite) {
    info.etag = source.etag;
    info.checksum = source.checksum;
  } else {
    Digest md5(DigestKind::md5), sum(*kind);
    reader.restrict_to(offset_bytes, size_bytes);
    std::string buffer(256 << 10, '\0');
    while (std::size_t n = reader.read(buffer.data(), buffer.size())) {
      md5.update({buffer.data(), n});
      sum.update({buffer.data(), n});
    }
    info.etag = hex_encode(md5.finish());
    info.checksum = {std::string(algorithm), base64_encode(sum.finish()), false};
  }
  if (by_default) part.crc64nvme = base64_decode(info.checksum.value).value_or("");
  return part;
}

std::vector<PartRecord> LocalStore::wanted_parts(std::string_view upload_id,
                                                 const std::vector<CompletedPart>& wanted) const {
  if (wanted.empty()) {
    throw Error(ErrorKind::caller, "MalformedXML", "The list of parts is empty. Name at least one part.");
  }
  std::vector<PartRecord> parts;
  for (std::size_t i = 0; i < wanted.size(); i++) {
    if (i > 0 && wanted[i].number <= wanted[i - 1].number) {
      throw Error(
          ErrorKind::caller, "InvalidPartOrder",
          "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
          .with("UploadId", std::string(upload_id));
    }
    auto part = find_part(upload_id, wanted[i].number);
    if (!part || part->info.etag != without_quotes(wanted[i].etag)) throw invalid_part(wanted[i].number, upload_id);
    if (wanted[i].checksum && *wanted[i].checksum != part->info.checksum.value)
      throw invalid_part(wanted[i].number, upload_id);
    parts.push_back(std::move(*part));
  }
  for (std::size_t i = 0; i + 1 < parts.size(); i++) {
    const PartInfo& info = parts[i].info;
    if (info.size_bytes >= limits::min_part_size_bytes) continue;
    throw Error(ErrorKind::caller, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        .with("ProposedSize", std::to_string(info.size_bytes))
        .with("MinSizeAllowed", std::to_string(limits::min_part_size_bytes))
        .with("PartNumber", std::to_string(info.number))
        .with("ETag", info.etag);
  }
  return parts;
}

ObjectInfo LocalStore::complete_upload(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                       std::string_view upload_id, const std::vector<CompletedPart>& wanted,
                                       const Checksum& expected, Preconditions preconditions) {
  require(grant, Access::write, bucket_name, key);
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  auto present_bucket = bucket(bucket_name);
  auto held = name_locks_.hold(
      {name_locks_.exclusive(object_key(bucket_name, key)), name_locks_.exclusive(part_keys(upload_id))});
  auto old = find_object(bucket_name, key);
  auto upload = find_upload(bucket_name, key, upload_id);
  if (!upload) {
    // The answer to the first completion may have been lost: the same request gets the same answer.
    if (old && !upload_id.empty() && old->completed_upload == upload_id) return old->info;
    throw no_such_upload(upload_id);
  }
  check(preconditions, old ? &old->info : nullptr, key);
  std::vector<PartRecord> parts = wanted_parts(upload_id, wanted);

  ObjectRecord record;
  ObjectInfo& info = record.info;
  info.key = key;
  info.headers = upload->info.headers;
  info.encryption = upload->info.encryption;
  info.last_modified = clock_.now();
  settle_lock(*present_bucket, info.headers, info.last_modified);
  std::string digests;
  for (const PartRecord& part : parts) {
    info.size_bytes += part.info.size_bytes;
    info.part_sizes_bytes.push_back(part.info.size_bytes);
    if (!upload->info.checksum_algorithm.empty()) info.part_checksums.push_back(part.info.checksum.value);
    digests += *hex_decode(part.info.etag);
    record.extents.insert(record.extents.end(), part.extents.begin(), part.extents.end());
  }
  info.etag = hex_encode(digest(DigestKind::md5, digests)) + "-" + std::to_string(parts.size());
  info.checksum = whole_checksum(upload->info, parts);
  if (!expected.value.empty() &&
      (expected.algorithm != info.checksum.algorithm || expected.value != info.checksum.value)) {
    throw Error(ErrorKind::caller, "BadDigest",
                "The " + expected.algorithm + " you specified did not match the calculated checksum.");
  }
  if (info.size_bytes > limits::max_object_size_bytes) {
    throw Error(ErrorKind::caller, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  record.completed_upload = upload_id;
  settle_replication(*present_bucket, record);
  Change change(*this);
  change.use(record.extents);
  erase_upload(change, upload_id, upload_key(bucket_name, key, upload_id));
  change.put_object(*present_bucket, record, old);
  change.tell(*present_bucket, "ObjectCreated:CompleteMultipartUpload", record);
  change.commit();
  return std::move(info);
}

void LocalStore::abort_upload(const Grant& grant, std::string_view bucket_name, std::string_view key,
                              std::string_view upload_id) {
  require(grant, Access::write, bucket_name, key);
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  bucket(bucket_name);
  auto held = name_locks_.hold({name_locks_.exclusive(part_keys(upload_id))});
  require_upload(bucket_name, key, upload_id);
  Change change(*this);
  erase_upload(change, upload_id, upload_key(bucket_name, key, upload_id));
  change.commit();
}

std::vector<PartInfo> LocalStore::list_parts(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                             std::string_view upload_id, int after_number, std::size_t limit) const {
  require(grant, Access::read, bucket_name, key);
  bucket(bucket_name);
  require_upload(bucket_name, key, upload_id);
  const std::string first = part_keys(upload_id);
  std::vector<PartInfo> parts;
  auto cursor = index_.cursor(Family::records, after_prefix(first));
  for (bool at = cursor->seek(part_key(upload_id, std::max(after_number, 0) + 1)); at && parts.size() < limit;
       at = cursor->next()) {
    parts.push_back(decode_part(cursor->value()).info);
    parts.back().number = static_cast<int>(Decoder(cursor->key().substr(first.size())).ordered());
  }
  return parts;
}

UploadInfo LocalStore::upload(const Grant& grant, std::string_view bucket_name, std::string_view key,
                              std::string_view upload_id) const {
  require(grant, Access::read, bucket_name, key);
  bucket(bucket_name);
  return require_upload(bucket_name, key, upload_id).info;
}

std::vector<UploadInfo> LocalStore::list_uploads(const Grant& grant, std::string_view bucket_name,
                                                 std::string_view prefix, std::string_view after_key,
                                                 std::string_view after_upload_id, std::size_t limit) const {
  require(grant, Access::read, bucket_name, prefix);
  bucket(bucket_name);
  const std::string all = upload_keys(bucket_name);
  const std::string first = all + std::string(prefix);
  std::string from = first;
  if (!after_key.empty()) {
    // With no upload id, behind all uploads of that key.
    std::string behind = all + std::string(after_key) +
                         (after_upload_id.empty() ? std::string(1, '\1') : '\0' + std::string(after_upload_id) + '\0');
    from = std::max(from, behind);
  }
  std::vector<UploadInfo> uploads;
  auto cursor = index_.cursor(Family::records, after_prefix(first));
  for (bool at = cursor->seek(from); at && uploads.size() < limit; at = cursor->next()) {
    std::string_view rest = cursor->key().substr(all.size());
    std::size_t end = rest.rfind('\0');
    UploadInfo& info = uploads.emplace_back(decode_upload(cursor->value()).info);
    info.key = rest.substr(0, end);
    info.upload_id = rest.substr(end + 1);
  }
  return uploads;
}

}  // namespace tarn::store
