#include "store/repair.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/json.hpp"
#include "store/blob_files.hpp"
#include "store/check.hpp"
#include "store/coding.hpp"
#include "store/data_folder.hpp"
#include "store/index_repair.hpp"
#include "store/remote_blobs.hpp"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* fallback_account = "000000000000";
constexpr const char* fallback_region = "us-east-1";
constexpr uint64_t ids_left_out = 1 << 16;
constexpr int max_rounds = 4;  // what one mends may show what stood behind it

std::string count(uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

LostObject told(const LostVersion& v) {
  LostObject out{v.bucket, v.key, v.version_id, v.latest, v.size_bytes, v.etag, {}, v.why};
  if (v.last_modified != Time{}) out.last_modified = v.last_modified;
  return out;
}

void flush_folder(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) throw_storage_error("flushing the data folder", errno);
}

class Repair {
 public:
  Repair(const std::string& path, Clock& clock, const RepairOptions& options, const RemoteBodies& remote)
      : path_(path),
        options_(options),
        remote_(remote),
        stamp_(format_basic_iso8601(clock.now())),
        folder_(path, DataFolder::Missing::refuse) {}

  RepairReport run() {
    mend_index_files();
    {
      Index index(index_path_, options_.apply);
      const std::unique_ptr<Blobs> blobs = open_blobs(path_, true, index, remote_, "");
      if (options_.apply) settle_unfinished(index, *blobs);
      Findings found = check_store(index, *blobs, true);
      report_.problems.insert(report_.problems.end(), found.verification.problems.begin(),
                              found.verification.problems.end());
      for (const LostVersion& lost : found.lost) report_.lost.push_back(told(lost));
      report_.lost_parts = found.lost_parts.size();
      if (options_.apply)
        apply(index, *blobs, std::move(found));
      else
        plan(found);
    }
    if (!options_.apply && index_path_ != path_ + "/index") fs::remove_all(index_path_);
    return std::move(report_);
  }

 private:
  // ---- the files of the index

  void mend_index_files() {
    index_path_ = path_ + "/index";
    const auto damage = fs::is_directory(index_path_) ? index_damage(index_path_) : "there is no index";
    if (!damage) return;
    report_.problems.push_back("the object index is damaged: " + *damage);
    const std::string made = path_ + "/index.repaired";
    const Salvage salvage = salvage_index(index_path_, made);
    report_.records_kept = salvage.kept;
    for (const auto& [family, key] : salvage.lost) lose(family, key);
    for (const std::string& passed : salvage.passed_over) report_.problems.push_back("the object index: " + passed);
    const std::string aside = "index.damaged-" + stamp_;
    report_.done.push_back("a new index of " + count(salvage.kept, "record") + "; the damaged one is kept as " + aside);
    if (!options_.apply) {
      index_path_ = made;
      return;
    }
    fs::rename(index_path_, path_ + "/" + aside);
    fs::rename(made, index_path_);
    flush_folder(path_);
  }

  // A record that stood in a damaged block.
  void lose(Family family, const std::string& key) {
    const std::size_t zero = key.find('\0');
    const std::size_t tail = family == Family::versions ? 1 + sizeof(uint64_t) : 0;
    if ((family == Family::objects || family == Family::versions) && zero != key.npos && key.size() > zero + 1 + tail) {
      LostObject lost;
      lost.bucket = key.substr(0, zero);
      lost.key = key.substr(zero + 1, key.size() - zero - 1 - tail);
      lost.latest = family == Family::objects;
      lost.why = "its record stood in a damaged block of the index";
      report_.lost.push_back(std::move(lost));
    } else {
      report_.problems.push_back("a record of the index is lost with its block" +
                                 (family == Family::bodies ? std::string(": a small body") : std::string()));
    }
  }

  // As opening the store does.
  static void settle_unfinished(const Index& index, Blobs& blobs) {
    std::string stored;
    for (BlobId id : blobs.unsettled()) {
      if (index.get(Family::records, file_key(id), stored))
        blobs.publish(id);
      else
        blobs.remove_unsettled(id);
    }
  }

  // ---- telling

