// The object store: buckets, objects and multipart uploads, as S3 defines them ("Amazon S3 API Reference").
//
// Bodies are immutable blobs, each written once; an object is a record in the index that lists the extents (blob,
// offset, size) of its body. So completing a multipart upload and copying move no bytes, and a reader keeps a
// consistent body while the object is replaced. Small bodies stand in the index's own store beside, never in, the
// records that a listing scans.
//
// A key has versions. Which of them a write makes or replaces follows from the bucket's setting "versioning"
// ({"Status": "Enabled" | "Suspended"}; absent: the only version of a key is its "null" one). The latest version is the
// object; where that is a delete marker there is no object. Reading, writing and listing objects costs the same whether
// a key has old versions or not.
//
// Thread-safe. A write whose call returned is on disk (Durability::flushed). Errors: Error with S3's code
// (NoSuchBucket, NoSuchKey, BucketAlreadyOwnedByYou, BucketNotEmpty, EntityTooSmall, InvalidPart, NoSuchUpload ...),
// details BucketName and Key where S3 tells them. A Grant that does not cover the object throws Error (denied,
// AccessDenied).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "store/encryption.hpp"
#include "store/grant.hpp"

namespace tarn::store {

enum class Durability {
  flushed,  // acknowledged writes survive power loss; concurrent writers share flushes
  none,     // acknowledged writes survive kill -9 of tarn but not power loss
};

// The setting of a bucket, {"SSEAlgorithm", "KMSMasterKeyID", "BucketKeyEnabled", "BlockedEncryptionTypes"}, by which
// write(), copy() and create_upload() encrypt what says nothing itself.
inline constexpr const char* encryption_setting = "encryption";

struct BucketInfo {
  std::string name;
  std::string account;  // the owner
  std::string region;
  Time created;
  std::map<std::string, Value> settings;  // versioning, policy, tagging ...: by S3's name of the sub-resource
};

// Until when a version can't be removed ("Using S3 Object Lock").
struct Retention {
  std::string mode;  // "GOVERNANCE", "COMPLIANCE"
  Time until;
  bool operator==(const Retention&) const = default;
};

// A restored copy of an archived object: readable from `ready` on, until `expires`.
struct Restore {
  Time ready, expires;
  bool operator==(const Restore&) const = default;
};

// What a client stores beside the bytes.
struct ObjectHeaders {
  std::string content_type, content_encoding, content_language, content_disposition, cache_control, expires,
      website_redirect_location;
  std::string storage_class = "STANDARD";
  std::map<std::string, std::string> user_metadata;  // without "x-amz-meta-", lower-case names
  std::map<std::string, std::string> tags;
  std::optional<Retention> retention;  // where a write gives none, the bucket's default one is taken
  std::optional<bool> legal_hold;      // absent: never said
  std::optional<Restore> restore;      // of the storage classes GLACIER and DEEP_ARCHIVE
  Value acl;                           // its grants, as S3 lists them; null: its owner alone has it
  bool operator==(const ObjectHeaders&) const = default;
};

// Whoever gives none gets CRC64NVME of the whole, as S3 makes it.
struct Checksum {
  std::string algorithm;  // "CRC32", "SHA256" ..., as ChecksumAlgorithm names them; empty: none
  std::string value;      // base64; "…-N" for a composite one
  bool composite = false;
  bool operator==(const Checksum&) const = default;
};

struct ObjectInfo {
  std::string key;
  std::string version_id;      // 32 hex digits; "null": written while the bucket had no versioning
  bool latest = true;          // false: an old version
  bool delete_marker = false;  // told by find_version() and list_versions() alone; then it has no body, no ETag
  uint64_t size_bytes = 0;
  // Without quotes: 32 hex digits, or "…-N" from N parts. The MD5 of the bytes, but for kinds kms and customer: theirs
  // tells nothing of the bytes.
  std::string etag;
  Time last_modified;
  Checksum checksum;
  ObjectHeaders headers;
  std::vector<uint64_t> part_sizes_bytes;   // of a multipart object; else empty
  std::vector<std::string> part_checksums;  // base64, by checksum.algorithm; empty: unknown
  Encryption encryption;
};

// Conditions of a read or write (If-Match and so on), ETags without quotes; "*" matches any object.
struct Preconditions {
  std::optional<std::string> if_match, if_none_match;
  std::optional<Time> if_modified_since, if_unmodified_since;
  bool any() const { return if_match || if_none_match || if_modified_since || if_unmodified_since; }
};

struct EraseOptions {
  // This version, for good. Empty: the object; in a bucket with versioning it is covered by a delete marker.
  std::string version_id;
  Preconditions preconditions;     // of the object, whichever version is to go
  bool bypass_governance = false;  // removes what a retention in mode GOVERNANCE protects
};

// What an erasure did.
struct Erased {
  bool found = false;          // there was such an object or version
  std::string version_id;      // of the version removed, or of the delete marker made; empty: no versioning
  bool delete_marker = false;  // a delete marker was made, or was what was removed
};

// One of many erasures, and what became of it.
struct Erasure {
  std::string key;
  EraseOptions options;
  Erased done;
  std::optional<Error> error;  // AccessDenied (object lock), PreconditionFailed ...; nothing was changed
};

struct CopyOptions {
  std::string from_version_id;  // empty: the source's latest version
  Preconditions preconditions;  // of what is replaced
  EncryptionWish encryption;
  std::string from_customer_key;
};

// An open object. Its bytes stay readable while the object is overwritten or deleted. One thread at a time, but for
// read_at.
class ObjectReader : public api::BodyStream {
 public:
  virtual const ObjectInfo& info() const = 0;
  // Bytes from `offset_bytes`; fewer than asked only at the end. Thread-safe.
  virtual std::size_t read_at(uint64_t offset_bytes, char* into, std::size_t size_bytes) const = 0;
  // Makes read() and file_range() cover only this part.
  virtual void restrict_to(uint64_t offset_bytes, uint64_t size_bytes) = 0;
};

// An object being written. Destroyed before finish(), it leaves nothing behind. One thread at a time.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual void append(std::string_view bytes) = 0;
  // Makes the object (or the part) visible, atomically and durably. `checksum` was verified by the caller over the
  // bytes; without one it gets CRC64NVME. The preconditions given at the start are checked again here, in the same
  // step. Call once.
  virtual ObjectInfo finish(const Checksum& checksum) = 0;
};

