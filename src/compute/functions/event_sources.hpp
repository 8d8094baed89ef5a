// Event source mappings: queues whose messages functions are invoked with ("Using Lambda with Amazon SQS").
//
// A mapping receives messages, batch by batch, as the function's role, leaves out and deletes those that its filters do
// not let through, invokes the function, and deletes what it took. Messages of a batch that failed come back when their
// visibility timeout is over. So many batches at once as its MaximumConcurrency says. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/lambda.hpp"
#include "api/operations.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/invoker.hpp"
#include "govern/identities.hpp"

namespace tarn::compute {

// All outlive the EventSources.
struct EventSourceParts {
  Functions& functions;
  Invoker& invoker;
  api::Operations& operations;
  meta::Metadata& metadata;
  govern::Identities& identities;
  Clock& clock;
  Random& random;
};

using EventSourceMapping = lambda::EventSourceMappingConfiguration;

class EventSources {
 public:
  explicit EventSources(EventSourceParts parts);
  ~EventSources();
  EventSources(const EventSources&) = delete;

  // Mappings that are enabled begin to receive.
  void start();
  // No mapping receives any more; what was received and not deleted comes back to its queue.
  void stop();
  // The same, and until the lock goes whoever changes a mapping waits.
  [[nodiscard]] std::unique_lock<std::mutex> hold();

  EventSourceMapping create(const Scope& scope, const lambda::CreateEventSourceMappingRequest& in);
  EventSourceMapping update(const Scope& scope, const lambda::UpdateEventSourceMappingRequest& in);
  EventSourceMapping remove(const Scope& scope, const std::string& uuid);
  EventSourceMapping get(const Scope& scope, const std::string& uuid) const;
  Tags tags(const Scope& scope, const std::string& uuid) const;
  void set_tags(const Scope& scope, const std::string& uuid, const std::function<void(Tags&)>& change);
  MarkedPage<EventSourceMapping> list(const Scope& scope, const std::optional<std::string>& source_arn,
                                      const std::optional<FunctionName>& function, const MarkedPageRequest& page) const;

 private:
  class Poller;
  void check(const Scope& scope, const EventSourceMapping& mapping) const;
  void restart(const std::string& key, const std::optional<EventSourceMapping>& mapping);
  void note_result(const std::string& key, const std::string& result);

  EventSourceParts parts_;
  std::mutex changing_;                                     // held while a mapping is changed, and by hold()
  std::map<std::string, std::unique_ptr<Poller>> pollers_;  // by the mapping's key
  bool started_ = false;
};

}  // namespace tarn::compute