  void plan(const Findings& found) {
    tell(found);
    if (!report_.lost.empty() || report_.lost_parts > 0)
      report_.left.push_back(count(found.lost.size(), "version") + " and " + count(found.lost_parts.size(), "part") +
                             " of uploads can't be had back");
  }

  void tell(const Findings& f) {
    auto say = [&](std::size_t n, const std::string& what, const std::string& then) {
      if (n > 0) report_.done.push_back(count(n, what) + " " + then);
    };
    const std::string away = options_.remove_orphans ? "removed" : "put aside into aside/";
    say(f.right_counts.size(), "count", "of the uses of a body made right");
    say(f.unused_bodies.size(), "small body without an object", "removed");
    say(f.unused_files.size(), "blob that nothing uses", away);
    say(f.strays.size(), "blob without a record", away);
    say(f.unused_layouts.size(), "list of extents that belongs to nothing", "removed");
    say(f.unrecorded_files.size(), "record of a blob that is whole", "written again");
    say(f.right_nulls.size(), "place of a null version", "made right");
    say(f.headless.size(), "latest version", "put back in its place");
    say(f.orphans.size(), "part without an upload", "removed");
    say(f.lost_buckets.size(), "bucket", "made again, without settings");
  }

  // ---- doing

  void apply(Index& index, Blobs& blobs, Findings found) {
    bool read_whole = true;
    if (options_.drop_corrupt && !(report_.lost.empty() && found.lost_parts.empty() && found.unreadable.empty())) {
      write_report(found);
      drop(index, found);
      found = check_store(index, blobs, read_whole = false);
    }
    for (int round = 0; found.has_structural() && round < max_rounds; round++) {
      tell(found);
      mend(index, blobs, found);
      found = check_store(index, blobs, read_whole = false);
    }
    raise_next_id(index, found.highest_id);
    // What was read once is not read again: what is lost and was not dropped is wrong still.
    report_.left = std::move(found.verification.problems);
    if (!options_.drop_corrupt && !read_whole)
      for (const LostObject& l : report_.lost) report_.left.push_back("s3://" + l.bucket + "/" + l.key + ": " + l.why);
  }

