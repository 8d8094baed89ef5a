// Delivers the server access logs of buckets into their target buckets.
//
// Lines are gathered in memory and written as one object a source bucket once a minute by tarn's clock, earlier when
// they are many: by best effort, as S3 does it, so what was not yet written is lost with the process.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "gateway/http/access_log.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// Thread-safe.
class AccessLogs {
 public:
  // `grant` opens all buckets for writing. All that is passed must outlive it.
  AccessLogs(store::Store& store, store::Grant grant, Clock& clock, Random& random);
  ~AccessLogs();  // stops

  // Keeps the line of a request to a bucket that is logged.
  void note(const AccessRecord& record);
  // Begins to deliver, in a thread of its own.
  void start();
  // Delivers what is left and ends.
  void stop();
  // Forgets what is left.
  void reset();

 private:
  // The lines of one object: of one source bucket and, where the target's keys name the day of the events, one day.
  struct Lines {
    std::string bucket;
    Time first;
    std::string text;
  };
  void run(std::stop_token stop);
  void deliver_all();
  void deliver(const Lines& lines);

  store::Store& store_;
  store::Grant grant_;
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Lines> lines_;  // by bucket and day
  std::condition_variable_any wake_;
  Time due_;  // of the lines that are kept
  std::size_t kept_size_bytes_ = 0;
  uint64_t dropped_ = 0;
  std::jthread worker_;
};

}  // namespace tarn::gateway::s3
