// One operation on one stack, on its way: what is ready is begun, what has ended is written down, what failed is rolled
// back. Waiting costs no thread; a kill -9 at any point costs nothing: what an action is about to do is on disk before
// it is begun.
//
// Calls of resource types run on many threads. What they bring comes into an inbox, which one thread at a time empties
// (drive()): it works out what follows, writes all of it in one transaction, and only then begins what is next.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "deploy/resource_type.hpp"
#include "deploy/stack_records.hpp"
#include "deploy/template.hpp"
#include "notify/timer.hpp"
#include "orchestrate/events/event_bus.hpp"
#include "orchestrate/states/worker_pool.hpp"

namespace tarn::deploy {

class Deployment;

// What deployments share; outlives them.
struct DeploymentPlatform {
  StackRecords& records;
  const ResourceTypes& types;
  api::Operations& operations;
  Clock& clock;
  Random& random;
  states::WorkerPool& workers;
  notify::Timer& pauses;     // by the machine's time
  notify::Timer& deadlines;  // by tarn's clock
  const std::string& endpoint;
  std::function<Surroundings(const api::Principal&, const StackScope&)> surroundings;
  std::function<void(const orchestrate::ServiceEvent&)> tell;
  std::function<void(const std::string& uuid, const Deployment* which)> ended;
  // Lets a nested stack that awaits its parent remove what it has left over.
  std::function<void(const StackRecord& nested, const api::Principal&)> clean_up_nested;
};

class Deployment : public std::enable_shared_from_this<Deployment> {
 public:
  // Of a stack that has an operation. `evaluation` may be null: it is made when it is needed.
  Deployment(const DeploymentPlatform& platform, StackRecord stack, std::shared_ptr<const Evaluation> evaluation);
  // Begins, or goes on after a restart.
  void start();
  // Looks again at what is on disk: it was cancelled, say.
  void reread();
  // Writes nothing any more.
  void abandon();

 private:
  struct Outcome {
    std::string logical_id, token;
    Progress progress;
    std::optional<Error> failure;
  };
  // A call of a type that is to be made once what was decided is on disk.
  struct Call {
    std::string logical_id;
    bool begun_before = false;
  };
  // Something that is to be removed: a resource, or what it has left over.
  struct Removal {
    std::string logical_id;
    bool leftover = false;
    const Instance* instance = nullptr;
  };

  // deployment.cpp: the driver
  void poke();
  void drive();
  void merge(const StackRecord& stored);
  void resume();
  void prepare();
  std::shared_ptr<const Evaluation> evaluate() const;
  void apply(Outcome outcome);
  void call_again(const std::string& logical_id, const std::string& token);
  void succeeded(ResourceRecord& r, const Progress& progress);
  void failed(ResourceRecord& r, const Error& error);
  void commit();
  void write(meta::Transaction& t);
  void publish();
  void launch();
  void run_call(const Call& call);
  void deliver(Outcome outcome);
  bool advance();

  // deployment_call.cpp
  Action action_for(const ResourceRecord& r, const Instance& instance, bool begun_before) const;
  std::function<Progress()> call_of(const ResourceRecord& r, bool begun_before) const;
  Value with_secrets(const Value& properties) const;

  // deployment_forward.cpp
  bool forward();
  bool begin(const std::string& logical_id);
  bool begin_new(ResourceRecord& r, Instance declared);
  bool begin_change(ResourceRecord& r, Instance declared);
  Replacement replacement_of(const ResourceRecord& r, const Value& after) const;
  Instance declared_instance(const std::string& logical_id) const;
  ResourceResults results() const;
  bool stopping() const;
  void cancel_waiting();
  void finish_forward();
  std::map<std::string, std::string> work_out_outputs();
  void fail_forward();

  // deployment_removal.cpp
  bool removal();
  std::vector<Removal> removals();
  bool begin_removal(const Removal& what);
  bool keeps(const Removal& what) const;
  void finish_removal();
  bool rollback();
  void finish_rollback();
  void enter_rollback(const std::string& reason);
  void enter_cleanup();
  bool nested_stacks_are_clean();
  void settle_after_update(ResourceRecord& r);

  // what both use
  std::string stage() const;  // the operation and its phase
  ResourceRecord& dirty(const std::string& logical_id);
  void begin_task(ResourceRecord& r, Task::Kind kind, const std::string& status, const std::string& reason = {});
  void set_status(ResourceRecord& r, const std::string& status, const std::string& reason = {});
  // No two events of a stack happen at the same time: clients that sort them by it, the CDK, keep their order.
  Time event_time();
  void add_event(const ResourceRecord& r, const std::string& status, const std::string& reason,
                 const std::string& physical_id);
  void set_stack_status(const std::string& status, const std::string& reason = {});
  void end(const std::string& status, const std::string& reason = {});
  std::string shown_properties(const Value& properties) const;
  const Evaluation& evaluation() const { return *evaluation_; }

  const DeploymentPlatform& platform_;
  std::atomic<bool> abandoned_ = false;

  std::mutex mutex_;  // guards these
  std::vector<Outcome> inbox_;
  std::vector<std::pair<std::string, std::string>> due_;  // logical ids and tokens whose pause is over
  bool driving_ = false, wake_ = false, reread_ = false;

  // The driver's own.
  StackRecord stack_;
  std::shared_ptr<const Evaluation> evaluation_;
  std::map<std::string, ResourceRecord> resources_;
  std::set<std::string> declared_;  // those that the template has
  std::set<std::string> running_;   // a call is under way, or waits to be made again
  std::set<std::string> waiting_;   // of these, those that wait
  std::set<std::string> settled_;   // of the phase
  std::set<std::string> failed_;    // of the phase
  bool prepared_ = false, over_ = false;

  // What the next commit writes, and what follows it.
  std::set<std::string> dirty_, erased_;
  Time last_event_{};
  std::vector<EventRecord> events_;
  std::optional<std::map<std::string, std::string>> exports_;  // that the stack has from now on
  std::optional<std::set<std::string>> imports_;
  std::vector<Call> calls_;
  std::vector<std::pair<std::chrono::milliseconds, Call>> pauses_;
};

}  // namespace tarn::deploy
