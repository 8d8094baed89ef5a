// Replicates objects between buckets of this store, in the background, by the events of the outbox: what was written
// before a crash is replicated after it. Bytes are shared, not copied.
#pragma once

#include <thread>

#include "base/clock.hpp"
#include "store/object_events.hpp"
#include "store/replication_rules.hpp"
#include "store/store.hpp"

namespace tarn::store {

class LocalStore;

// Of a version (empty id: the latest): "PENDING", "COMPLETED", "FAILED", "REPLICA"; empty: none. Thread-safe.
std::string replication_status(const Store& store, const Grant& grant, std::string_view bucket, std::string_view key,
                               std::string_view version_id);

class Replication {
 public:
  // Of a store whose backend keeps no outbox nothing is replicated. `grant` opens all buckets for writing. `store` must
  // outlive it.
  Replication(Store& store, Grant grant);
  ~Replication();

  // Begins to replicate, in a thread of its own.
  void start();

 private:
  void run(std::stop_token stop);
  bool read_some();
  void replicate(const ObjectEvent& event);
  bool copy_to(const ObjectEvent& event, const ObjectInfo& source, const ReplicationRules::Target& target);

  LocalStore* store_;  // nullptr: another backend
  Grant grant_;
  std::jthread worker_;
};

}  // namespace tarn::store
