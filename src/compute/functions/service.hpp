// All of Lambda's parts, put together.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/metrics.hpp"
#include "compute/functions/environments.hpp"
#include "compute/functions/event_sources.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/invoker.hpp"
#include "compute/functions/object_events.hpp"
#include "compute/functions/packages.hpp"
#include "compute/functions/python_runtime.hpp"
#include "compute/images/unpacked_images.hpp"
#include "notify/deliveries.hpp"

namespace tarn::compute {

// What functions stand on; all outlive them.
struct FunctionServiceParts {
  meta::Metadata& metadata;
  meta::LogStore& logs;
  store::Store& store;
  const govern::Authority& authority;
  govern::Identities& identities;
  notify::MessageStore& messages;
  api::Operations& operations;
  notify::Targets& targets;
  UnpackedImages& images;
  Clock& clock;
  Random& random;
  Metrics& metrics;
  meta::MetricStore& metric_store;
};

struct FunctionServiceOptions {
  std::string folder;          // code; all that is in it belongs to functions
  std::string work_folder;     // of running environments, likewise
  std::string runtime_folder;  // holds tools/ and node/
  std::string python;          // the interpreter; empty: $TARN_FUNCTION_PYTHON, or the one that is made at first use
  std::size_t most_environments = 0;  // 0: as many as this machine's memory is good for
  bool durable = true;
};

class FunctionService {
 public:
  FunctionService(FunctionServiceParts parts, FunctionServiceOptions options);
  ~FunctionService();

  Functions& functions() { return functions_; }
  Invoker& invoker() { return invoker_; }
  EventSources& event_sources() { return event_sources_; }
  store::EventDestination& object_events() { return object_events_; }
  // The zip file of this SHA-256, in hexadecimal.
  std::optional<std::string> package(std::string_view sha256_hex) const;

  // Functions reach tarn at `endpoint`. What was left asynchronously by an earlier tarn is run.
  void start(const std::string& endpoint);
  // Ends all that runs; nothing is invoked afterwards.
  void stop();
  // Ends all that runs; as long as the result lives whoever invokes a function waits.
  struct Held {
    std::unique_lock<std::mutex> event_sources, environments;
  };
  [[nodiscard]] Held hold();
  // Forgets asynchronous invocations and code, while held. Records go with the metadata store's own reset().
  void reset();

 private:
  Packages packages_;
  FunctionPython python_;
  FunctionNode node_;
  Functions functions_;
  Environments environments_;
  notify::Deliveries events_;
  Invoker invoker_;
  EventSources event_sources_;
  ObjectEventFunctions object_events_;
};

}  // namespace tarn::compute
