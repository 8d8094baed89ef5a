// One event source mapping at work: receives from its queue, invokes its function, deletes what was taken.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/lambda.hpp"
#include "api/operations.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/invoker.hpp"
#include "compute/functions/queue_batch.hpp"
#include "govern/identities.hpp"

namespace tarn::compute {

// The VisibilityTimeout of a queue. InvalidParameterValueException when it is not there.
int64_t queue_visibility_timeout_s(api::Operations& operations, Clock& clock, Random& random, const std::string& arn);

struct QueuePollerParts {
  Functions& functions;
  Invoker& invoker;
  api::Operations& operations;
  govern::Identities& identities;
  Clock& clock;
  Random& random;
};

class QueuePoller {
 public:
  // Begins at once, on two threads of its own. `on_result` is told LastProcessingResult when it may have changed.
  QueuePoller(QueuePollerParts parts, const lambda::EventSourceMappingConfiguration& mapping,
              std::function<void(const std::string&)> on_result);
  // Ends at once; an invocation under way goes on, and what it took comes back to the queue.
  ~QueuePoller();

 private:
  struct Batch {
    std::vector<Value> messages;
    std::shared_ptr<Invocation> invocation;
  };
  // Batches that are over; outlives the poller where an invocation does.
  struct Finished {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<std::shared_ptr<Batch>> batches;
    int64_t under_way = 0;
  };

  void poll(const std::stop_token& stop);
  void settle_finished(const std::stop_token& stop);
  std::vector<Value> gather(const std::stop_token& stop);
  ValueList receive(int64_t most, int64_t wait_s, const std::stop_token& stop);
  void dispatch(std::vector<Value> messages);
  void settle(const Batch& batch);
  void remove(const std::vector<std::string>& receipt_handles);
  api::Context context() const;
  void pause(std::chrono::milliseconds time, const std::stop_token& stop);
  void tell(const std::string& result);

  QueuePollerParts parts_;
  const lambda::EventSourceMappingConfiguration mapping_;
  std::function<void(const std::string&)> on_result_;
  QueueFilters filters_;
  FunctionName function_;
  std::string queue_url_, region_;
  int64_t most_under_way_;
  std::mutex result_mutex_;
  std::string result_;
  std::shared_ptr<Finished> finished_ = std::make_shared<Finished>();
  std::jthread settling_, polling_;
};

}  // namespace tarn::compute
