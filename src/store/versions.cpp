// The versions of a key: finding one, adding a latest, removing some.
//
// The latest version stands in Family::objects, unless it is a delete marker; all others in Family::versions. So
// reading and listing objects never meets an old version.
#include "base/error.hpp"
#include "store/coding.hpp"
#include "store/local_store.hpp"

namespace tarn::store {
namespace {

constexpr const char* null_version = "null";
constexpr int attempts = 100;  // of reading a version that is moved from one family to the other meanwhile

bool stands_in_objects(const ObjectRecord& record) {
  return record.info.latest && !record.info.delete_marker;
}

}  // namespace

Versioning versioning_of(const BucketInfo& bucket) {
  auto setting = bucket.settings.find("versioning");
  if (setting == bucket.settings.end()) return Versioning::never;
  const std::string status = setting->second.string_or("Status");
  return status == "Enabled" ? Versioning::enabled : status == "Suspended" ? Versioning::suspended : Versioning::never;
}

Error no_such_version(std::string_view key, std::string_view version_id) {
  return Error(ErrorKind::missing, "NoSuchVersion", "The specified version does not exist.")
      .with("Key", std::string(key))
      .with("VersionId", std::string(version_id));
}

// ---- finding

bool LocalStore::complete(ObjectRecord& record) const {
  std::string layout;
  if (!record.layout) return true;
  if (!index_.get(Family::records, layout_key(record.layout), layout)) return false;
  decode_layout(layout, record);
  return true;
}

std::optional<ObjectRecord> LocalStore::find_object(std::string_view bucket, std::string_view key) const {
  std::string stored;
  for (int i = 0; i < attempts; i++) {
    if (!index_.get(Family::objects, object_key(bucket, key), stored)) return std::nullopt;
    ObjectRecord record = decode_object(stored);
    record.info.key = key;
    if (complete(record)) return record;
  }
  throw Error(ErrorKind::bug, "InternalError",
              "The object index lacks the layout of an object. Restore the data folder from a copy.");
}

std::optional<ObjectRecord> LocalStore::find_old_version(std::string_view bucket, std::string_view key,
                                                         uint64_t sequence) const {
  std::string stored;
  if (!index_.get(Family::versions, version_key(bucket, key, sequence), stored)) return std::nullopt;
  ObjectRecord record = decode_object(stored);
  record.info.key = key;
  record.info.latest = false;
  if (!complete(record)) return std::nullopt;  // removed since
  return record;
}

std::optional<ObjectRecord> LocalStore::find_newest_old_version(std::string_view bucket, std::string_view key,
                                                                const std::set<uint64_t>& but) const {
  const std::string first = version_keys(bucket, key);
  auto cursor = index_.cursor(Family::versions, after_prefix(first));
  for (bool at = cursor->seek(first); at; at = cursor->next()) {
    uint64_t sequence = split_version_key(bucket, cursor->key()).sequence;
    if (but.contains(sequence)) continue;
    if (auto found = find_old_version(bucket, key, sequence)) return found;
  }
  return std::nullopt;
}

std::optional<uint64_t> LocalStore::find_null_version(std::string_view bucket, std::string_view key) const {
  std::string stored;
  if (!index_.get(Family::records, null_version_key(bucket, key), stored)) return std::nullopt;
  return Decoder(stored).varint();
}

std::optional<ObjectRecord> LocalStore::find_record(std::string_view bucket_name, std::string_view key,
                                                    std::string_view version_id) const {
  const bool versioned = versioning_of(*bucket(bucket_name)) != Versioning::never;
  for (int i = 0; i < attempts; i++) {
    auto object = find_object(bucket_name, key);
    if (object && (version_id.empty() || version_id == object->info.version_id)) return object;
    if (!versioned) return std::nullopt;
    std::optional<ObjectRecord> old;
    if (version_id.empty()) {
      old = find_newest_old_version(bucket_name, key);
      if (!old) return std::nullopt;
      old->info.latest = true;
      if (old->info.delete_marker) return old;
      continue;  // it became the object since
    }
    auto sequence = version_id == null_version ? find_null_version(bucket_name, key) : sequence_of(version_id);
    if (sequence) old = find_old_version(bucket_name, key, *sequence);
    if (old && old->info.version_id == version_id) {
      if (old->info.delete_marker && !object) {
        auto newest = find_newest_old_version(bucket_name, key);
        old->info.latest = newest && newest->sequence == old->sequence;
      }
      return old;
    }
    auto now = find_object(bucket_name, key);
    if (now.has_value() == object.has_value() && (!now || now->sequence == object->sequence)) return std::nullopt;
  }
  throw Error(ErrorKind::outside, "InternalError", "This object changes too often to be read. Please try again.");
}

ObjectRecord LocalStore::require_version(std::string_view bucket, std::string_view key,
                                         std::string_view version_id) const {
  auto found = version_id.empty() ? find_object(bucket, key) : find_record(bucket, key, version_id);
  if (!found) throw version_id.empty() ? no_such_key(key) : no_such_version(key, version_id);
  return std::move(*found);
}

std::optional<ObjectInfo> LocalStore::find_version(const Grant& grant, std::string_view bucket_name,
                                                   std::string_view key, std::string_view version_id) const {
  require(grant, Access::read, bucket_name, key);
  bucket(bucket_name);
  auto record = find_record(bucket_name, key, version_id);
  if (!record) return std::nullopt;
  return std::move(record->info);
}

// ---- changing

void Change::number(const BucketInfo& bucket, ObjectRecord& object, const std::optional<ObjectRecord>& old) {
  object.sequence = store_.new_id();
  object.info.latest = true;
  const Versioning versioning = versioning_of(bucket);
  if (versioning == Versioning::enabled) {
    object.info.version_id = version_id_of(object.sequence, store_.random_.hex(16));
    if (old) demote(bucket.name, *old);
    return;
  }
  object.info.version_id = null_version;
  if (old && old->info.version_id == null_version) {
    retire(*old);
  } else if (versioning == Versioning::suspended) {
    if (auto sequence = store_.find_null_version(bucket.name, object.info.key)) {
      auto replaced = store_.find_old_version(bucket.name, object.info.key, *sequence);
      TARN_ASSERT(replaced);
      remove(bucket.name, *replaced);
    }
    if (old) demote(bucket.name, *old);
  }
}

void Change::put_object(const BucketInfo& bucket, ObjectRecord& object, const std::optional<ObjectRecord>& old) {
  number(bucket, object, old);
  object.layout = 0;
  if (std::max(object.extents.size(), object.info.part_sizes_bytes.size()) > max_extents_in_record) {
    object.layout = store_.new_id();
    batch_.put(Family::records, layout_key(object.layout), encode_layout(object));
  }
  batch_.put(Family::objects, object_key(bucket.name, object.info.key), encode(object));
  objects_++;
  size_bytes_ += static_cast<int64_t>(object.info.size_bytes);
}

ObjectRecord Change::put_delete_marker(const BucketInfo& bucket, std::string_view key, Time now,
                                       const std::optional<ObjectRecord>& old) {
  ObjectRecord marker;
  marker.info.key = key;
  marker.info.last_modified = now;
  marker.info.delete_marker = true;
  marker.info.headers.storage_class.clear();
  number(bucket, marker, old);
  if (old) batch_.erase(Family::objects, object_key(bucket.name, key));
  demote(bucket.name, marker);
  return marker;
}

void Change::demote(std::string_view bucket, const ObjectRecord& version) {
  batch_.put(Family::versions, version_key(bucket, version.info.key, version.sequence), encode(version));
  if (version.info.version_id != null_version) return;
  std::string sequence;
  put_varint(sequence, version.sequence);
  batch_.put(Family::records, null_version_key(bucket, version.info.key), sequence);
}

void Change::remove(std::string_view bucket, const ObjectRecord& version) {
  retire(version);
  if (stands_in_objects(version)) {
    batch_.erase(Family::objects, object_key(bucket, version.info.key));
    return;
  }
  batch_.erase(Family::versions, version_key(bucket, version.info.key, version.sequence));
  if (version.info.version_id == null_version)
    batch_.erase(Family::records, null_version_key(bucket, version.info.key));
}

void Change::erase_versions(const BucketInfo& bucket, const std::vector<ObjectRecord>& versions) {
  std::set<uint64_t> removed;
  bool latest = false;
  for (const ObjectRecord& version : versions) {
    remove(bucket.name, version);
    removed.insert(version.sequence);
    latest = latest || version.info.latest;
  }
  if (!latest || versioning_of(bucket) == Versioning::never) return;
  auto next = store_.find_newest_old_version(bucket.name, versions.front().info.key, removed);
  if (!next || next->info.delete_marker) return;
  batch_.erase(Family::versions, version_key(bucket.name, next->info.key, next->sequence));
  if (next->info.version_id == null_version)
    batch_.erase(Family::records, null_version_key(bucket.name, next->info.key));
  batch_.put(Family::objects, object_key(bucket.name, next->info.key), encode(*next));
}

void Change::rewrite(std::string_view bucket, const ObjectRecord& object) {
  if (stands_in_objects(object)) {
    batch_.put(Family::objects, object_key(bucket, object.info.key), encode(object));
  } else {
    batch_.put(Family::versions, version_key(bucket, object.info.key, object.sequence), encode(object));
  }
}

void Change::retire(const ObjectRecord& old) {
  release(old.extents);
  if (old.layout) batch_.erase(Family::records, layout_key(old.layout));
  if (old.info.delete_marker) return;
  objects_--;
  size_bytes_ -= static_cast<int64_t>(old.info.size_bytes);
}

// ---- erasing

// Erasures of one key in one change: either one without a version id, or any number of versions. What is refused is
// told in the erasure.
void LocalStore::erase_of_key(Change& change, const BucketInfo& bucket, const std::vector<Erasure*>& erasures) const {
  std::vector<ObjectRecord> removed;
  std::set<uint64_t> sequences;
  for (Erasure* erasure : erasures) {
    const EraseOptions& options = erasure->options;
    const bool version = !options.version_id.empty();
    try {
      auto record =
          version ? find_record(bucket.name, erasure->key, options.version_id) : find_object(bucket.name, erasure->key);
      if (options.preconditions.any()) {  // they are about the object, whichever version is to go
        const auto object = version ? find_object(bucket.name, erasure->key) : record;
        check(options.preconditions, object ? &object->info : nullptr, erasure->key);
      }
      Erased& done = erasure->done;
      done.found = record.has_value();
      if (!version && versioning_of(bucket) != Versioning::never) {
        const ObjectRecord marker = change.put_delete_marker(bucket, erasure->key, clock_.now(), record);
        change.tell(bucket, "ObjectRemoved:DeleteMarkerCreated", marker);
        done.version_id = marker.info.version_id;
        done.delete_marker = true;
        continue;
      }
      done.version_id = options.version_id;
      if (!record) continue;
      require_unlocked(record->info, clock_.now(), options.bypass_governance);
      done.delete_marker = record->info.delete_marker;
      if (sequences.insert(record->sequence).second) removed.push_back(std::move(*record));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::bug || error.kind() == ErrorKind::outside) throw;
      erasure->error = error;
    }
  }
  if (removed.empty()) return;
  change.erase_versions(bucket, removed);
  for (const ObjectRecord& version : removed) change.tell(bucket, "ObjectRemoved:Delete", version);
}

