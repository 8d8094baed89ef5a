#include "store/records.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"
#include "store/coding.hpp"

namespace tarn::store {
namespace {

// The first byte of each record tells its form, so that another can be added.
constexpr char first_form = 1;

enum HeaderTag : uint64_t {
  content_type_tag = 1,
  content_encoding_tag,
  content_language_tag,
  content_disposition_tag,
  cache_control_tag,
  expires_tag,
  website_redirect_tag,
  user_metadata_tag,
  tags_tag,
  part_sizes_tag,
  completed_upload_tag,
  layout_tag,
  extents_tag,
  part_checksums_tag,
  retention_tag,
  legal_hold_tag,
  restore_tag,
  replication_status_tag,
  acl_tag,
  encryption_tag = 32,
};

[[noreturn]] void unknown_form() {
  throw Error(ErrorKind::bug, "InternalError",
              "The object index holds a record of a form that this version does not know. "
              "Open the data folder with a newer tarn.");
}

Decoder open_record(std::string_view bytes) {
  Decoder in(bytes);
  if (in.raw(1).front() != first_form) unknown_form();
  return in;
}

Time time_of(uint64_t ms) {
  return Time(std::chrono::milliseconds(ms));
}
uint64_t ms_of(Time t) {
  return static_cast<uint64_t>(t.time_since_epoch().count());
}

void put_text_field(std::string& out, uint64_t tag, std::string_view text) {
  if (!text.empty()) put_field(out, tag, text);
}

std::string encode_map(const std::map<std::string, std::string>& map) {
  std::string out;
  for (const auto& [name, value] : map) {
    put_bytes(out, name);
    put_bytes(out, value);
  }
  return out;
}

std::map<std::string, std::string> decode_map(std::string_view bytes) {
  std::map<std::string, std::string> map;
  for (Decoder in(bytes); !in.done();) {
    std::string name(in.bytes());
    map.emplace_hint(map.end(), std::move(name), in.bytes());
  }
  return map;
}

// What an extent's flags say.
constexpr uint64_t in_file = 1, is_sealed = 2;

std::string encode_extents(const std::vector<Extent>& extents) {
  std::string out;
  for (const Extent& e : extents) {
    put_varint(out, e.blob);
    put_varint(out, (e.file ? in_file : 0) | (e.sealed() ? is_sealed : 0));
    put_varint(out, e.offset_bytes);
    put_varint(out, e.size_bytes);
    if (!e.sealed()) continue;
    put_varint(out, e.blob_size_bytes);
    put_bytes(out, e.wrapped_key);
  }
  return out;
}

std::vector<Extent> decode_extents(std::string_view bytes) {
  std::vector<Extent> extents;
  for (Decoder in(bytes); !in.done();) {
    Extent e;
    e.blob = in.varint();
    const uint64_t flags = in.varint();
    if (flags & ~(in_file | is_sealed)) unknown_form();
    e.file = flags & in_file;
    e.offset_bytes = in.varint();
    e.size_bytes = in.varint();
    if (flags & is_sealed) {
      e.blob_size_bytes = in.varint();
      e.wrapped_key = in.bytes();
    }
    extents.push_back(std::move(e));
  }
  return extents;
}

std::string encode_sizes(const std::vector<uint64_t>& sizes) {
  std::string out;
  for (uint64_t size : sizes) put_varint(out, size);
  return out;
}

std::vector<uint64_t> decode_sizes(std::string_view bytes) {
  std::vector<uint64_t> sizes;
  for (Decoder in(bytes); !in.done();) sizes.push_back(in.varint());
  return sizes;
}

std::string encode_texts(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) put_bytes(out, text);
  return out;
}

std::vector<std::string> decode_texts(std::string_view bytes) {
  std::vector<std::string> texts;
  for (Decoder in(bytes); !in.done();) texts.emplace_back(in.bytes());
  return texts;
}

// "…-N" is the bytes of "…" and N; without a suffix N is 0.
void put_etag(std::string& out, std::string_view etag) {
  auto dash = etag.find('-');
  auto bytes = hex_decode(etag.substr(0, dash));
  TARN_ASSERT(bytes);
  put_bytes(out, *bytes);
  put_varint(out, dash == etag.npos ? 0 : std::stoull(std::string(etag.substr(dash + 1))));
}

std::string take_etag(Decoder& in) {
  std::string etag = hex_encode(in.bytes());
  if (uint64_t parts = in.varint()) etag += "-" + std::to_string(parts);
  return etag;
}

void put_checksum(std::string& out, const Checksum& checksum) {
  put_bytes(out, checksum.algorithm);
  if (checksum.algorithm.empty()) return;
  put_bytes(out, checksum.value);
  out += checksum.composite ? '\1' : '\0';
}

Checksum take_checksum(Decoder& in) {
  Checksum checksum;
  checksum.algorithm = in.bytes();
  if (checksum.algorithm.empty()) return checksum;
  checksum.value = in.bytes();
  checksum.composite = in.raw(1).front() != 0;
  return checksum;
}

void put_headers(std::string& out, const ObjectHeaders& h) {
  put_text_field(out, content_type_tag, h.content_type);
  put_text_field(out, content_encoding_tag, h.content_encoding);
  put_text_field(out, content_language_tag, h.content_language);
  put_text_field(out, content_disposition_tag, h.content_disposition);
  put_text_field(out, cache_control_tag, h.cache_control);
  put_text_field(out, expires_tag, h.expires);
  put_text_field(out, website_redirect_tag, h.website_redirect_location);
  put_text_field(out, user_metadata_tag, encode_map(h.user_metadata));
  put_text_field(out, tags_tag, encode_map(h.tags));
  if (h.retention) {
    std::string field;
    put_varint(field, ms_of(h.retention->until));
    put_bytes(field, h.retention->mode);
    put_field(out, retention_tag, field);
  }
  if (h.legal_hold) put_field(out, legal_hold_tag, *h.legal_hold ? "1" : "0");
  if (h.restore) {
    std::string field;
    put_varint(field, ms_of(h.restore->ready));
    put_varint(field, ms_of(h.restore->expires));
    put_field(out, restore_tag, field);
  }
  if (!h.acl.is_null()) {
    std::string field;
    put_value(field, h.acl);
    put_field(out, acl_tag, field);
  }
}

Retention decode_retention(std::string_view bytes) {
  Decoder in(bytes);
  Time until = time_of(in.varint());
  return {std::string(in.bytes()), until};
}

Restore decode_restore(std::string_view bytes) {
  Decoder in(bytes);
  Time ready = time_of(in.varint());
  return {ready, time_of(in.varint())};
}

void take_header(uint64_t tag, std::string_view bytes, ObjectHeaders& h) {
  switch (tag) {
    case content_type_tag:
      h.content_type = bytes;
      break;
    case content_encoding_tag:
      h.content_encoding = bytes;
      break;
    case content_language_tag:
      h.content_language = bytes;
      break;
    case content_disposition_tag:
      h.content_disposition = bytes;
      break;
    case cache_control_tag:
      h.cache_control = bytes;
      break;
    case expires_tag:
      h.expires = bytes;
      break;
    case website_redirect_tag:
      h.website_redirect_location = bytes;
      break;
    case user_metadata_tag:
      h.user_metadata = decode_map(bytes);
      break;
    case tags_tag:
      h.tags = decode_map(bytes);
      break;
    case retention_tag:
      h.retention = decode_retention(bytes);
      break;
    case legal_hold_tag:
      h.legal_hold = bytes == "1";
      break;
    case restore_tag:
      h.restore = decode_restore(bytes);
      break;
    case acl_tag:
      h.acl = Decoder(bytes).value();
      break;
    default:
      break;
  }
}

// The part of an object's record that a listing reads stands first.
ObjectInfo take_listed(Decoder& in, uint64_t& sequence) {
  ObjectInfo info;
  info.size_bytes = in.varint();
  info.last_modified = time_of(in.varint());
  info.etag = take_etag(in);
  info.headers.storage_class = in.bytes();
  info.checksum = take_checksum(in);
  info.version_id = in.bytes();
  sequence = in.varint();
  info.delete_marker = info.etag.empty();
  return info;
}

std::string key_with_id(char kind, BlobId id) {
  std::string key(1, kind);
  put_ordered(key, id);
  return key;
}

}  // namespace

