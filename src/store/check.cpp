#include "store/check.hpp"

#include "base/error.hpp"
#include "store/body_cipher.hpp"
#include "store/coding.hpp"
#include "store/local_store.hpp"

namespace tarn::store {
namespace {

std::string hex(BlobId id) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

constexpr std::size_t max_plain_users = 20;

std::string_view bucket_of(std::string_view object_key) {
  return object_key.substr(0, object_key.find('\0'));
}

std::string named(std::string_view object_key) {
  return "object " + std::string(bucket_of(object_key)) + "/" +
         std::string(object_key.substr(bucket_of(object_key).size() + 1));
}

class Check {
 public:
  Check(const Index& index, const Blobs& blobs, bool read_bodies)
      : index_(index), blob_store_(blobs), read_bodies_(read_bodies) {}

  Findings run() {
    const std::vector<BlobId> all = blob_store_.all();
    present_.insert(all.begin(), all.end());
    objects();
    uploads();
    bodies();
    file_records();
    references();
    strays();
    find_lost();
    return std::move(found_);
  }

 private:
  struct Blob {
    uint64_t uses = 0, needed_size_bytes = 0;
    bool file = false, present = false, sealed = false;
    std::string user;
    std::string damage;
  };

  void problem(std::string text) { found_.verification.problems.push_back(std::move(text)); }
  void seen(BlobId id) { found_.highest_id = std::max(found_.highest_id, id); }
  void lose(Blob& blob, const std::string& what, const std::string& why) {
    blob.damage = why;
    problem(what + " of " + blob.user + ": " + why);
  }

  // A record that `work` can't decode is noted.
  template <class F>
  void each(Family family, std::string_view prefix, F work) {
    auto cursor = index_.cursor(family, after_prefix(prefix));
    for (bool at = cursor->seek(prefix); at; at = cursor->next()) {
      try {
        if ((family == Family::objects || family == Family::versions) && !well_formed(family, cursor->key()))
          throw Error(ErrorKind::bug, "InternalError", "its key is damaged");
        work(cursor->key().substr(prefix.size()), cursor->value());
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::bug) throw;
        unreadable(family, cursor->key(), error);
      }
    }
  }

  // Whether the key is one of an object, or of a version.
  static bool well_formed(Family family, std::string_view key) {
    const std::size_t behind_bucket = bucket_of(key).size() + 1;
    return key.size() > behind_bucket + (family == Family::versions ? 1 + sizeof(uint64_t) : 0);
  }

  void unreadable(Family family, std::string_view key, const Error& error) {
    if ((family == Family::objects || family == Family::versions) && well_formed(family, key)) {
      const std::string_view bucket = bucket_of(key);
      LostVersion lost;
      lost.bucket = bucket;
      lost.key = family == Family::versions ? split_version_key(bucket, key).key : key.substr(bucket.size() + 1);
      lost.latest = family == Family::objects;
      lost.why = "its record can't be read";
      lost.family = family;
      lost.record_key = key;
      problem(named(object_key(lost.bucket, lost.key)) + ": its record can't be read");
      found_.lost.push_back(std::move(lost));
      return;
    }
    problem("a record of the index can't be read: " + error.message());
    found_.unreadable.emplace_back(family, key);
  }

  // Counts the uses of blobs; the extents must cover the body exactly.
  void use(const std::vector<Extent>& extents, uint64_t size_bytes, const std::string& who) {
    uint64_t covered = 0;
    for (const Extent& e : extents) {
      Blob& blob = blobs_[e.blob];
      seen(e.blob);
      blob.uses++;
      blob.file = e.file;
      blob.needed_size_bytes = std::max(blob.needed_size_bytes, stored_size_bytes(e));
      if (e.sealed() != blob.sealed && blob.uses > 1) problem(who + " takes a body for sealed that another does not");
      blob.sealed = e.sealed();
      blob.user = who;
      covered += e.size_bytes;
    }
    if (covered != size_bytes)
      problem(who + " has " + std::to_string(size_bytes) + " bytes, its extents " + std::to_string(covered));
  }

