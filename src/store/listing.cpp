#include "store/local_store.hpp"

namespace tarn::store {

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

}  // namespace tarn::store
