// All execution environments: which takes an invocation, when another is started, when one ends.
//
// An invocation goes to an idle environment of its version, the one used last, or else to a new one. The machine has
// room for so many; beyond that invocations wait, in order, for one to end. Reserved and account-wide concurrency are
// Lambda's. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "compute/functions/environment.hpp"

namespace tarn::compute {

struct EnvironmentOptions {
  std::string work_folder;       // environments have their folders in it; all that is in it belongs to tarn
  std::size_t most_at_once = 0;  // 0: as many as this machine's memory is good for
};

class Environments : private EnvironmentKeeper {
 public:
  Environments(EnvironmentParts parts, EnvironmentOptions options);
  ~Environments() override;
  Environments(const Environments&) = delete;

  // `endpoint` is where functions reach tarn.
  void start(std::string endpoint);
  // Ends all environments, and what they do; invocations under way fail. Returns when none is left.
  void stop();
  // The same, and until the lock goes whoever invokes a function waits.
  [[nodiscard]] std::unique_lock<std::mutex> hold();

  // Returns at once; `invocation` is over later. Throws Error (limit, TooManyRequestsException). Result: how many of
  // the function are under way now.
  int64_t run(const RunnableFunction& function, std::shared_ptr<Invocation> invocation);
  // Ends environments of the function that are out of date once they are idle: those of $LATEST, or all.
  void retire(const FunctionName& name, bool all);
  std::size_t count() const;

 private:
  struct Waiting {
    RunnableFunction function;
    std::shared_ptr<Invocation> invocation;
  };
  using Lock = std::unique_lock<std::mutex>;

  void became_idle(ExecutionEnvironment& environment) override;
  bool may_end(ExecutionEnvironment& environment) override;
  void not_taken(ExecutionEnvironment& environment, std::shared_ptr<Invocation> invocation) override;
  void ended(const ExecutionEnvironment* environment);
  void place(Waiting waiting);
  bool give_to_idle(const Waiting& waiting);
  void launch(Waiting waiting);
  void end_longest_idle();
  bool forget_idle(const ExecutionEnvironment& environment);
  void end_all(Lock& lock);
  void count_down(const std::string& function, const std::string& region);

  EnvironmentParts parts_;
  EnvironmentOptions options_;
  std::string endpoint_;

  std::mutex starting_;       // held while an invocation is placed, and by hold()
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  // nullptr: it ended, and its folder is being removed.
  std::map<const ExecutionEnvironment*, std::shared_ptr<ExecutionEnvironment>> live_;
  std::map<std::string, std::vector<ExecutionEnvironment*>> idle_;  // by version and generation, the last used last
  std::deque<ExecutionEnvironment*> idle_order_;                    // the longest idle first
  std::set<const ExecutionEnvironment*> retired_;
  std::deque<Waiting> waiting_;
  std::map<std::string, int64_t> running_;            // invocations, by function
  std::map<std::string, int64_t> running_in_region_;  // by account and region, without reservations
  uint64_t last_id_ = 0;
  bool closing_ = false;
};

}  // namespace tarn::compute