  // What a blob must hold at least for this extent of it.
  static uint64_t stored_size_bytes(const Extent& e) {
    if (!e.sealed()) return e.offset_bytes + e.size_bytes;
    return e.file ? sealed_size_bytes(e.blob_size_bytes) : e.blob_size_bytes + cipher_tag_size_bytes;
  }

  void check_form(const Blob& blob, bool sealed, uint64_t size_bytes) {
    if (sealed != blob.sealed)
      problem("the body of " + blob.user + (sealed ? " is sealed" : " is in the clear") +
              ", its record says otherwise");
    if (sealed) return;
    found_.verification.plain_bodies++;
    found_.verification.plain_size_bytes += size_bytes;
    if (found_.verification.plain_users.size() < max_plain_users) found_.verification.plain_users.push_back(blob.user);
  }

  void objects() {
    each(Family::objects, "", [&](std::string_view key, std::string_view value) {
      ObjectRecord object = record(key, value);
      if (object.info.delete_marker) problem(named(key) + " is a delete marker among the objects");
      found_.verification.objects++;
    });
    old_versions();
    each(Family::records, "l", [&](std::string_view id, std::string_view) {
      const BlobId layout = Decoder(id).ordered();
      seen(layout);
      if (layouts_.contains(layout)) return;
      problem("layout " + hex(layout) + " belongs to no object");
      found_.unused_layouts.push_back(layout);
    });
  }

  void old_versions() {
    std::map<std::string, uint64_t, std::less<>> nulls;
    std::string previous, stored;
    each(Family::versions, "", [&](std::string_view version, std::string_view value) {
      const VersionKey split = split_version_key(bucket_of(version), version);
      const std::string key = object_key(bucket_of(version), split.key);
      ObjectRecord old = record(key, value);
      if (old.sequence != split.sequence) problem("a version of " + named(key) + " stands in a wrong place");
      if (key != previous) {
        const bool is_object = index_.get(Family::objects, key, stored);
        if (is_object && decode_object(stored).sequence < old.sequence)
          problem(named(key) + " is older than one of its old versions");
        if (!is_object && !old.info.delete_marker) {
          problem("the latest version of " + named(key) + " is not among the objects");
          found_.headless.insert(key);
        }
        previous = key;
      }
      if (old.info.version_id == "null") nulls.emplace(key, old.sequence);
      found_.verification.versions++;
    });
    each(Family::records, "n", [&](std::string_view key, std::string_view value) {
      const auto there = nulls.find(key);
      const std::optional<uint64_t> right =
          there == nulls.end() ? std::nullopt : std::optional<uint64_t>(there->second);
      if (!right || Decoder(value).varint() != *right) {
        problem(named(key) + " is said to have a null version where none is");
        found_.right_nulls[std::string(key)] = right;
      }
      if (there != nulls.end()) nulls.erase(there);
    });
    for (const auto& [key, sequence] : nulls) {
      problem("the null version of " + named(key) + " can't be found");
      found_.right_nulls[key] = sequence;
    }
  }

  // Of an object, or of an old version of it.
  ObjectRecord record(std::string_view key, std::string_view value) {
    const std::string who = named(key);
    ObjectRecord object = decode_object(value);
    seen(object.sequence);
    require_bucket(key);
    require_own_key(object.info.encryption, who);
    if (object.layout) {
      layouts_.insert(object.layout);
      std::string stored;
      if (!index_.get(Family::records, layout_key(object.layout), stored)) {
        problem(who + " lacks its layout");
        lacks_layout_.insert(object.layout);
        return object;
      }
      decode_layout(stored, object);
    }
    use(object.extents, object.info.size_bytes, who);
    return object;
  }

  void require_bucket(std::string_view key) {
    const std::string bucket(bucket_of(key));
    auto [at, fresh] = buckets_.emplace(bucket, true);
    std::string stored;
    if (fresh) at->second = index_.get(Family::records, bucket_key(bucket), stored);
    if (at->second) return;
    problem(named(key) + " is in no bucket");
    found_.lost_buckets.insert(bucket);
  }

