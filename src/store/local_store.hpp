// The store on local disk: an index, and files beside it. README.md tells the layout.
//
// Locks are taken in this order: buckets, names (objects, uploads, parts), blobs. Readers take none.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <shared_mutex>
#include <thread>

#include "store/blobs.hpp"
#include "store/data_folder.hpp"
#include "store/index.hpp"
#include "store/locks.hpp"
#include "store/outbox.hpp"
#include "store/reclaimer.hpp"
#include "store/records.hpp"
#include "store/remote.hpp"
#include "store/store.hpp"
#include "store/store_keys.hpp"

namespace tarn::store {

class LocalStore;

// What one change of the store commits at once: the batch, and what it does to blobs and to the counts. Used under the
// locks of the names that it changes.
class Change {
 public:
  explicit Change(LocalStore& store);
  Batch& batch() { return batch_; }
  bool empty() const { return uses_.empty() && batch_.empty(); }

  // New blobs. Each counts as used once: by the record that the same change writes.
  void add_body(BlobId id, std::string_view bytes, bool sealed);
  void add_file(BlobId id, const FileRecord& file);
  // Another record uses these blobs; a record that is removed or replaced uses them no more. A blob is removed with its
  // last use.
  void use(const std::vector<Extent>& extents);
  void release(const std::vector<Extent>& extents);
  // Makes `object` the latest version of its key, by the bucket's versioning: what was the latest (`old`) is kept as an
  // old version or goes. Gives it its sequence and version id.
  void put_object(const BucketInfo& bucket, ObjectRecord& object, const std::optional<ObjectRecord>& old);
  // The same, with a delete marker.
  ObjectRecord put_delete_marker(const BucketInfo& bucket, std::string_view key, Time now,
                                 const std::optional<ObjectRecord>& old);
  // Removes these versions of one key for good; when the latest is among them, the one before becomes it.
  void erase_versions(const BucketInfo& bucket, const std::vector<ObjectRecord>& versions);
  // Writes the record again, in its place.
  void rewrite(std::string_view bucket, const ObjectRecord& object);
  // Puts an event into the outbox, for the readers that the bucket's settings ask for; most often that is nothing at
  // all. `event` is AWS's name of it when a request is its cause. After the record has its sequence.
  void tell(const BucketInfo& bucket, std::string_view event, const ObjectRecord& object, std::string_view detail = {});
  // What a change of an object's headers alone is told as.
  void tell_of_headers(const BucketInfo& bucket, const ObjectHeaders& before, const ObjectRecord& after);

  // Once. Error (outside, InternalError): nothing of it is visible.
  void commit();

 private:
  // Gives a new version its number and its id, and makes room for it.
  void number(const BucketInfo& bucket, ObjectRecord& object, const std::optional<ObjectRecord>& old);
  // Writes it among the old versions.
  void demote(std::string_view bucket, const ObjectRecord& version);
  // Removes an old version, or the latest one's record.
  void remove(std::string_view bucket, const ObjectRecord& version);
  // All of an object but its record, which is removed or replaced.
  void retire(const ObjectRecord& old);

  LocalStore& store_;
  Batch batch_;
  Outbox::Pending events_;
  std::map<BlobId, int64_t> uses_;
  std::map<BlobId, bool> is_file_;
  int64_t objects_ = 0, size_bytes_ = 0;
};

class LocalStore : public Store {
 public:
  LocalStore(const std::string& path, Clock& clock, Random& random, Durability durability, KeyKeeper* keeper,
             AtRest at_rest, const RemoteBodies& remote);
  ~LocalStore() override;

  void create_bucket(const BucketInfo& bucket) override;
  void delete_bucket(std::string_view name) override;
  std::shared_ptr<const BucketInfo> find_bucket(std::string_view name) const override;
  std::vector<BucketInfo> list_buckets(std::string_view account) const override;
  void change_bucket(std::string_view name, const std::function<void(BucketInfo&)>& change) override;

  std::unique_ptr<ObjectWriter> write(const Grant& grant, std::string_view bucket, std::string_view key,
                                      ObjectHeaders headers, Preconditions preconditions,
                                      EncryptionWish encryption) override;
  std::unique_ptr<ObjectReader> open(const Grant& grant, std::string_view bucket, std::string_view key,
                                     std::string_view version_id, std::string_view customer_key) const override;
  std::optional<ObjectInfo> head(const Grant& grant, std::string_view bucket, std::string_view key,
                                 std::string_view version_id) const override;
  std::optional<ObjectInfo> find_version(const Grant& grant, std::string_view bucket, std::string_view key,
                                         std::string_view version_id) const override;
  Erased erase(const Grant& grant, std::string_view bucket, std::string_view key, const EraseOptions& options) override;
  void erase_all(const Grant& grant, std::string_view bucket, std::vector<Erasure>& erasures) override;
  ObjectInfo copy(const Grant& read, std::string_view from_bucket, std::string_view from_key, const Grant& write,
                  std::string_view to_bucket, std::string_view to_key, std::optional<ObjectHeaders> headers,
                  const CopyOptions& options) override;
  ObjectInfo change_object(const Grant& grant, std::string_view bucket, std::string_view key,
                           std::string_view version_id, const std::function<void(ObjectInfo&)>& change) override;
  Listing list(const Grant& grant, std::string_view bucket, std::string_view prefix, std::string_view delimiter,
               std::string_view after, std::size_t limit) const override;
  VersionListing list_versions(const Grant& grant, std::string_view bucket, std::string_view prefix,
                               std::string_view delimiter, std::string_view after_key,
                               std::string_view after_version_id, std::size_t limit) const override;

