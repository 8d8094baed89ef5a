// Removes, in the background, the files of blobs that nothing refers to any more.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "store/blobs.hpp"
#include "store/index.hpp"
#include "store/locks.hpp"

namespace tarn::store {

// Blobs whose files must stay because a reader will open them. (A reader of one file holds it open instead, which needs
// no pin.) Thread-safe.
class Pins {
 public:
  void add(const std::vector<BlobId>& ids);
  void drop(const std::vector<BlobId>& ids);
  bool has(BlobId id) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<BlobId, int> counts_;
};

// Thread-safe.
class Reclaimer {
 public:
  // Takes up the removals that the index still holds.
  Reclaimer(Index& index, Blobs& blobs, Pins& pins);
  ~Reclaimer();

  // These stand in the index as removals.
  void removed(const std::vector<BlobId>& ids);
  // Files whose blob the index may or may not have taken in, because its commit failed: known once the index has
  // recovered.
  void doubtful(BlobId id);
  // All files of blobs below this id, as the index holds under discarded_key.
  void discarded(BlobId below);

 private:
  void run(std::stop_token stop);
  // Each does some of its work; false when it had none to do. `blocked`: some is left that can't be done yet.
  bool remove_some();
  bool discard(bool& blocked);
  bool settle_doubts();

  Index& index_;
  Blobs& blobs_;
  Pins& pins_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<BlobId> removals_;
  std::vector<BlobId> pinned_;
  std::vector<std::pair<BlobId, uint64_t>> doubts_;  // with the recoveries of the index when the doubt arose
  BlobId discard_below_ = 0;
  std::jthread worker_;
};

}  // namespace tarn::store