  void require_own_key(const Encryption& encryption, const std::string& who) {
    std::string stored;
    if (encryption.kind != Encryption::Kind::own || !own_keys_.insert(encryption.own_key).second) return;
    if (!index_.get(Family::records, store_key_key(encryption.own_key), stored))
      problem(who + " is encrypted by a key of the store's own that is missing; so may others be");
  }

  void uploads() {
    std::set<std::string, std::less<>> uploads;
    each(Family::records, "u", [&](std::string_view key, std::string_view value) {
      decode_upload(value);
      uploads.emplace(key.substr(key.rfind('\0') + 1));
      found_.verification.uploads++;
    });
    each(Family::records, "p", [&](std::string_view key, std::string_view value) {
      PartRecord part = decode_part(value);
      std::string_view upload = key.substr(0, key.find('\0'));
      std::string who = "part of upload " + std::string(upload);
      if (!uploads.contains(upload)) {
        problem(who + " has no upload");
        found_.orphans.push_back("p" + std::string(key));
      }
      use(part.extents, part.info.size_bytes, who);
      found_.verification.parts++;
    });
  }

  void bodies() {
    each(Family::bodies, "", [&](std::string_view key, std::string_view value) {
      BlobId id = Decoder(key).ordered();
      seen(id);
      found_.verification.bodies++;
      auto at = blobs_.find(id);
      if (at == blobs_.end() || at->second.file) {
        problem("small body " + hex(id) + " belongs to nothing");
        found_.unused_bodies.push_back(id);
        return;
      }
      Blob& blob = at->second;
      blob.present = true;
      std::string body(value);
      bool sealed = false;
      try {
        sealed = decode_body(body);
      } catch (const Error&) {
        return lose(blob, "the small body", "it is damaged");
      }
      check_form(blob, sealed, body.size());
      if (body.size() < blob.needed_size_bytes) lose(blob, "the small body", "it is too short");
      found_.verification.checked_size_bytes += body.size();
    });
  }

  std::optional<std::string> damage_of(BlobId id, const FileRecord& file) const {
    if (read_bodies_) return blob_store_.damage(id, file);
    if (!present_.contains(id)) return "the file is missing";
    return std::nullopt;
  }

  void file_records() {
    each(Family::records, "f", [&](std::string_view key, std::string_view value) {
      BlobId id = Decoder(key).ordered();
      seen(id);
      FileRecord file = decode_file(value);
      found_.verification.files++;
      auto at = blobs_.find(id);
      if (at == blobs_.end() || !at->second.file) {
        problem("file " + blob_store_.place_of(id) + " belongs to nothing");
        found_.unused_files.push_back(id);
        return;
      }
      Blob& blob = at->second;
      blob.present = true;
      if (auto damage = damage_of(id, file)) lose(blob, blob_store_.place_of(id), *damage);
      check_form(blob, file.sealed, file.size_bytes);
      if (file.size_bytes < blob.needed_size_bytes) lose(blob, blob_store_.place_of(id), "it is too short");
      if (read_bodies_) found_.verification.checked_size_bytes += file.size_bytes;
    });
  }

  void references() {
    std::map<BlobId, uint64_t> counts;
    each(Family::records, "r", [&](std::string_view key, std::string_view value) {
      counts[Decoder(key).ordered()] = Decoder(value).varint();
    });
    for (auto& [id, blob] : blobs_) {
      auto at = counts.find(id);
      uint64_t counted = at == counts.end() ? 1 : at->second;
      if (!blob.present) look_for(id, blob);
      if (counted != blob.uses) {
        problem("blob " + hex(id) + " of " + blob.user + " is used " + std::to_string(blob.uses) +
                " times but counted " + std::to_string(counted));
        found_.right_counts[id] = blob.uses;
      }
      if (at != counts.end()) counts.erase(at);
    }
    for (const auto& [id, count] : counts) {
      problem("blob " + hex(id) + " is counted but used by nothing");
      found_.right_counts[id] = 0;
    }
  }