std::string encode(const BucketInfo& bucket) {
  std::string out(1, first_form);
  put_bytes(out, bucket.account);
  put_bytes(out, bucket.region);
  put_varint(out, ms_of(bucket.created));
  put_varint(out, bucket.settings.size());
  for (const auto& [name, value] : bucket.settings) {
    put_bytes(out, name);
    put_value(out, value);
  }
  return out;
}

BucketInfo decode_bucket(std::string_view bytes) {
  Decoder in = open_record(bytes);
  BucketInfo bucket;
  bucket.account = in.bytes();
  bucket.region = in.bytes();
  bucket.created = time_of(in.varint());
  for (uint64_t n = in.varint(); n > 0; n--) {
    std::string name(in.bytes());
    bucket.settings[name] = in.value();
  }
  return bucket;
}

std::string encode(const ObjectRecord& object) {
  const ObjectInfo& info = object.info;
  std::string out(1, first_form);
  put_varint(out, info.size_bytes);
  put_varint(out, ms_of(info.last_modified));
  put_etag(out, info.etag);
  put_bytes(out, info.headers.storage_class);
  put_checksum(out, info.checksum);
  put_bytes(out, info.version_id);
  put_varint(out, object.sequence);
  put_headers(out, info.headers);
  if (info.encryption.is_encrypted()) put_field(out, encryption_tag, encode(info.encryption));
  put_text_field(out, completed_upload_tag, object.completed_upload);
  put_text_field(out, replication_status_tag, object.replication_status);
  if (object.layout) {
    std::string id;
    put_varint(id, object.layout);
    put_field(out, layout_tag, id);
  } else {
    put_text_field(out, extents_tag, encode_extents(object.extents));
    put_text_field(out, part_sizes_tag, encode_sizes(info.part_sizes_bytes));
    put_text_field(out, part_checksums_tag, encode_texts(info.part_checksums));
  }
  return out;
}

