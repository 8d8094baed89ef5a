#include "store/local_store.hpp"

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/coding.hpp"
#include "store/remote_blobs.hpp"

namespace tarn::store {
namespace {

constexpr uint64_t ids_reserved_at_once = 1 << 16;

// Few keys are erased one by one: ranges that pile up, reset after reset, would slow reading down.
void erase_all_keys(const Index& index, Batch& batch, Family family, std::string_view from, std::string_view to) {
  constexpr int few = 1000;
  int count = 0;
  auto cursor = index.cursor(family, to);
  for (bool at = cursor->seek(from); at && ++count <= few; at = cursor->next()) batch.erase(family, cursor->key());
  if (count > few) batch.erase_range(family, from, to);
}

}  // namespace

std::unique_ptr<Store> open_local(const std::string& path, Clock& clock, Random& random, Durability durability,
                                  KeyKeeper* keeper, AtRest at_rest) {
  return open_store(path, clock, random, durability, keeper, at_rest, {});
}

std::unique_ptr<Store> open_store(const std::string& path, Clock& clock, Random& random, Durability durability,
                                  KeyKeeper* keeper, AtRest at_rest, const RemoteBodies& remote) {
  return std::make_unique<LocalStore>(path, clock, random, durability, keeper, at_rest, remote);
}

LocalStore::LocalStore(const std::string& path, Clock& clock, Random& random, Durability durability, KeyKeeper* keeper,
                       AtRest at_rest, const RemoteBodies& remote)
    : clock_(clock),
      random_(random),
      folder_(path, DataFolder::Missing::create),
      index_(path + "/index", durability == Durability::flushed, folder_.is_new() ? Index::Age::fresh : Index::Age::old,
             [this, durability] { folder_.set_mark(durability == Durability::flushed); }),
      blobs_(open_blobs(path, durability == Durability::flushed, index_, remote, random.hex(32))),
      keys_(index_, keeper, random),
      at_rest_(at_rest) {
  std::string stored;
  if (index_.get(Family::records, next_id_key, stored)) reserved_id_ = Decoder(stored).varint();
  next_id_ = std::max<BlobId>(reserved_id_, 1);
  auto cursor = index_.cursor(Family::records, after_prefix(bucket_keys));
  for (bool at = cursor->seek(bucket_keys); at; at = cursor->next()) {
    BucketInfo bucket = decode_bucket(cursor->value());
    bucket.name = cursor->key().substr(bucket_keys.size());
    buckets_[bucket.name] = std::make_shared<const BucketInfo>(bucket);
  }
  recover_incoming();
  count_objects();
  reclaimer_ = std::make_unique<Reclaimer>(index_, *blobs_, *pins_);
}

LocalStore::~LocalStore() {
  reclaimer_.reset();
  if (counting_.joinable()) {
    counting_.request_stop();
    counting_.join();
  }
  if (!counted_) return;
  try {
    std::string counts;
    put_varint(counts, static_cast<uint64_t>(objects_.load()));
    put_varint(counts, static_cast<uint64_t>(size_bytes_.load()));
    Batch batch(index_);
    batch.put(Family::records, statistics_key, counts);
    index_.commit(batch);
  } catch (const Error& error) {
    log(LogLevel::warning, "the object counts could not be saved", Value::map({{"error", error.message()}}));
  }
}

void LocalStore::recover_incoming() {
  std::string record;
  Batch later(index_);
  for (BlobId id : blobs_->unsettled()) {
    if (index_.get(Family::records, file_key(id), record)) {
      blobs_->publish(id);
      continue;
    }
    try {
      blobs_->remove_unsettled(id);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::outside) throw;
      later.put(Family::records, removal_key(id), {});  // the reclaimer tries again
    }
  }
  if (!later.empty()) index_.commit(later);
}

void LocalStore::count_objects() {
  std::string stored;
  if (index_.get(Family::records, statistics_key, stored)) {
    Decoder in(stored);
    objects_ = static_cast<int64_t>(in.varint());
    size_bytes_ = static_cast<int64_t>(in.varint());
    counted_ = true;
    Batch batch(index_);
    batch.erase(Family::records, statistics_key);
    index_.commit(batch, true);
    return;
  }
  // The last close was none of ours: count what is there now, while changes count themselves.
  auto [first, second] = index_.cursors(Family::objects, Family::versions, {});
  std::shared_ptr<Cursor> latest = std::move(first), old = std::move(second);
  const bool any_latest = latest->seek(""), any_old = old->seek("");
  if (!any_latest && !any_old) {
    counted_ = true;
    return;
  }
  counting_ = std::jthread([this, latest, old, any_latest, any_old, resets = resets_.load()](std::stop_token stop) {
    int64_t objects = 0, size_bytes = 0;
    try {
      for (const auto& [cursor, any] : {std::pair(latest, any_latest), std::pair(old, any_old)}) {
        for (bool at = any; at && !stop.stop_requested(); at = cursor->next()) {
          ObjectInfo info = decode_for_listing(cursor->value());
          if (info.delete_marker) continue;
          objects++;
          size_bytes += static_cast<int64_t>(info.size_bytes);
        }
      }
    } catch (const Error& error) {
      log(LogLevel::error, "counting objects failed", Value::map({{"error", error.message()}}));
      return;
    }
    if (stop.stop_requested()) return;
    std::lock_guard lock(counting_mutex_);
    if (resets == resets_) {
      objects_ += objects;
      size_bytes_ += size_bytes;
    }
    counted_ = true;
    counting_done_.notify_all();
  });
}

StoreStatistics LocalStore::statistics() const {
  std::unique_lock lock(counting_mutex_);
  counting_done_.wait(lock, [&] { return counted_; });
  std::shared_lock buckets_lock(buckets_mutex_);
  return {buckets_.size(), static_cast<uint64_t>(std::max<int64_t>(objects_, 0)),
          static_cast<uint64_t>(std::max<int64_t>(size_bytes_, 0))};
}

BlobId LocalStore::new_id() {
  std::lock_guard lock(ids_mutex_);
  if (next_id_ >= reserved_id_) {
    // May go to disk late: whatever uses one of these ids goes there later still.
    std::string limit;
    put_varint(limit, next_id_ + ids_reserved_at_once);
    Batch batch(index_);
    batch.put(Family::records, next_id_key, limit);
    index_.commit(batch, true);
    reserved_id_ = next_id_ + ids_reserved_at_once;
  }
  return next_id_++;
}

void LocalStore::reset() {
  auto held = bucket_locks_.hold_all();
  BlobId below = new_id();
  Batch batch(index_);
  for (Family family : {Family::objects, Family::versions, Family::bodies}) {
    erase_all_keys(index_, batch, family, "", std::string(limits::max_key_size_bytes * 2, '\xff'));
  }
  for (std::string_view kind : {"b", "u", "p", "r", "f", "l", "n", "q", "e", "x"}) {
    erase_all_keys(index_, batch, Family::records, kind, after_prefix(kind));
  }
  std::string limit;
  put_varint(limit, below);
  batch.put(Family::records, discarded_key, limit);
  index_.commit(batch);
  outbox_.reset();
  {
    std::lock_guard lock(counting_mutex_);
    resets_++;
    objects_ = size_bytes_ = 0;
  }
  {
    std::unique_lock lock(buckets_mutex_);
    buckets_.clear();
  }
  reclaimer_->discarded(below);
}

}  // namespace tarn::store