  // Before anything is dropped, so that it is known whatever happens then.
  void write_report(const Findings& found) {
    Value lost = Value::list();
    for (const LostObject& l : report_.lost) {
      Value entry = Value::map({{"Bucket", l.bucket}, {"Key", l.key}, {"IsLatest", l.latest}, {"Why", l.why}});
      if (!l.version_id.empty()) entry.set("VersionId", l.version_id);
      if (l.last_modified) {
        entry.set("Size", l.size_bytes);
        entry.set("ETag", l.etag);
        entry.set("LastModified", format_iso8601(*l.last_modified));
      }
      lost.push_back(std::move(entry));
    }
    Value parts = Value::list();
    for (const LostPart& p : found.lost_parts)
      parts.push_back(Value::map({{"UploadId", p.upload_id}, {"PartNumber", p.number}, {"Why", p.why}}));
    const std::string name = "lost-" + stamp_ + ".json", path = path_ + "/" + name;
    const std::string text = to_pretty_json(Value::map({{"Versions", lost}, {"Parts", parts}})) + "\n";
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.get()) != 0)
      throw_storage_error("writing " + path, errno);
    flush_folder(path_);
    report_.report_file = name;
  }

  void drop(Index& index, const Findings& found) {
    Batch batch(index);
    std::string stored;
    for (const LostVersion& lost : found.lost) {
      batch.erase(lost.family, lost.record_key);
      if (lost.family == Family::versions && lost.version_id == "null")
        batch.erase(Family::records, null_version_key(lost.bucket, lost.key));
    }
    for (const LostPart& part : found.lost_parts) batch.erase(Family::records, part_key(part.upload_id, part.number));
    for (const auto& [family, key] : found.unreadable) batch.erase(family, key);
    index.commit(batch);
    report_.done.push_back(count(found.lost.size(), "lost version") + " and " + count(found.lost_parts.size(), "part") +
                           " of uploads taken out; " + report_.report_file + " names them");
  }

  void mend(Index& index, Blobs& blobs, const Findings& f) {
    Batch batch(index);
    for (const auto& [id, uses] : f.right_counts) {
      std::string value;
      put_varint(value, uses);
      if (uses > 1)
        batch.put(Family::records, references_key(id), value);
      else
        batch.erase(Family::records, references_key(id));
    }
    for (BlobId id : f.unused_bodies) batch.erase(Family::bodies, body_key(id));
    for (BlobId id : f.unused_files) batch.erase(Family::records, file_key(id));
    for (BlobId id : f.unused_layouts) batch.erase(Family::records, layout_key(id));
    for (const auto& [id, file] : f.unrecorded_files) batch.put(Family::records, file_key(id), encode(file));
    for (const auto& [key, sequence] : f.right_nulls) {
      std::string value;
      if (sequence) put_varint(value, *sequence);
      if (sequence)
        batch.put(Family::records, "n" + key, value);
      else
        batch.erase(Family::records, "n" + key);
    }
    for (const std::string& key : f.orphans) batch.erase(Family::records, key);
    for (const std::string& key : f.headless) promote(index, batch, key);
    make_buckets(index, batch, f.lost_buckets);
    batch.erase(Family::records, statistics_key);  // the next opening counts
    index.commit(batch);
    for (const auto& ids : {f.unused_files, f.strays}) take_away(blobs, ids);
  }

  void take_away(Blobs& blobs, const std::vector<BlobId>& ids) const {
    for (BlobId id : ids) {
      if (blobs.size_of(id) == 0) continue;
      if (options_.remove_orphans)
        blobs.remove(id);
      else
        blobs.put_aside(id);
    }
    blobs.flush_removals(ids);
  }

  // The newest of the old versions becomes the object.
  static void promote(const Index& index, Batch& batch, const std::string& key) {
    const std::string first = key + '\0';
    auto cursor = index.cursor(Family::versions, after_prefix(first));
    if (!cursor->seek(first)) return;
    batch.put(Family::objects, key, cursor->value());
    const bool null = decode_object(cursor->value()).info.version_id == "null";
    batch.erase(Family::versions, cursor->key());
    if (null) batch.erase(Family::records, "n" + key);
  }

  // Of the account and region of another bucket, if there is one.
  void make_buckets(const Index& index, Batch& batch, const std::set<std::string>& names) {
    if (names.empty()) return;
    BucketInfo info;
    info.account = fallback_account;
    info.region = fallback_region;
    auto cursor = index.cursor(Family::records, after_prefix(bucket_keys));
    if (cursor->seek(bucket_keys)) {
      const BucketInfo other = decode_bucket(cursor->value());
      info.account = other.account;
      info.region = other.region;
    }
    for (const std::string& name : names) {
      info.name = name;
      // Its old versions stay what they are only where it keeps versions.
      const std::string versions = object_key(name, "");
      if (index.cursor(Family::versions, after_prefix(versions))->seek(versions))
        info.settings["versioning"] = Value::map({{"Status", "Enabled"}});
      batch.put(Family::records, bucket_key(name), encode(info));
      info.settings.clear();
    }
  }

  // Ids are never given twice, also where the index forgot that it had given them.
  void raise_next_id(Index& index, BlobId highest) {
    std::string stored;
    const BlobId next = index.get(Family::records, next_id_key, stored) ? Decoder(stored).varint() : 0;
    if (highest < next) return;
    std::string value;
    put_varint(value, highest + ids_left_out);
    Batch batch(index);
    batch.put(Family::records, next_id_key, value);
    index.commit(batch);
    report_.done.push_back("the next id set behind all that are in use");
  }

  std::string path_;
  RepairOptions options_;
  const RemoteBodies& remote_;
  std::string stamp_;
  DataFolder folder_;
  std::string index_path_;
  RepairReport report_;
};

}  // namespace

RepairReport repair_local(const std::string& path, Clock& clock, const RepairOptions& options,
                          const RemoteBodies& remote) {
  return Repair(path, clock, options, remote).run();
}

}  // namespace tarn::store
