// The outbox of the store: what happened to objects, written in the same atomic batch as the change itself and kept
// until its readers have acknowledged it. Nothing is written for a bucket whose settings ask for nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/value.hpp"

namespace tarn::store {

struct ObjectEvent {
  uint64_t number = 0;  // rises with every event of the store
  std::string name;     // "ObjectCreated:Put", as AWS names it, without "s3:"
  Time time;
  std::string bucket, bucket_account, region;
  std::string key, version_id, etag;  // version_id is empty in a bucket that never had versions
  uint64_t size_bytes = 0;
  uint64_t sequencer = 0;                        // rises with every change of the same key
  std::string principal, source_ip, request_id;  // of the request that made the change: "AWS:AROA…:session"
  std::string detail;                            // a lifecycle transition's storage class
};

// Who reads. Each event is kept for those that its bucket's settings ask for, apart.
enum class EventReader { notifications, replication };

// Thread-safe. An event stays readable until it is acknowledged, over restarts too, so each is delivered at least once.
// No more than limits::max_unread_object_events are kept for a reader: the oldest go, and the log says so.
class ObjectEvents {
 public:
  virtual ~ObjectEvents() = default;
  // Those after number `after`, oldest first.
  virtual std::vector<ObjectEvent> read(EventReader reader, uint64_t after, std::size_t limit) const = 0;
  virtual void acknowledge(EventReader reader, const std::vector<uint64_t>& numbers) = 0;
  // Blocks until an event came that was not there at the last call of the same reader, for at most so long, or until
  // `stop`.
  virtual void wait(EventReader reader, std::chrono::milliseconds at_most, std::stop_token stop) = 0;
};

class Store;
// The outbox of a store; nullptr: its backend keeps none.
ObjectEvents* events_of(Store& store);

}  // namespace tarn::store
