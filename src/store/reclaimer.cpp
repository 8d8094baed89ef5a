#include "store/reclaimer.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "store/coding.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t batch_size = 256;
// Pinned files, doubts and failures are looked at again after this long; what fails again, ever later.
constexpr auto retry_interval = std::chrono::seconds(1), longest_retry_interval = std::chrono::seconds(64);

}  // namespace

void Pins::add(const std::vector<BlobId>& ids) {
  std::lock_guard lock(mutex_);
  for (BlobId id : ids) counts_[id]++;
}

void Pins::drop(const std::vector<BlobId>& ids) {
  std::lock_guard lock(mutex_);
  for (BlobId id : ids) {
    auto at = counts_.find(id);
    TARN_ASSERT(at != counts_.end());
    if (--at->second == 0) counts_.erase(at);
  }
}

bool Pins::has(BlobId id) const {
  std::lock_guard lock(mutex_);
  return counts_.contains(id);
}

Reclaimer::Reclaimer(Index& index, Blobs& blobs, Pins& pins) : index_(index), blobs_(blobs), pins_(pins) {
  auto cursor = index_.cursor(Family::records, after_prefix(removal_keys));
  for (bool at = cursor->seek(removal_keys); at; at = cursor->next()) {
    removals_.push_back(Decoder(cursor->key().substr(removal_keys.size())).ordered());
  }
  std::string below;
  if (index_.get(Family::records, discarded_key, below)) discard_below_ = Decoder(below).varint();
  worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Reclaimer::~Reclaimer() {
  worker_.request_stop();
  worker_.join();
}

void Reclaimer::removed(const std::vector<BlobId>& ids) {
  if (ids.empty()) return;
  std::lock_guard lock(mutex_);
  removals_.insert(removals_.end(), ids.begin(), ids.end());
  changed_.notify_all();
}

void Reclaimer::doubtful(BlobId id) {
  std::lock_guard lock(mutex_);
  doubts_.emplace_back(id, index_.recoveries());
}

void Reclaimer::discarded(BlobId below) {
  std::lock_guard lock(mutex_);
  discard_below_ = std::max(discard_below_, below);
  changed_.notify_all();
}

void Reclaimer::run(std::stop_token stop) {
  auto pause = retry_interval;
  while (!stop.stop_requested()) {
    bool worked = false, blocked = false;
    try {
      worked = discard(blocked) || remove_some() || settle_doubts();
      pause = retry_interval;
    } catch (const Error& error) {
      blocked = true;
      pause = std::min(pause * 2, longest_retry_interval);
      log(LogLevel::warning, "reclaiming space failed, will be tried again", Value::map({{"error", error.message()}}));
    }
    if (worked) continue;
    std::unique_lock lock(mutex_);
    auto wanted = [&] { return !removals_.empty() || discard_below_ != 0; };
    if (blocked) {
      changed_.wait_for(lock, stop, pause, [] { return false; });
    } else if (!pinned_.empty() || !doubts_.empty()) {
      changed_.wait_for(lock, stop, retry_interval, wanted);
    } else {
      changed_.wait(lock, stop, wanted);
    }
    removals_.insert(removals_.end(), pinned_.begin(), pinned_.end());
    pinned_.clear();
  }
}

bool Reclaimer::remove_some() {
  std::vector<BlobId> ids;
  {
    std::lock_guard lock(mutex_);
    while (!removals_.empty() && ids.size() < batch_size) {
      BlobId id = removals_.front();
      removals_.pop_front();
      (pins_.has(id) ? pinned_ : ids).push_back(id);
    }
    if (ids.empty()) return false;
  }
  try {
    for (BlobId id : ids) blobs_.remove(id);
    blobs_.flush_removals(ids);
    Batch batch(index_);
    for (BlobId id : ids) batch.erase(Family::records, removal_key(id));
    index_.commit(batch, true);
  } catch (const Error&) {
    std::lock_guard lock(mutex_);
    removals_.insert(removals_.end(), ids.begin(), ids.end());
    throw;
  }
  return true;
}

bool Reclaimer::discard(bool& blocked) {
  BlobId below;
  {
    std::lock_guard lock(mutex_);
    below = discard_below_;
  }
  if (below == 0) return false;
  std::vector<BlobId> removed;
  for (BlobId id : blobs_.all()) {
    if (id >= below) continue;
    if (pins_.has(id)) {
      blocked = true;
    } else {
      blobs_.remove(id);
      removed.push_back(id);
    }
  }
  blobs_.flush_removals(removed);
  if (blocked) return false;
  std::lock_guard lock(mutex_);
  if (discard_below_ == below) {
    Batch batch(index_);
    batch.erase(Family::records, discarded_key);
    index_.commit(batch, true);
    discard_below_ = 0;
  }
  return true;
}

bool Reclaimer::settle_doubts() {
  std::vector<BlobId> settled;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(doubts_, [&](const auto& doubt) {
      if (doubt.second == index_.recoveries()) return false;
      settled.push_back(doubt.first);
      return true;
    });
  }
  std::string record;
  for (BlobId id : settled) {
    if (!index_.get(Family::records, file_key(id), record)) blobs_.remove_unsettled(id);
  }
  return !settled.empty();
}

}  // namespace tarn::store
