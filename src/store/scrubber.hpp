// Reads every body again, slowly, and compares it with its checksums, so that rot is found while there is still a copy
// somewhere to restore from. It changes nothing; what to do is `tarn store repair`'s (repair.hpp) and the operator's.
//
// One pass reads what was there at its start, each body once, from the medium and not from the page cache; the next
// begins limits::scrub_interval_h later, by tarn's clock. Where it stands is kept in the index, so that a pass goes on
// after a restart. It reads no more than its rate, at idle priority.
//
// A damaged body is logged at once, kept as a record in the index until it is gone (`tarn store verify`, `tarn
// status`), and counted in the metrics tarn_store_scrub_*.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "store/store.hpp"

namespace tarn::store {

class LocalStore;
using BlobId = uint64_t;
struct ScrubProgress;

struct ScrubState {
  bool under_way = false;
  uint64_t blobs = 0, size_bytes = 0;  // read by the pass that is under way, or by the last one
  std::optional<Time> last_full_pass;  // when it ended
  std::vector<std::string> damage;     // what was found and is still there, a sentence each
};

class Scrubber {
 public:
  // Reads at most `rate_bytes_per_s`; 0: start() begins nothing. Absent: limits::default_scrub_rate_bytes_per_s, but 0
  // for bodies on another's S3, which looks after them itself. Of a store that is none of open_local()'s nothing is
  // read either. All that is passed must outlive it.
  Scrubber(Store& store, Clock& clock, Metrics& metrics, std::optional<uint64_t> rate_bytes_per_s);
  ~Scrubber();

  // Begins to run by the clock, in a thread of its own.
  void start();
  // Reads on to the end of the pass that is under way, or makes a new one. False when it was stopped before. One thread
  // at a time.
  bool run_once(std::stop_token stop = {});
  // Thread-safe.
  ScrubState state() const;

 private:
  void run(std::stop_token stop);
  bool visit_files(ScrubProgress& progress, std::stop_token stop);
  bool visit_small_bodies(ScrubProgress& progress, std::stop_token stop);
  // Waits until so many more bytes fit the rate; false when stopped.
  bool pace(uint64_t size_bytes, std::stop_token stop);
  void read(ScrubProgress& progress, BlobId id, uint64_t size_bytes);
  void damaged(ScrubProgress& progress, BlobId id, std::string where, std::string why);
  void name_users();
  void save(const ScrubProgress& progress);

  LocalStore* store_;
  Clock& clock_;
  uint64_t rate_bytes_per_s_;
  Counter& blobs_;
  Counter& bytes_;
  Counter& damaged_;
  std::atomic<int64_t> last_full_pass_s_ = 0;
  std::atomic<bool> under_way_ = false;
  std::map<BlobId, std::string> unnamed_;  // damage whose users are not looked for yet
  std::chrono::steady_clock::time_point due_, named_;
  uint64_t unsaved_bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread worker_;
};

}  // namespace tarn::store
