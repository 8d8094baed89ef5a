// An execution environment: one process of a function's version that takes one invocation after the other through the
// runtime API ("Lambda execution environment"). A thread of its own serves it.
//
// Its log tells INIT_START, START, END and REPORT as Lambda does; a line that the function prints is in the log before
// the END of the invocation in which it was printed.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/invocation.hpp"
#include "compute/functions/node_runtime.hpp"
#include "compute/functions/packages.hpp"
#include "compute/functions/python_runtime.hpp"
#include "compute/functions/runtime_api.hpp"
#include "compute/process.hpp"
#include "govern/identities.hpp"
#include "meta/logs.hpp"

namespace tarn::compute {

// What environments stand on; all outlive them.
struct EnvironmentParts {
  const Functions& functions;
  Packages& packages;
  FunctionPython& python;
  FunctionNode& node;
  meta::LogStore& logs;
  govern::Identities& identities;
  Clock& clock;
  Random& random;
};

// Who keeps the environments. Called from their threads.
class EnvironmentKeeper {
 public:
  virtual ~EnvironmentKeeper() = default;
  // It can take the next invocation.
  virtual void became_idle(class ExecutionEnvironment& environment) = 0;
  // Nobody needed it for a while. True: the keeper has forgotten it, and it ends.
  virtual bool may_end(class ExecutionEnvironment& environment) = 0;
  // The process was gone before it took this invocation, through no fault of it.
  virtual void not_taken(class ExecutionEnvironment& environment, std::shared_ptr<Invocation> invocation) = 0;
};

class ExecutionEnvironment {
 public:
  // `work_folder` is removed in the end.
  ExecutionEnvironment(EnvironmentParts parts, EnvironmentKeeper& keeper, RunnableFunction function,
                       std::string endpoint, std::string work_folder);
  ~ExecutionEnvironment();

  // Serves it until it ends; on a thread of its own. `first` is what it is started for.
  void run(std::shared_ptr<Invocation> first);

  // ---- from any thread ----
  // The next invocation, once it became idle.
  void give(std::shared_ptr<Invocation> invocation);
  // Ends it: at once, or (`after_work`) when what it does is done.
  void end(bool after_work);
  const RunnableFunction& function() const { return function_; }
  // From when on its keys are too old to take another invocation.
  Time retires_at() const { return Time(std::chrono::milliseconds(retires_at_ms_.load())); }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void start();
  // ---- what it runs (command.cpp) ----
  struct Places;
  Command command(const std::string& runtime_api);
  Command zip_command(const std::string& runtime_api, const ViewSupport& support);
  Command image_command(const std::string& runtime_api, const ViewSupport& support);
  View function_view();
  std::vector<std::string> own_variables(const std::string& runtime_api);
  std::vector<std::string> variables(const std::string& runtime_api, const Places& places,
                                     const std::vector<std::string>& public_layers);

  void serve();
  int poll_timeout_ms() const;
  void take_orders();
  void on_request(uint64_t connection, const RuntimeRequest& request);
  void on_next(uint64_t connection);
  void hand_over();
  void on_response(const std::string& body, bool failed);
  void finish(InvocationResult result);
  void on_exit(const Outcome& outcome);
  void on_timeout();
  bool idle_for_long();
  void write(std::string_view line);
  void write_lines(std::span<const std::string_view> lines);
  void report(std::chrono::duration<double, std::milli> duration, const std::string& status);
  InvocationResult failure(const std::string& type, const std::string& message) const;

  EnvironmentParts parts_;
  EnvironmentKeeper& keeper_;
  const RunnableFunction function_;
  const std::string endpoint_;
  WorkFolder folder_;
  int wake_;
  std::stop_source stop_;
  std::atomic<int64_t> retires_at_ms_{INT64_MAX};

  // Of the thread that serves.
  std::string stream_name_;
  std::optional<meta::LogWriter> log_;
  std::string log_tail_;
  std::optional<RuntimeApi> api_;
  std::optional<Process> process_;
  std::optional<uint64_t> waiting_connection_;  // in its /next
  std::shared_ptr<Invocation> current_;
  bool handed_over_ = false;
  bool initialised_ = false;
  uint64_t peak_memory_bytes_ = 0;  // of the whole tree, once it ended
  std::string init_error_;
  std::chrono::duration<double, std::milli> init_duration_{0};
  bool init_reported_ = false;
  Instant started_, invoked_, deadline_, idle_since_;

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<Invocation> given_;
  bool end_asked_ = false, end_after_work_ = false;
};

}  // namespace tarn::compute
