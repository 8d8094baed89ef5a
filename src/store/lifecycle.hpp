// Carries out the lifecycle configurations of buckets: objects and old versions expire or move to another storage class
// (as a record: the bytes stay where they are), uploads that were never completed are aborted.
//
// Once a day, at midnight UTC of tarn's clock, and once at the start for what was due meanwhile. It works in pages, so
// it holds no bucket in memory, and needs no state of its own: what a crash interrupts, the next pass does.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "store/lifecycle_rules.hpp"
#include "store/store.hpp"

namespace tarn::store {

class Lifecycle {
 public:
  // `grant` opens all buckets for writing. All that is passed must outlive it.
  Lifecycle(Store& store, Grant grant, Clock& clock);
  ~Lifecycle();

  // Begins to run by the clock, in a thread of its own.
  void start();

  struct Pass {
    uint64_t versions = 0, expired = 0, transitions = 0, aborted_uploads = 0;
  };
  // One pass over all buckets, now. What can't be removed (object lock) is left. Thread-safe.
  Pass run_once(std::stop_token stop = {});

 private:
  void run(std::stop_token stop);
  void visit(const BucketInfo& bucket, std::stop_token stop, Pass& pass);
  void visit_uploads(const std::string& bucket, const LifecycleRules& rules, std::stop_token stop, Pass& pass);

  Store& store_;
  Grant grant_;
  Clock& clock_;
  std::mutex running_;
  std::jthread worker_;
};

}  // namespace tarn::store
