#include "store/local_store.hpp"

namespace tarn::store {
namespace {

// All versions in order: by key, the latest first.
class VersionWalk {
 public:
  VersionWalk(std::string_view bucket, Cursor& objects, Cursor& versions)
      : bucket_(bucket), objects_(objects), versions_(versions) {}

  // `from` is a key of the index.
  void seek(std::string_view from) {
    at_object_ = objects_.seek(from);
    at_version_ = versions_.seek(from);
    seen_.clear();
  }
  void seek_behind_version(std::string_view key, uint64_t sequence) {
    at_object_ = objects_.seek(object_key(bucket_, key));
    // The object is newer than all others: it is behind only where those before were removed meanwhile.
    uint64_t newest = 0;
    if (at_object_ && object() == key) {
      uint64_t its = decode_object(objects_.value()).sequence;
      if (its >= sequence) {
        newest = its;
        at_object_ = objects_.next();
      }
    }
    at_version_ = versions_.seek(version_keys(bucket_, key));
    if (at_version_ && version().key == key) newest = std::max(newest, version().sequence);
    if (sequence != UINT64_MAX) at_version_ = versions_.seek(version_key(bucket_, key, sequence - 1));
    seen_ = newest >= sequence ? std::string(key) : std::string();
  }

  bool valid() const { return at_object_ || at_version_; }
  std::string_view key() const { return is_object() ? object() : version().key; }
  ObjectInfo info() const {
    ObjectInfo info = decode_for_listing((is_object() ? objects_ : versions_).value());
    info.key = key();
    info.latest = info.key != seen_;
    return info;
  }
  void next() {
    seen_ = key();
    if (is_object()) {
      at_object_ = objects_.next();
    } else {
      at_version_ = versions_.next();
    }
  }

 private:
  bool is_object() const { return at_object_ && (!at_version_ || object() <= version().key); }
  std::string_view object() const { return objects_.key().substr(bucket_.size() + 1); }
  VersionKey version() const { return split_version_key(bucket_, versions_.key()); }

  std::string_view bucket_;
  Cursor &objects_, &versions_;
  bool at_object_ = false, at_version_ = false;
  std::string seen_;  // the key whose latest version was given
};

}  // namespace

Listing LocalStore::list(const Grant& grant, std::string_view bucket_name, std::string_view prefix,
                         std::string_view delimiter, std::string_view after, std::size_t limit) const {
  require(grant, Access::read, bucket_name, prefix);
  bucket(bucket_name);
  Listing listing;
  if (limit == 0) return listing;

  const std::size_t key_at = bucket_name.size() + 1;  // where the object's key begins in the index's
  const std::string first = object_key(bucket_name, prefix);
  // The common prefix that `key` belongs under; empty when it is listed itself.
  auto group_of = [&](std::string_view key) -> std::string_view {
    if (delimiter.empty() || !key.starts_with(prefix)) return {};
    std::size_t at = key.find(delimiter, prefix.size());
    return at == key.npos ? std::string_view() : key.substr(0, at + delimiter.size());
  };

  std::string from = first;
  if (!after.empty()) {
    // Going on behind a common prefix means behind all of its keys.
    std::string behind = object_key(bucket_name, after);
    behind = group_of(after) == after ? after_prefix(behind) : behind + '\0';
    from = std::max(from, behind);
  }
  auto cursor = index_.cursor(Family::objects, after_prefix(first));
  for (bool at = cursor->seek(from); at;) {
    if (listing.objects.size() + listing.prefixes.size() == limit) {
      listing.truncated = true;
      break;
    }
    std::string_view key = cursor->key().substr(key_at);
    if (std::string_view group = group_of(key); !group.empty()) {
      listing.next = listing.prefixes.emplace_back(group);
      at = cursor->seek(after_prefix(object_key(bucket_name, group)));
      continue;
    }
    ObjectInfo& info = listing.objects.emplace_back(decode_for_listing(cursor->value()));
    info.key = key;
    at = cursor->next();
  }
  if (!listing.objects.empty()) listing.next = std::max(listing.next, listing.objects.back().key);
  return listing;
}

// Both families are walked side by side, as they were at one moment; of a key, the record among the objects comes
// first.
VersionListing LocalStore::list_versions(const Grant& grant, std::string_view bucket_name, std::string_view prefix,
                                         std::string_view delimiter, std::string_view after_key,
                                         std::string_view after_version_id, std::size_t limit) const {
  require(grant, Access::read, bucket_name, prefix);
  bucket(bucket_name);
  VersionListing listing;
  if (limit == 0) return listing;
  const std::string first = object_key(bucket_name, prefix);
  auto [objects, versions] = index_.cursors(Family::objects, Family::versions, after_prefix(first));
  VersionWalk walk(bucket_name, *objects, *versions);

  auto group_of = [&](std::string_view key) -> std::string_view {
    if (delimiter.empty() || !key.starts_with(prefix)) return {};
    std::size_t at = key.find(delimiter, prefix.size());
    return at == key.npos ? std::string_view() : key.substr(0, at + delimiter.size());
  };
  std::optional<uint64_t> after_sequence = sequence_of(after_version_id);
  if (after_version_id == "null") {
    auto object = find_object(bucket_name, after_key);
    const bool is_null = object && object->info.version_id == "null";
    after_sequence = is_null ? object->sequence : find_null_version(bucket_name, after_key);
  }
  if (after_key < prefix) {
    walk.seek(first);
  } else if (!after_version_id.empty() && group_of(after_key) != after_key) {
    // A version that is gone and whose place can't be told: all of its key's are given again.
    walk.seek_behind_version(after_key, after_sequence.value_or(UINT64_MAX));
  } else {
    std::string behind = object_key(bucket_name, after_key);
    walk.seek(group_of(after_key) == after_key && !after_key.empty() ? after_prefix(behind) : behind + '\1');
  }
  while (walk.valid()) {
    if (listing.versions.size() + listing.prefixes.size() == limit) {
      listing.truncated = true;
      break;
    }
    if (std::string_view group = group_of(walk.key()); !group.empty()) {
      listing.next_key = listing.prefixes.emplace_back(group);
      listing.next_version_id.clear();
      walk.seek(after_prefix(object_key(bucket_name, listing.next_key)));
      continue;
    }
    ObjectInfo& info = listing.versions.emplace_back(walk.info());
    listing.next_key = info.key;
    listing.next_version_id = info.version_id;
    walk.next();
  }
  return listing;
}

}  // namespace tarn::store
