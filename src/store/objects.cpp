#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/text_encoding.hpp"
#include "store/checksums.hpp"
#include "store/local_store.hpp"

namespace tarn::store {
namespace {

constexpr int attempts = 100;  // of reading a record whose blobs are replaced meanwhile

Error conditional_conflict(std::string_view key) {
  return Error(ErrorKind::conflict, "ConditionalRequestConflict",
               "The conditional request cannot succeed due to a conflicting operation against this resource.")
      .with("Condition", "If-Match")
      .with("Key", std::string(key));
}

// The number of parts stays; the digits are new.
std::string copied_etag(const std::string& etag, const Encryption& encryption, Random& random) {
  const auto dash = std::min(etag.find('-'), etag.size());
  return etag_of(*hex_decode(etag.substr(0, dash)), encryption, random) + etag.substr(dash);
}

}  // namespace

Error delete_marker_as_source() {
  return Error(ErrorKind::caller, "InvalidRequest",
               "The source of a copy request may not specifically refer to a delete marker by version id.");
}

Error no_such_bucket(std::string_view bucket) {
  return Error(ErrorKind::missing, "NoSuchBucket", "The specified bucket does not exist")
      .with("BucketName", std::string(bucket));
}

Error no_such_key(std::string_view key) {
  return Error(ErrorKind::missing, "NoSuchKey", "The specified key does not exist.").with("Key", std::string(key));
}

void require(const Grant& grant, Access access, std::string_view bucket, std::string_view key) {
  if (!grant.covers(access, bucket, key)) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
}

void require_valid_key(std::string_view key) {
  if (key.size() > limits::max_key_size_bytes) {
    throw Error(ErrorKind::caller, "KeyTooLongError", "Your key is too long")
        .with("Size", std::to_string(key.size()))
        .with("MaxSizeAllowed", std::to_string(limits::max_key_size_bytes));
  }
  if (key.empty() || key.find('\0') != key.npos || !is_utf8(key)) {
    throw Error(ErrorKind::caller, "InvalidURI", "A key is UTF-8 of 1 to 1024 bytes, none of them zero.");
  }
}

void check(const Preconditions& wanted, const ObjectInfo* present, std::string_view key) {
  auto fail = [](const char* condition) {
    throw Error(ErrorKind::conflict, "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition);
  };
  if (wanted.if_match) {
    if (!present) throw no_such_key(key);
    if (*wanted.if_match != "*" && *wanted.if_match != present->etag) fail("If-Match");
  }
  if (wanted.if_none_match && present && (*wanted.if_none_match == "*" || *wanted.if_none_match == present->etag))
    fail("If-None-Match");
  if (wanted.if_unmodified_since && present && present->last_modified > *wanted.if_unmodified_since)
    fail("If-Unmodified-Since");
  if (wanted.if_modified_since && present && present->last_modified <= *wanted.if_modified_since)
    fail("If-Modified-Since");
}

class LocalObjectWriter : public ObjectWriter {
 public:
  LocalObjectWriter(LocalStore& store, std::string_view bucket, std::string_view key, ObjectHeaders headers,
                    Preconditions preconditions, NewEncryption encryption)
      : store_(store),
        bucket_(bucket),
        preconditions_(std::move(preconditions)),
        resets_(store.resets_),
        body_(store, std::move(encryption.wrapping_key)) {
    record_.info.key = key;
    record_.info.encryption = std::move(encryption.encryption);
    record_.info.headers = std::move(headers);
  }

  void append(std::string_view bytes) override { body_.append(bytes); }

  ObjectInfo finish(const Checksum& checksum) override {
    body_.finish();
    ObjectInfo& info = record_.info;
    info.size_bytes = body_.size_bytes();
    info.etag = etag_of(body_.md5(), info.encryption, store_.random_);
    info.checksum = checksum.algorithm.empty() ? default_checksum(body_.crc64nvme()) : checksum;
    record_.extents = body_.extents();

    auto bucket_held = store_.bucket_locks_.hold({store_.bucket_locks_.shared(bucket_)});
    auto held = store_.name_locks_.hold({store_.name_locks_.exclusive(object_key(bucket_, info.key))});
    if (store_.resets_ != resets_) throw no_such_bucket(bucket_);
    auto bucket = store_.bucket(bucket_);
    auto old = store_.find_object(bucket_, info.key);
    if (preconditions_.if_match && !old) throw conditional_conflict(info.key);  // it was there when the write began
    check(preconditions_, old ? &old->info : nullptr, info.key);
    info.last_modified = store_.clock_.now();
    settle_lock(*bucket, info.headers, info.last_modified);
    settle_replication(*bucket, record_);
    Change change(store_);
    body_.add_to(change);
    change.put_object(*bucket, record_, old);
    change.tell(*bucket, "ObjectCreated:Put", record_);
    body_.commit(change);
    return std::move(info);
  }

 private:
  LocalStore& store_;
  std::string bucket_;
  Preconditions preconditions_;
  uint64_t resets_;
  BodyWriter body_;
  ObjectRecord record_;
};

std::unique_ptr<ObjectWriter> LocalStore::write(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                                ObjectHeaders headers, Preconditions preconditions,
                                                EncryptionWish encryption) {
  require(grant, Access::write, bucket_name, key);
  require_valid_key(key);
  auto info = bucket(bucket_name);
  if (headers.retention || headers.legal_hold) settle_lock(*info, headers, clock_.now());
  if (preconditions.any()) {
    auto present = find_object(bucket_name, key);
    check(preconditions, present ? &present->info : nullptr, key);
  }
  return std::make_unique<LocalObjectWriter>(*this, bucket_name, key, std::move(headers), std::move(preconditions),
                                             choose(std::move(encryption), bucket_name, key));
}

std::unique_ptr<ObjectReader> LocalStore::open(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                               std::string_view version_id, std::string_view customer_key) const {
  require(grant, Access::read, bucket_name, key);
  bucket(bucket_name);
  for (int i = 0; i < attempts; i++) {
    auto record = version_id.empty() ? find_object(bucket_name, key) : find_record(bucket_name, key, version_id);
    if (!record || record->info.delete_marker) return nullptr;
    if (auto reader = open_record(bucket_name, std::move(*record), customer_key)) return reader;
  }
  throw Error(ErrorKind::bug, "InternalError", "The body of this object is missing. Restore it from a copy.")
      .with("Key", std::string(key));
}

std::optional<ObjectInfo> LocalStore::head(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                           std::string_view version_id) const {
  require(grant, Access::read, bucket_name, key);
  bucket(bucket_name);
  auto record = version_id.empty() ? find_object(bucket_name, key) : find_record(bucket_name, key, version_id);
  if (!record || record->info.delete_marker) return std::nullopt;
  return std::move(record->info);
}

ObjectInfo LocalStore::copy(const Grant& read, std::string_view from_bucket, std::string_view from_key,
                            const Grant& write, std::string_view to_bucket, std::string_view to_key,
                            std::optional<ObjectHeaders> headers, const CopyOptions& options) {
  require(read, Access::read, from_bucket, from_key);
  require(write, Access::write, to_bucket, to_key);
  require_valid_key(to_key);
  blobs_->require_space();
  auto buckets_held = bucket_locks_.hold({bucket_locks_.shared(from_bucket), bucket_locks_.shared(to_bucket)});
  bucket(from_bucket);
  auto to = bucket(to_bucket);
  auto held = name_locks_.hold(
      {name_locks_.shared(object_key(from_bucket, from_key)), name_locks_.exclusive(object_key(to_bucket, to_key))});
  ObjectRecord record = require_version(from_bucket, from_key, options.from_version_id);
  if (record.info.delete_marker) throw delete_marker_as_source();
  auto old = find_object(to_bucket, to_key);
  check(options.preconditions, old ? &old->info : nullptr, to_key);
  record.info.key = to_key;
  record.info.last_modified = clock_.now();
  record.completed_upload.clear();
  if (headers) {
    record.info.headers = std::move(*headers);
  } else {
    record.info.headers.retention.reset();
    record.info.headers.legal_hold.reset();
  }
  record.info.headers.restore.reset();
  settle_lock(*to, record.info.headers, record.info.last_modified);
  NewEncryption encryption = choose(options.encryption, to_bucket, to_key);
  rewrap(record.extents, keys_.wrapping_key(record.info.encryption, options.from_customer_key),
         encryption.wrapping_key);
  if (encryption.encryption.hides_etag())
    record.info.etag = copied_etag(record.info.etag, encryption.encryption, random_);
  record.info.encryption = std::move(encryption.encryption);
  settle_replication(*to, record);
  Change change(*this);
  change.use(record.extents);
  change.put_object(*to, record, old);
  change.tell(*to, "ObjectCreated:Copy", record);
  change.commit();
  return std::move(record.info);
}

ObjectInfo LocalStore::change_object(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                     std::string_view version_id, const std::function<void(ObjectInfo&)>& change) {
  require(grant, Access::write, bucket_name, key);
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  auto info = bucket(bucket_name);
  auto held = name_locks_.hold({name_locks_.exclusive(object_key(bucket_name, key))});
  ObjectRecord record = require_version(bucket_name, key, version_id);
  if (record.info.delete_marker)
    throw Error(ErrorKind::conflict, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        .with("ResourceType", "DeleteMarker");
  ObjectInfo changed = record.info;
  change(changed);
  std::swap(record.info.headers, changed.headers);
  Change batch(*this);
  batch.rewrite(bucket_name, record);
  batch.tell_of_headers(*info, changed.headers, record);
  batch.commit();
  return std::move(record.info);
}

}  // namespace tarn::store