  UploadInfo create_upload(const Grant& grant, std::string_view bucket, std::string_view key, ObjectHeaders headers,
                           std::string checksum_algorithm, std::string checksum_type,
                           EncryptionWish encryption) override;
  std::unique_ptr<ObjectWriter> write_part(const Grant& grant, std::string_view bucket, std::string_view key,
                                           std::string_view upload_id, int number,
                                           std::string_view customer_key) override;
  PartInfo copy_part(const Grant& read, std::string_view from_bucket, std::string_view from_key, uint64_t offset_bytes,
                     uint64_t size_bytes, const Grant& write, std::string_view bucket, std::string_view key,
                     std::string_view upload_id, int number, std::string_view from_version_id,
                     std::string_view from_customer_key, std::string_view customer_key) override;
  ObjectInfo complete_upload(const Grant& grant, std::string_view bucket, std::string_view key,
                             std::string_view upload_id, const std::vector<CompletedPart>& parts,
                             const Checksum& expected, Preconditions preconditions) override;
  void abort_upload(const Grant& grant, std::string_view bucket, std::string_view key,
                    std::string_view upload_id) override;
  std::vector<PartInfo> list_parts(const Grant& grant, std::string_view bucket, std::string_view key,
                                   std::string_view upload_id, int after_number, std::size_t limit) const override;
  UploadInfo upload(const Grant& grant, std::string_view bucket, std::string_view key,
                    std::string_view upload_id) const override;
  std::vector<UploadInfo> list_uploads(const Grant& grant, std::string_view bucket, std::string_view prefix,
                                       std::string_view after_key, std::string_view after_upload_id,
                                       std::size_t limit) const override;

  bool encrypts() const override { return at_rest_ == AtRest::encrypted && keys_.has_keeper(); }
  StoreStatistics statistics() const override;
  void reset() override;

  ObjectEvents& events() { return outbox_; }
  // Of a version: "PENDING", "COMPLETED", "FAILED", "REPLICA"; empty: none, or there is no such version.
  std::string replication_status(const Grant& grant, std::string_view bucket, std::string_view key,
                                 std::string_view version_id) const;
  // Of one that is there.
  void set_replication_status(const Grant& grant, std::string_view bucket, std::string_view key,
                              std::string_view version_id, std::string status);

 private:
  friend class Change;
  friend class LocalObjectWriter;
  friend class LocalPartWriter;
  friend class BodyWriter;
  friend class Scrubber;

  void recover_incoming();
  void count_objects();
  BlobId new_id();
  std::shared_ptr<const BucketInfo> bucket(std::string_view name) const;  // NoSuchBucket
  // The object, its layout filled in.
  std::optional<ObjectRecord> find_object(std::string_view bucket, std::string_view key) const;
  // A version of it, or (empty id) the latest one; delete markers too.
  std::optional<ObjectRecord> find_record(std::string_view bucket, std::string_view key,
                                          std::string_view version_id) const;
  // Of those in Family::versions; absent when it is not there.
  std::optional<ObjectRecord> find_old_version(std::string_view bucket, std::string_view key, uint64_t sequence) const;
  std::optional<ObjectRecord> find_newest_old_version(std::string_view bucket, std::string_view key,
                                                      const std::set<uint64_t>& but = {}) const;
  std::optional<uint64_t> find_null_version(std::string_view bucket, std::string_view key) const;
  // Fills in the layout of a record that was read; false: it was replaced meanwhile.
  bool complete(ObjectRecord& record) const;
  ObjectRecord require_version(std::string_view bucket, std::string_view key, std::string_view version_id) const;
  void erase_of_key(Change& change, const BucketInfo& bucket, const std::vector<Erasure*>& erasures) const;
  std::optional<UploadRecord> find_upload(std::string_view bucket, std::string_view key,
                                          std::string_view upload_id) const;
  UploadRecord require_upload(std::string_view bucket, std::string_view key,
                              std::string_view upload_id) const;  // NoSuchUpload
  std::unique_ptr<ObjectReader> open_record(std::string_view bucket, ObjectRecord record,
                                            std::string_view customer_key) const;  // nullptr: changed meanwhile
  // The encryption of something new in the bucket: as wished, or as the bucket is set, or by the store's own key.
  NewEncryption choose(EncryptionWish wish, std::string_view bucket, std::string_view key) const;
  bool bucket_is_empty(std::string_view name) const;
  std::optional<PartRecord> find_part(std::string_view upload_id, int number) const;
  LockTable::Held hold_part(std::string_view upload_id, int number) const;
  void put_part(Change& change, std::string_view upload_id, const PartRecord& part);
  // Puts the removal of an upload and all of its parts into the change.
  void erase_upload(Change& change, std::string_view upload_id, std::string_view record_key) const;
  // ETag and checksum of a range of an object, for a part of an upload with that algorithm; no extents.
  static PartRecord sum_up(ObjectReader& reader, uint64_t offset_bytes, uint64_t size_bytes,
                           std::string_view algorithm);
  std::vector<PartRecord> wanted_parts(std::string_view upload_id, const std::vector<CompletedPart>& wanted) const;

