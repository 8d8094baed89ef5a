#include "base/error.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

void LocalStore::create_bucket(const BucketInfo& info) {
  auto held = bucket_locks_.hold({bucket_locks_.exclusive(info.name)});
  if (auto present = find_bucket(info.name)) {
    if (present->account == info.account) {
      throw Error(ErrorKind::conflict, "BucketAlreadyOwnedByYou",
                  "Your previous request to create the named bucket succeeded and you already own it.")
          .with("BucketName", info.name);
    }
    throw Error(ErrorKind::conflict, "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                "system. Please select a "
                "different name and try again.")
        .with("BucketName", info.name);
  }
  blobs_->require_space();
  Batch batch(index_);
  batch.put(Family::records, bucket_key(info.name), encode(info));
  index_.commit(batch);
  std::unique_lock lock(buckets_mutex_);
  buckets_[info.name] = std::make_shared<const BucketInfo>(info);
}

bool LocalStore::bucket_is_empty(std::string_view name) const {
  std::string from = object_key(name, "");
  return !index_.cursor(Family::objects, after_prefix(from))->seek(from) &&
         !index_.cursor(Family::versions, after_prefix(from))->seek(from);
}

void LocalStore::delete_bucket(std::string_view name) {
  auto held = bucket_locks_.hold({bucket_locks_.exclusive(name)});
  bucket(name);
  if (!bucket_is_empty(name)) {
    throw Error(ErrorKind::conflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
        .with("BucketName", std::string(name));
  }
  Change change(*this);
  // Uploads that were never completed go with their bucket, as in S3.
  std::string uploads = upload_keys(name);
  auto cursor = index_.cursor(Family::records, after_prefix(uploads));
  for (bool at = cursor->seek(uploads); at; at = cursor->next()) {
    erase_upload(change, cursor->key().substr(cursor->key().rfind('\0') + 1), cursor->key());
  }
  change.batch().erase(Family::records, bucket_key(name));
  change.commit();
  std::unique_lock lock(buckets_mutex_);
  buckets_.erase(buckets_.find(name));
}

std::shared_ptr<const BucketInfo> LocalStore::bucket(std::string_view name) const {
  std::shared_lock lock(buckets_mutex_);
  auto at = buckets_.find(name);
  if (at == buckets_.end()) throw no_such_bucket(name);
  return at->second;
}

std::shared_ptr<const BucketInfo> LocalStore::find_bucket(std::string_view name) const {
  std::shared_lock lock(buckets_mutex_);
  auto at = buckets_.find(name);
  return at == buckets_.end() ? nullptr : at->second;
}

std::vector<BucketInfo> LocalStore::list_buckets(std::string_view account) const {
  std::shared_lock lock(buckets_mutex_);
  std::vector<BucketInfo> buckets;
  for (const auto& [name, info] : buckets_) {
    if (account.empty() || info->account == account) buckets.push_back(*info);
  }
  return buckets;
}

void LocalStore::change_bucket(std::string_view name, const std::function<void(BucketInfo&)>& change) {
  auto held = bucket_locks_.hold({bucket_locks_.exclusive(name)});
  auto changed = std::make_shared<BucketInfo>(*bucket(name));
  change(*changed);
  TARN_ASSERT(changed->name == name);
  Batch batch(index_);
  batch.put(Family::records, bucket_key(name), encode(*changed));
  index_.commit(batch);
  std::unique_lock lock(buckets_mutex_);
  buckets_[changed->name] = changed;
}

}  // namespace tarn::store