struct Listing {
  std::vector<ObjectInfo> objects;    // headers left empty
  std::vector<std::string> prefixes;  // common prefixes, delimiter included
  bool truncated = false;
  std::string next;  // the last key or common prefix given; pass it as `after` to go on
};

struct VersionListing {
  std::vector<ObjectInfo> versions;   // by key, the latest first; delete markers too; headers left empty
  std::vector<std::string> prefixes;  // common prefixes, delimiter included
  bool truncated = false;
  std::string next_key, next_version_id;  // the last given; pass them to go on. A common prefix has no version id
};

struct UploadInfo {
  std::string upload_id, key;
  Time initiated;
  std::string checksum_algorithm, checksum_type;  // as CreateMultipartUpload was given; none: CRC64NVME of the whole
  ObjectHeaders headers;
  Encryption encryption;
};

struct PartInfo {
  int number = 0;
  uint64_t size_bytes = 0;
  std::string etag;
  Time last_modified;
  Checksum checksum;
};

struct CompletedPart {
  int number = 0;
  std::string etag;
  std::optional<std::string> checksum;  // compared with the one that the part came with
};

struct StoreStatistics {
  uint64_t buckets = 0, objects = 0, size_bytes = 0;  // old versions count, delete markers don't
};

// ---- what a bucket's settings say ----
enum class Versioning { never, enabled, suspended };
Versioning versioning_of(const BucketInfo& bucket);
// Whether its setting "objectLock" (S3's ObjectLockConfiguration) allows retentions and legal holds.
bool has_object_lock(const BucketInfo& bucket);
// The retention that a new version gets where its writer gives none.
std::optional<Retention> default_retention(const BucketInfo& bucket, Time now);

class Store {
 public:
  virtual ~Store() = default;

  // ---- buckets; names are unique over all accounts of this store ----
  virtual void create_bucket(const BucketInfo& bucket) = 0;  // BucketAlreadyOwnedByYou, BucketAlreadyExists
  virtual void delete_bucket(std::string_view name) = 0;     // NoSuchBucket, BucketNotEmpty (old versions count)
  // nullptr when there is none. What it points to never changes.
  virtual std::shared_ptr<const BucketInfo> find_bucket(std::string_view name) const = 0;
  virtual std::vector<BucketInfo> list_buckets(std::string_view account) const = 0;
  // Changes the settings of a bucket in one atomic step. NoSuchBucket.
  virtual void change_bucket(std::string_view name, const std::function<void(BucketInfo&)>& change) = 0;