  Clock& clock_;
  Random& random_;
  DataFolder folder_;
  mutable Index index_;
  std::unique_ptr<Blobs> blobs_;
  StoreKeys keys_;
  AtRest at_rest_;
  Outbox outbox_{index_};
  std::shared_ptr<Pins> pins_ = std::make_shared<Pins>();
  mutable LockTable bucket_locks_{64}, name_locks_{1024}, blob_locks_{1024};
  std::atomic<uint64_t> resets_ = 0;

  mutable std::shared_mutex buckets_mutex_;
  std::map<std::string, std::shared_ptr<const BucketInfo>, std::less<>> buckets_;

  std::mutex ids_mutex_;
  BlobId next_id_ = 0, reserved_id_ = 0;

  // Exact once `counted_`; till then the count of what was there at the start is missing.
  std::atomic<int64_t> objects_ = 0, size_bytes_ = 0;
  mutable std::mutex counting_mutex_;
  mutable std::condition_variable counting_done_;
  bool counted_ = false;
  uint64_t counted_resets_ = 0;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::jthread counting_;
};

// Takes in a body, small or large, of an object or a part.
class BodyWriter {
 public:
  // With a wrapping key the body is sealed under a data key of its own, which it wraps.
  BodyWriter(LocalStore& store, std::string wrapping_key);
  ~BodyWriter();
  void append(std::string_view bytes);

  // Ends the body and flushes its file, if it has one. Call once; then the members below hold.
  void finish();
  // Puts the blob into the change.
  void add_to(Change& change);
  // To be called around Change::commit(): the file is kept from then on, and moved to its place when the commit went
  // well.
  void commit(Change& change);

  uint64_t size_bytes() const { return size_bytes_; }
  const std::string& md5() const { return md5_; }              // raw; after finish()
  const std::string& crc64nvme() const { return crc64nvme_; }  // raw; after finish()
  std::vector<Extent> extents() const;                         // after finish()

 private:
  void draw_data_key();

  LocalStore& store_;
  Digest md5_of_all_{DigestKind::md5}, crc64nvme_of_all_{DigestKind::crc64nvme};
  std::string wrapping_key_, data_key_;
  std::string inline_, md5_, crc64nvme_;
  std::unique_ptr<BlobWriter> file_;
  FileRecord file_record_;
  BlobId id_ = 0;
  uint64_t size_bytes_ = 0;
};

// A body as it stands in Family::bodies, with its checksum. A damaged one throws Error (bug, InternalError).
// decode_body() tells whether what it leaves is sealed.
std::string encode_body(std::string_view bytes, bool sealed);
bool decode_body(std::string& body);

// The data key of an extent's blob; Error (bug, InternalError) when `wrapping_key` is not the one that wrapped it.
std::string data_key(std::string_view wrapping_key, const Extent& extent);
// Makes the extents readable by another wrapping key.
void rewrap(std::vector<Extent>& extents, std::string_view from_wrapping_key, std::string_view to_wrapping_key);
// The ETag of a body with this MD5 (raw), or, under an encryption that hides it, digits that nobody can foretell.
std::string etag_of(std::string_view md5, const Encryption& encryption, Random& random);

// The errors of S3 that several operations share.
Error no_such_bucket(std::string_view bucket);
Error no_such_key(std::string_view key);
Error delete_marker_as_source();
Error no_such_upload(std::string_view upload_id);
void require(const Grant& grant, Access access, std::string_view bucket, std::string_view key);  // AccessDenied
void require_valid_key(std::string_view key);  // KeyTooLongError, InvalidURI
Error no_such_version(std::string_view key, std::string_view version_id);
// Throws AccessDenied where a retention or a legal hold protects the version.
void require_unlocked(const ObjectInfo& version, Time now, bool bypass_governance);
// What a new version is locked by: as its writer says, or the bucket's default. Throws InvalidRequest where the bucket
// has no object lock.
void settle_lock(const BucketInfo& bucket, ObjectHeaders& headers, Time now);
// Whether a new version is to be replicated, or is a replica: sets its replication status.
void settle_replication(const BucketInfo& bucket, ObjectRecord& object);
// Throws PreconditionFailed, or NoSuchKey for an If-Match with nothing there.
void check(const Preconditions& preconditions, const ObjectInfo* present, std::string_view key);

}  // namespace tarn::store