std::string encode_layout(const ObjectRecord& object) {
  std::string out(1, first_form);
  put_field(out, extents_tag, encode_extents(object.extents));
  put_text_field(out, part_sizes_tag, encode_sizes(object.info.part_sizes_bytes));
  put_text_field(out, part_checksums_tag, encode_texts(object.info.part_checksums));
  return out;
}

static void take_body_field(uint64_t tag, std::string_view bytes, ObjectRecord& object) {
  switch (tag) {
    case completed_upload_tag:
      object.completed_upload = bytes;
      break;
    case replication_status_tag:
      object.replication_status = bytes;
      break;
    case encryption_tag:
      object.info.encryption = decode_encryption(bytes);
      break;
    case layout_tag:
      object.layout = Decoder(bytes).varint();
      break;
    case extents_tag:
      object.extents = decode_extents(bytes);
      break;
    case part_sizes_tag:
      object.info.part_sizes_bytes = decode_sizes(bytes);
      break;
    case part_checksums_tag:
      object.info.part_checksums = decode_texts(bytes);
      break;
    default:
      take_header(tag, bytes, object.info.headers);
  }
}

ObjectRecord decode_object(std::string_view bytes) {
  Decoder in = open_record(bytes);
  ObjectRecord object;
  object.info = take_listed(in, object.sequence);
  while (!in.done()) {
    uint64_t tag = in.varint();
    take_body_field(tag, in.bytes(), object);
  }
  return object;
}

void decode_layout(std::string_view bytes, ObjectRecord& object) {
  Decoder in = open_record(bytes);
  while (!in.done()) {
    uint64_t tag = in.varint();
    take_body_field(tag, in.bytes(), object);
  }
}

ObjectInfo decode_for_listing(std::string_view bytes) {
  Decoder in = open_record(bytes);
  uint64_t sequence;
  ObjectInfo info = take_listed(in, sequence);
  if (info.headers.storage_class != "GLACIER" && info.headers.storage_class != "DEEP_ARCHIVE") return info;
  while (!in.done()) {
    uint64_t tag = in.varint();
    std::string_view field = in.bytes();
    if (tag == restore_tag) info.headers.restore = decode_restore(field);
  }
  return info;
}

std::string encode(const UploadRecord& upload) {
  std::string out(1, first_form);
  put_varint(out, ms_of(upload.info.initiated));
  put_bytes(out, upload.info.checksum_algorithm);
  put_bytes(out, upload.info.checksum_type);
  put_bytes(out, upload.info.headers.storage_class);
  put_headers(out, upload.info.headers);
  if (upload.info.encryption.is_encrypted()) put_field(out, encryption_tag, encode(upload.info.encryption));
  return out;
}