  // A body that the index does not have.
  void look_for(BlobId id, Blob& blob) {
    auto record = blob.file ? blob_store_.rebuild_record(id, blob.sealed) : std::nullopt;
    if (record && record->size_bytes >= blob.needed_size_bytes) {
      problem(blob_store_.place_of(id) + " of " + blob.user + " has no record, but is whole");
      found_.unrecorded_files.emplace_back(id, *record);
      return;
    }
    problem(blob.user + " lacks its body " + hex(id));
    blob.damage = "its body is missing";
  }

  // Blobs that no record names, and that wait for no removal, would never go away.
  void strays() {
    std::string stored;
    BlobId discarded_below = index_.get(Family::records, discarded_key, stored) ? Decoder(stored).varint() : 0;
    for (BlobId id : present_) {
      seen(id);
      if (id < discarded_below || blobs_.contains(id) || index_.get(Family::records, file_key(id), stored)) continue;
      if (index_.get(Family::records, removal_key(id), stored)) continue;
      problem(blob_store_.place_of(id) + " is known to nothing");
      found_.strays.push_back(id);
    }
  }

  // Whom the damage hits: a blob may have many users.
  void find_lost() {
    bool any = !lacks_layout_.empty();
    for (const auto& [id, blob] : blobs_) any = any || !blob.damage.empty();
    if (!any) return;
    for (Family family : {Family::objects, Family::versions}) {
      each(family, "", [&](std::string_view key, std::string_view value) { look_at(family, key, value); });
    }
    each(Family::records, "p", [&](std::string_view key, std::string_view value) {
      if (auto why = damage_in(decode_part(value).extents))
        found_.lost_parts.push_back({std::string(key.substr(0, key.find('\0'))),
                                     static_cast<int>(Decoder(key.substr(key.find('\0') + 1)).ordered()), *why});
    });
  }

  void look_at(Family family, std::string_view key, std::string_view value) {
    ObjectRecord object;
    try {
      object = decode_object(value);
    } catch (const Error&) {
      return;  // told before
    }
    std::optional<std::string> why;
    std::string stored;
    if (lacks_layout_.contains(object.layout)) {
      why = "the list of its extents is missing";
    } else {
      if (object.layout && index_.get(Family::records, layout_key(object.layout), stored))
        decode_layout(stored, object);
      why = damage_in(object.extents);
    }
    if (!why) return;
    const std::string_view bucket = bucket_of(key);
    const std::string_view name =
        family == Family::versions ? split_version_key(bucket, key).key : key.substr(bucket.size() + 1);
    found_.lost.push_back({std::string(bucket), std::string(name), object.info.version_id, family == Family::objects,
                           object.info.size_bytes, object.info.etag, object.info.last_modified, *why, family,
                           std::string(key)});
  }

  std::optional<std::string> damage_in(const std::vector<Extent>& extents) const {
    for (const Extent& e : extents) {
      auto at = blobs_.find(e.blob);
      if (at != blobs_.end() && !at->second.damage.empty())
        return (e.file ? blob_store_.place_of(e.blob) : "small body " + hex(e.blob)) + ": " + at->second.damage;
    }
    return std::nullopt;
  }

  const Index& index_;
  const Blobs& blob_store_;
  bool read_bodies_;
  std::map<BlobId, Blob> blobs_;
  std::map<std::string, bool, std::less<>> buckets_;
  std::set<BlobId> present_;  // blobs that are there
  std::set<BlobId> layouts_, lacks_layout_;
  std::set<uint64_t> own_keys_;  // looked for
  Findings found_;
};

}  // namespace

Findings check_store(const Index& index, const Blobs& blobs, bool read_bodies) {
  return Check(index, blobs, read_bodies).run();
}

}  // namespace tarn::store