  // ---- objects ----
  // NoSuchBucket at once; failed preconditions throw Error (conflict, PreconditionFailed) here or at finish().
  virtual std::unique_ptr<ObjectWriter> write(const Grant& grant, std::string_view bucket, std::string_view key,
                                              ObjectHeaders headers, Preconditions preconditions = {},
                                              EncryptionWish encryption = {}) = 0;
  // nullptr when there is no such object, or no such version of it (delete markers are none); NoSuchBucket is thrown.
  // An empty version id means the latest. What was encrypted by a customer's key needs that key: InvalidRequest without
  // it, AccessDenied with another. Preconditions are the caller's to check on info().
  virtual std::unique_ptr<ObjectReader> open(const Grant& grant, std::string_view bucket, std::string_view key,
                                             std::string_view version_id = {},
                                             std::string_view customer_key = {}) const = 0;
  // The record alone; absent where open() gives nullptr.
  virtual std::optional<ObjectInfo> head(const Grant& grant, std::string_view bucket, std::string_view key,
                                         std::string_view version_id = {}) const = 0;
  // The same, delete markers included: tells why there is no object.
  virtual std::optional<ObjectInfo> find_version(const Grant& grant, std::string_view bucket, std::string_view key,
                                                 std::string_view version_id = {}) const = 0;
  // What is not there is no error, but for an If-Match. A version that a retention or legal hold protects throws Error
  // (denied, AccessDenied).
  virtual Erased erase(const Grant& grant, std::string_view bucket, std::string_view key,
                       const EraseOptions& options = {}) = 0;
  // Many at once (DeleteObjects): each is told what became of it. Erasures of different keys are one step; so are those
  // of several versions of one key.
  virtual void erase_all(const Grant& grant, std::string_view bucket, std::vector<Erasure>& erasures) = 0;
  // Moves no bytes: data keys are wrapped anew. That can't be between an encrypted object and one in the clear: what is
  // made must be encrypted if the source is, and only then. `headers` replaces the source's where given; retention and
  // legal hold are never the source's. NoSuchKey, NoSuchVersion when the source is absent.
  virtual ObjectInfo copy(const Grant& read, std::string_view from_bucket, std::string_view from_key,
                          const Grant& write, std::string_view to_bucket, std::string_view to_key,
                          std::optional<ObjectHeaders> headers, const CopyOptions& options = {}) = 0;
  // Changes info.headers of a version (empty: the latest) in one atomic step: tags, storage class, locks, restore.
  // Bytes, version id and date stay. `change` may throw to leave all as it was. The info after the change; NoSuchKey,
  // NoSuchVersion, MethodNotAllowed for a delete marker.
  virtual ObjectInfo change_object(const Grant& grant, std::string_view bucket, std::string_view key,
                                   std::string_view version_id, const std::function<void(ObjectInfo&)>& change) = 0;
  // Keys in byte order that begin with `prefix` and come after `after`; keys with `delimiter` behind the prefix are
  // grouped.
  virtual Listing list(const Grant& grant, std::string_view bucket, std::string_view prefix, std::string_view delimiter,
                       std::string_view after, std::size_t limit) const = 0;
  // All versions of those keys. With `after_version_id` it goes on behind that version of `after_key`, without it
  // behind all of them.
  virtual VersionListing list_versions(const Grant& grant, std::string_view bucket, std::string_view prefix,
                                       std::string_view delimiter, std::string_view after_key,
                                       std::string_view after_version_id, std::size_t limit) const = 0;

  // ---- multipart uploads ----
  virtual UploadInfo create_upload(const Grant& grant, std::string_view bucket, std::string_view key,
                                   ObjectHeaders headers, std::string checksum_algorithm, std::string checksum_type,
                                   EncryptionWish encryption = {}) = 0;
  // `customer_key` must be the one that the upload was created with.
  virtual std::unique_ptr<ObjectWriter> write_part(const Grant& grant, std::string_view bucket, std::string_view key,
                                                   std::string_view upload_id, int number,
                                                   std::string_view customer_key = {}) = 0;
  // A part made of a range of an object; moves no bytes, as copy().
  virtual PartInfo copy_part(const Grant& read, std::string_view from_bucket, std::string_view from_key,
                             uint64_t offset_bytes, uint64_t size_bytes, const Grant& write, std::string_view bucket,
                             std::string_view key, std::string_view upload_id, int number,
                             std::string_view from_version_id = {}, std::string_view from_customer_key = {},
                             std::string_view customer_key = {}) = 0;
  // NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall.
  virtual ObjectInfo complete_upload(const Grant& grant, std::string_view bucket, std::string_view key,
                                     std::string_view upload_id, const std::vector<CompletedPart>& parts,
                                     const Checksum& expected, Preconditions preconditions = {}) = 0;
  virtual void abort_upload(const Grant& grant, std::string_view bucket, std::string_view key,
                            std::string_view upload_id) = 0;
  virtual std::vector<PartInfo> list_parts(const Grant& grant, std::string_view bucket, std::string_view key,
                                           std::string_view upload_id, int after_number, std::size_t limit) const = 0;
  virtual UploadInfo upload(const Grant& grant, std::string_view bucket, std::string_view key,
                            std::string_view upload_id) const = 0;
  virtual std::vector<UploadInfo> list_uploads(const Grant& grant, std::string_view bucket, std::string_view prefix,
                                               std::string_view after_key, std::string_view after_upload_id,
                                               std::size_t limit) const = 0;

  // Whether new bodies are encrypted when nothing is said about it.
  virtual bool encrypts() const = 0;
  virtual StoreStatistics statistics() const = 0;
  // Forgets all buckets and objects; space is reclaimed in the background.
  virtual void reset() = 0;
};

// Whether new bodies are sealed.
enum class AtRest { encrypted, clear };

// Opens or creates the store in the folder `path`, whose bodies are encrypted by keys that `keeper` seals; it must
// outlive the store. Without a keeper they stand in the clear, and encrypted ones can't be read; with one and
// AtRest::clear, new ones stand in the clear unless they ask for a key of KMS or of the client's. Removes what an
// interrupted write left behind. A folder that is no store of ours throws Error (caller, InvalidDataFolder).
std::unique_ptr<Store> open_local(const std::string& path, Clock& clock, Random& random, Durability durability,
                                  KeyKeeper* keeper = nullptr, AtRest at_rest = AtRest::encrypted);

}  // namespace tarn::store
