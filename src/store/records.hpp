// The records of the index: what they hold, and under which keys they stand. README.md has the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace tarn::store {

// Numbers are given once and never again, in rising order, so they tell versions and uploads apart by age too.
using BlobId = uint64_t;

// A piece of a body: a range of a blob.
struct Extent {
  BlobId blob = 0;
  bool file = false;  // a file of its own; else in Family::bodies
  uint64_t offset_bytes = 0, size_bytes = 0;
  // Of a sealed blob: its data key, wrapped by the wrapping key of the record that the extent stands in, and the size
  // of its whole body. Empty and 0: the blob is in the clear.
  std::string wrapped_key;
  uint64_t blob_size_bytes = 0;
  bool operator==(const Extent&) const = default;
  bool sealed() const { return !wrapped_key.empty(); }
};

// One version of an object. The latest of a key stands in Family::objects unless it is a delete marker; all others
// stand in Family::versions.
struct ObjectRecord {
  ObjectInfo info;        // `key` and `latest` are not in the record; a delete marker is one without an ETag
  uint64_t sequence = 0;  // rises with every version of every object
  std::vector<Extent>
      extents;  // in the record when few, else in the record `layout` names, with the sizes of the parts
  BlobId layout = 0;
  std::string completed_upload;    // the id of the multipart upload that made it
  std::string replication_status;  // "PENDING", "COMPLETED", "FAILED", "REPLICA"; empty: none
};
inline constexpr std::size_t max_extents_in_record = 16;

struct UploadRecord {
  UploadInfo info;  // `key` and `upload_id` are in the record's key
};

struct PartRecord {
  PartInfo info;  // `number` is in the record's key
  std::vector<Extent> extents;
  std::string crc64nvme;  // of an upload that names no checksum: 8 bytes, of which the whole's is made
};

// A blob that is a file.
struct FileRecord {
  uint64_t size_bytes = 0;    // of what the file begins with: the body, sealed or not
  uint32_t table_crc32c = 0;  // of the table of chunk checksums that follows it
  bool sealed = false;
};

std::string encode(const BucketInfo& bucket);
BucketInfo decode_bucket(std::string_view bytes);

// With `layout` set, extents and part sizes are left to encode_layout().
std::string encode(const ObjectRecord& object);
std::string encode_layout(const ObjectRecord& object);
ObjectRecord decode_object(std::string_view bytes);
void decode_layout(std::string_view bytes, ObjectRecord& object);
// What a listing tells, and no more: headers but for the storage class, and what was restored of an archived one, are
// left empty.
ObjectInfo decode_for_listing(std::string_view bytes);

std::string encode(const UploadRecord& upload);
UploadRecord decode_upload(std::string_view bytes);
std::string encode(const PartRecord& part);
PartRecord decode_part(std::string_view bytes);
std::string encode(const FileRecord& file);
FileRecord decode_file(std::string_view bytes);

// Keys. Neither bucket names nor keys of objects hold '\0'.
std::string bucket_key(std::string_view bucket);
inline constexpr std::string_view bucket_keys = "b";  // the prefix of them all
std::string object_key(std::string_view bucket, std::string_view key);
// In Family::versions, the latest first.
std::string version_key(std::string_view bucket, std::string_view key, uint64_t sequence);
std::string version_keys(std::string_view bucket, std::string_view key);  // the prefix of all versions of a key
struct VersionKey {
  std::string_view key;  // of the object
  uint64_t sequence;
};
VersionKey split_version_key(std::string_view bucket, std::string_view version_key);
// Where the null version of an object stands, when in Family::versions: its sequence.
std::string null_version_key(std::string_view bucket, std::string_view key);
// 32 hex digits: the sequence, so that a version is found by its id, and as many at random.
std::string version_id_of(uint64_t sequence, std::string_view random_hex);
std::optional<uint64_t> sequence_of(std::string_view version_id);
std::string upload_key(std::string_view bucket, std::string_view key, std::string_view upload_id);
std::string part_key(std::string_view upload_id, int number);
std::string part_keys(std::string_view upload_id);
std::string upload_keys(std::string_view bucket);
std::string body_key(BlobId id);
std::string references_key(BlobId id);  // how many extents use the blob, where more than one does
std::string file_key(BlobId id);
std::string layout_key(BlobId id);
std::string removal_key(BlobId id);  // a file to remove
inline constexpr std::string_view removal_keys = "q";
std::string store_key_key(uint64_t number);  // one of the store's own keys, sealed
inline constexpr std::string_view store_key_keys = "mkey";
inline constexpr std::string_view next_id_key = "mid";  // blob ids below it may have been given
inline constexpr std::string_view statistics_key =
    "mstatistics";  // written by a clean close, removed by the next opening
inline constexpr std::string_view discarded_key = "mdiscarded";  // all files of blobs below this id are to be removed

}  // namespace tarn::store
