// Delivers the events of objects to what the buckets' notification configurations name ("Amazon S3 Event
// Notifications").
//
// A service that takes events registers an EventDestination under its ARNs' name ("sqs", "sns", "lambda", "events"). An
// event is delivered at least once, in the order of its changes as long as its destination takes it; a destination that
// fails is tried again, later and later, without holding up the others, and given up after a day.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "store/notification_rules.hpp"
#include "store/object_events.hpp"
#include "store/store.hpp"

namespace tarn::store {

// Thread-safe.
class EventDestination {
 public:
  virtual ~EventDestination() = default;
  // Why `arn` can't take the events of `bucket`, in AWS's words ("The destination queue does not exist", "Permissions
  // on the destination queue do not allow S3 to publish notifications from this bucket"). Absent: it can.
  virtual std::optional<std::string> refusal(const std::string& arn, const BucketInfo& bucket) = 0;
  // Takes one message, durably. Throws Error where it can't now; then the same message comes again. `message` is S3's
  // event message {"Records":[…]}, or for "events" an entry of PutEvents: {"Source", "DetailType", "Detail", …}.
  virtual void deliver(const std::string& arn, const BucketInfo& bucket, const std::string& message) = 0;
};

// Event messages, as JSON text.
std::string event_message(const ObjectEvent& event, std::string_view configuration_id);
std::string event_bus_entry(const ObjectEvent& event);
std::string test_message(const BucketInfo& bucket, Time now, std::string_view request_id);

class Notifications {
 public:
  // `events` is the outbox of `store`; nullptr where its backend keeps none: then nothing can be configured. Both must
  // outlive it.
  Notifications(const Store& store, ObjectEvents* events, Clock& clock);
  ~Notifications();

  // Before start(). `destination` must outlive it.
  void add(std::string service, EventDestination& destination);
  // Begins to deliver, in a thread of its own.
  void start();
  // Returns when nothing is being delivered any more.
  void stop();

  // Why events of `bucket` can't go to `arn`; absent: they can. A service that nobody registered takes none.
  std::optional<std::string> refusal(const std::string& arn, const BucketInfo& bucket) const;
  // The message that S3 sends to each destination of a new configuration. Throws what the destination throws.
  void send_test(const std::string& arn, const BucketInfo& bucket, std::string_view request_id);

 private:
  // An event that a destination has yet to take.
  struct Waiting {
    ObjectEvent event;
    std::vector<NotificationRule> rules;  // whose destinations did not take it; the event bus stands among them
    int attempts = 0;
    std::chrono::steady_clock::time_point due;
  };

  EventDestination* destination_of(std::string_view arn) const;
  void run(std::stop_token stop);
  // Takes up new events; false when there were none.
  bool read_some();
  void retry_due();
  // Leaves in `waiting.rules` those whose destinations did not take it. True: none is left.
  bool deliver(Waiting& waiting);

  const Store& store_;
  ObjectEvents* events_;
  Clock& clock_;
  std::map<std::string, EventDestination*, std::less<>> destinations_;
  uint64_t read_to_ = 0;
  std::vector<Waiting> waiting_;
  std::jthread worker_;
};

}  // namespace tarn::store