UploadRecord decode_upload(std::string_view bytes) {
  Decoder in = open_record(bytes);
  UploadRecord upload;
  upload.info.initiated = time_of(in.varint());
  upload.info.checksum_algorithm = in.bytes();
  upload.info.checksum_type = in.bytes();
  upload.info.headers.storage_class = in.bytes();
  while (!in.done()) {
    uint64_t tag = in.varint();
    std::string_view field = in.bytes();
    if (tag == encryption_tag)
      upload.info.encryption = decode_encryption(field);
    else
      take_header(tag, field, upload.info.headers);
  }
  return upload;
}

std::string encode(const PartRecord& part) {
  std::string out(1, first_form);
  put_varint(out, part.info.size_bytes);
  put_varint(out, ms_of(part.info.last_modified));
  put_etag(out, part.info.etag);
  put_checksum(out, part.info.checksum);
  put_bytes(out, encode_extents(part.extents));
  put_bytes(out, part.crc64nvme);
  return out;
}

PartRecord decode_part(std::string_view bytes) {
  Decoder in = open_record(bytes);
  PartRecord part;
  part.info.size_bytes = in.varint();
  part.info.last_modified = time_of(in.varint());
  part.info.etag = take_etag(in);
  part.info.checksum = take_checksum(in);
  part.extents = decode_extents(in.bytes());
  if (!in.done()) part.crc64nvme = in.bytes();
  return part;
}

std::string encode(const FileRecord& file) {
  std::string out(1, first_form);
  put_varint(out, file.size_bytes);
  put_varint(out, file.table_crc32c);
  if (file.sealed) put_varint(out, 1);
  return out;
}

FileRecord decode_file(std::string_view bytes) {
  Decoder in = open_record(bytes);
  FileRecord file;
  file.size_bytes = in.varint();
  file.table_crc32c = static_cast<uint32_t>(in.varint());
  file.sealed = !in.done() && in.varint() == 1;
  return file;
}

std::string bucket_key(std::string_view bucket) {
  return "b" + std::string(bucket);
}

std::string object_key(std::string_view bucket, std::string_view key) {
  std::string out;
  out.reserve(bucket.size() + 1 + key.size());
  out.append(bucket).append(1, '\0').append(key);
  return out;
}

std::string version_keys(std::string_view bucket, std::string_view key) {
  return object_key(bucket, key) + '\0';
}

std::string version_key(std::string_view bucket, std::string_view key, uint64_t sequence) {
  std::string out = version_keys(bucket, key);
  put_ordered(out, ~sequence);
  return out;
}

VersionKey split_version_key(std::string_view bucket, std::string_view version_key) {
  constexpr std::size_t tail = 1 + sizeof(uint64_t);
  std::string_view rest = version_key.substr(bucket.size() + 1);
  return {rest.substr(0, rest.size() - tail), ~Decoder(rest.substr(rest.size() - tail + 1)).ordered()};
}

std::string null_version_key(std::string_view bucket, std::string_view key) {
  return "n" + object_key(bucket, key);
}

std::string version_id_of(uint64_t sequence, std::string_view random_hex) {
  std::string number;
  put_ordered(number, sequence);
  return hex_encode(number) + std::string(random_hex);
}

std::optional<uint64_t> sequence_of(std::string_view version_id) {
  if (version_id.size() != 32) return std::nullopt;
  auto number = hex_decode(version_id.substr(0, 16));
  if (!number || number->size() != sizeof(uint64_t)) return std::nullopt;
  return Decoder(*number).ordered();
}

std::string upload_keys(std::string_view bucket) {
  return "u" + object_key(bucket, "");
}

std::string upload_key(std::string_view bucket, std::string_view key, std::string_view upload_id) {
  return "u" + object_key(bucket, key) + '\0' + std::string(upload_id);
}

std::string part_keys(std::string_view upload_id) {
  return "p" + std::string(upload_id) + '\0';
}

std::string part_key(std::string_view upload_id, int number) {
  std::string key = part_keys(upload_id);
  put_ordered(key, static_cast<uint64_t>(number));
  return key;
}

std::string body_key(BlobId id) {
  std::string key;
  put_ordered(key, id);
  return key;
}
std::string references_key(BlobId id) {
  return key_with_id('r', id);
}
std::string file_key(BlobId id) {
  return key_with_id('f', id);
}
std::string layout_key(BlobId id) {
  return key_with_id('l', id);
}
std::string store_key_key(uint64_t number) {
  std::string key(store_key_keys);
  put_ordered(key, number);
  return key;
}
std::string removal_key(BlobId id) {
  return key_with_id('q', id);
}

}  // namespace tarn::store
