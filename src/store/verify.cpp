#include "store/verify.hpp"

#include <filesystem>
#include <map>
#include <set>

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

class Check {
 public:
  explicit Check(const std::string& path)
      : folder_(path, DataFolder::Missing::refuse), files_(path, false), index_(path + "/index", false) {}

  Verification run() {
    objects();
    uploads();
    bodies();
    file_records();
    references();
    strays();
    return std::move(result_);
  }

 private:
  struct Blob {
    uint64_t uses = 0, needed_size_bytes = 0;
    bool file = false, present = false, sealed = false;
    std::string user;
  };

  void problem(std::string text) { result_.problems.push_back(std::move(text)); }

  template <class F>
  void each(Family family, std::string_view prefix, F work) {
    auto cursor = index_.cursor(family, after_prefix(prefix));
    for (bool at = cursor->seek(prefix); at; at = cursor->next())
      work(cursor->key().substr(prefix.size()), cursor->value());
  }

  // Counts the uses of blobs; the extents must cover the body exactly.
  void use(const std::vector<Extent>& extents, uint64_t size_bytes, const std::string& who) {
    uint64_t covered = 0;
    for (const Extent& e : extents) {
      Blob& blob = blobs_[e.blob];
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
    result_.plain_bodies++;
    result_.plain_size_bytes += size_bytes;
    if (result_.plain_users.size() < max_plain_users) result_.plain_users.push_back(blob.user);
  }

  void objects() {
    each(Family::objects, "", [&](std::string_view key, std::string_view value) {
      ObjectRecord object = record(key, value);
      if (object.info.delete_marker) problem(named(key) + " is a delete marker among the objects");
      result_.objects++;
    });
    old_versions();
    each(Family::records, "l", [&](std::string_view id, std::string_view) {
      if (!layouts_.contains(Decoder(id).ordered()))
        problem("layout " + hex(Decoder(id).ordered()) + " belongs to no object");
    });
  }

  void old_versions() {
    std::set<std::string, std::less<>> nulls;
    std::string previous, stored;
    each(Family::versions, "", [&](std::string_view version, std::string_view value) {
      const VersionKey split = split_version_key(version.substr(0, version.find('\0')), version);
      const std::string key = object_key(version.substr(0, version.find('\0')), split.key);
      ObjectRecord old = record(key, value);
      if (old.sequence != split.sequence) problem("a version of " + named(key) + " stands in a wrong place");
      if (key != previous) {
        const bool is_object = index_.get(Family::objects, key, stored);
        if (is_object && decode_object(stored).sequence < old.sequence)
          problem(named(key) + " is older than one of its old versions");
        if (!is_object && !old.info.delete_marker)
          problem("the latest version of " + named(key) + " is not among the objects");
        previous = key;
      }
      if (old.info.version_id == "null") nulls.insert(key);
      result_.versions++;
    });
    each(Family::records, "n", [&](std::string_view key, std::string_view value) {
      const bool there = nulls.erase(std::string(key)) > 0;
      auto bucket = key.substr(0, key.find('\0'));
      if (!there || !index_.get(Family::versions,
                                version_key(bucket, key.substr(bucket.size() + 1), Decoder(value).varint()), stored))
        problem(named(key) + " is said to have a null version where none is");
    });
    for (const std::string& key : nulls) problem("the null version of " + named(key) + " can't be found");
  }

  static std::string named(std::string_view key) {
    return "object " + std::string(key.substr(0, key.find('\0'))) + "/" + std::string(key.substr(key.find('\0') + 1));
  }

  // Of an object, or of an old version of it.
  ObjectRecord record(std::string_view key, std::string_view value) {
    const std::string who = named(key);
    ObjectRecord object = decode_object(value);
    std::string stored;
    if (object.layout) {
      layouts_.insert(object.layout);
      if (!index_.get(Family::records, layout_key(object.layout), stored)) {
        problem(who + " lacks its layout");
        return object;
      }
      decode_layout(stored, object);
    }
    if (!index_.get(Family::records, bucket_key(key.substr(0, key.find('\0'))), stored))
      problem(who + " is in no bucket");
    use(object.extents, object.info.size_bytes, who);
    return object;
  }

  void uploads() {
    std::set<std::string, std::less<>> uploads;
    each(Family::records, "u", [&](std::string_view key, std::string_view) {
      uploads.emplace(key.substr(key.rfind('\0') + 1));
      result_.uploads++;
    });
    each(Family::records, "p", [&](std::string_view key, std::string_view value) {
      PartRecord part = decode_part(value);
      std::string_view upload = key.substr(0, key.find('\0'));
      std::string who = "part of upload " + std::string(upload);
      if (!uploads.contains(upload)) problem(who + " has no upload");
      use(part.extents, part.info.size_bytes, who);
      result_.parts++;
    });
  }

  void bodies() {
    each(Family::bodies, "", [&](std::string_view key, std::string_view value) {
      BlobId id = Decoder(key).ordered();
      result_.bodies++;
      auto at = blobs_.find(id);
      if (at == blobs_.end() || at->second.file) return problem("small body " + hex(id) + " belongs to nothing");
      at->second.present = true;
      std::string body(value);
      bool sealed = false;
      try {
        sealed = decode_body(body);
      } catch (const Error&) {
        return problem("the small body of " + at->second.user + " is damaged");
      }
      check_form(at->second, sealed, body.size());
      if (body.size() < at->second.needed_size_bytes) problem("the small body of " + at->second.user + " is too short");
      result_.checked_size_bytes += body.size();
    });
  }

  void file_records() {
    each(Family::records, "f", [&](std::string_view key, std::string_view value) {
      BlobId id = Decoder(key).ordered();
      FileRecord file = decode_file(value);
      result_.files++;
      auto at = blobs_.find(id);
      if (at == blobs_.end() || !at->second.file)
        return problem("file " + BlobFiles::path_of(id) + " belongs to nothing");
      at->second.present = true;
      if (auto damage = files_.damage(id, file))
        problem(BlobFiles::path_of(id) + " of " + at->second.user + ": " + *damage);
      check_form(at->second, file.sealed, file.size_bytes);
      if (file.size_bytes < at->second.needed_size_bytes)
        problem(BlobFiles::path_of(id) + " of " + at->second.user + " is too short");
      result_.checked_size_bytes += file.size_bytes;
    });
  }

  void references() {
    std::map<BlobId, uint64_t> counts;
    each(Family::records, "r", [&](std::string_view key, std::string_view value) {
      counts[Decoder(key).ordered()] = Decoder(value).varint();
    });
    for (const auto& [id, blob] : blobs_) {
      auto at = counts.find(id);
      uint64_t counted = at == counts.end() ? 1 : at->second;
      if (!blob.present) problem(blob.user + " lacks its body " + hex(id));
      if (counted != blob.uses) {
        problem("blob " + hex(id) + " of " + blob.user + " is used " + std::to_string(blob.uses) +
                " times but counted " + std::to_string(counted));
      }
      if (at != counts.end()) counts.erase(at);
    }
    for (const auto& [id, count] : counts) problem("blob " + hex(id) + " is counted but used by nothing");
  }

  // Files that no record names, and that wait for no removal, would never go away.
  void strays() {
    std::string stored;
    BlobId discarded_below = index_.get(Family::records, discarded_key, stored) ? Decoder(stored).varint() : 0;
    for (BlobId id : files_.all()) {
      if (id < discarded_below || index_.get(Family::records, file_key(id), stored)) continue;
      if (!index_.get(Family::records, removal_key(id), stored))
        problem(BlobFiles::path_of(id) + " is known to nothing");
    }
  }

  DataFolder folder_;
  BlobFiles files_;
  Index index_;
  std::map<BlobId, Blob> blobs_;
  std::set<BlobId> layouts_;
  Verification result_;
};

}  // namespace

Verification verify_local(const std::string& path) {
  return Check(path).run();
}

}  // namespace tarn::store