Erased LocalStore::erase(const Grant& grant, std::string_view bucket_name, std::string_view key,
                         const EraseOptions& options) {
  require(grant, Access::write, bucket_name, key);
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  auto info = bucket(bucket_name);
  if (options.version_id.empty() && versioning_of(*info) != Versioning::never) require_valid_key(key);
  auto held = name_locks_.hold({name_locks_.exclusive(object_key(bucket_name, key))});
  Erasure erasure{std::string(key), options, {}, {}};
  Change change(*this);
  erase_of_key(change, *info, {&erasure});
  if (erasure.error) throw Error(*erasure.error);
  if (!change.empty()) change.commit();
  return erasure.done;
}

void LocalStore::erase_all(const Grant& grant, std::string_view bucket_name, std::vector<Erasure>& erasures) {
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  auto info = bucket(bucket_name);
  std::vector<LockTable::Want> wants;
  std::vector<Erasure*> left;
  for (Erasure& erasure : erasures) {
    require(grant, Access::write, bucket_name, erasure.key);
    wants.push_back(name_locks_.exclusive(object_key(bucket_name, erasure.key)));
    left.push_back(&erasure);
  }
  auto held = name_locks_.hold(std::move(wants));
  // A change does not see itself: what follows from another erasure of the same key goes into the next one.
  while (!left.empty()) {
    std::map<std::string_view, std::vector<Erasure*>> by_key;
    std::vector<Erasure*> later;
    for (Erasure* erasure : left) {
      auto& group = by_key[erasure->key];
      const bool together =
          group.empty() || (!erasure->options.version_id.empty() && !group.front()->options.version_id.empty());
      (together ? group : later).push_back(erasure);
    }
    Change change(*this);
    for (const auto& [key, group] : by_key) erase_of_key(change, *info, group);
    if (!change.empty()) change.commit();
    left = std::move(later);
  }
}

}  // namespace tarn::store
