// CloudFormation's stacks and change sets: what is asked of them, and the operations that are under way.
//
// A request is settled (template evaluated, all of its resources checked, limits, capabilities) before anything is
// written; then the operation is on disk, and goes on by itself, after a kill -9 too.
//
// Thread-safe. Errors: Error with CloudFormation's codes (ValidationError, AlreadyExistsException, ChangeSetNotFound,
// InsufficientCapabilitiesException ...).
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "deploy/deployment.hpp"
#include "deploy/resource_type.hpp"
#include "deploy/stack_records.hpp"
#include "deploy/template.hpp"
#include "deploy/template_source.hpp"
#include "govern/identities.hpp"

namespace tarn::deploy {

// What stacks stand on; all outlive them.
struct StacksPlatform {
  meta::Metadata& metadata;
  api::Operations& operations;
  govern::Identities& identities;
  Clock& clock;
  Random& random;
  std::function<void(const orchestrate::ServiceEvent&)> tell;  // the default bus
};

struct StacksOptions {
  std::vector<std::string> inert_types;  // of these only a record is kept
  bool without_types = false;            // add_resource_types() is left to the caller
};

// What a stack is asked to be, by whichever request.
struct StackRequest {
  std::string text;  // the template
  std::vector<api::cloudformation::Parameter> parameters;
  std::optional<std::vector<api::cloudformation::Tag>> tags;
  std::optional<std::vector<std::string>> capabilities, notification_arns, resource_types;
  std::optional<std::string> role_arn;
  bool macros_reviewed = false;  // a change set shows what came of transforms
};

// A request that can be begun.
struct Plan {
  std::shared_ptr<const Evaluation> evaluation;
  Declaration declaration;
  api::cloudformation::Stack shown;  // with what the request changes
  bool tags_changed = false;
};

class Stacks {
 public:
  Stacks(StacksPlatform platform, StacksOptions options);
  ~Stacks();
  Stacks(const Stacks&) = delete;

  StackRecords& records() { return records_; }
  // Before start() only.
  ResourceTypes& types() { return types_; }
  api::Operations& operations() { return platform_.operations; }

  // `endpoint` is where tarn answers. Operations that an earlier tarn left go on.
  void start(const std::string& endpoint);
  // Drops all that is under way from memory; until the lock goes, none begins. For a reset of the program.
  [[nodiscard]] std::unique_lock<std::shared_mutex> hold();
  void stop();

  // ---- requests; each gives the stack as it is then ----
  using Context = api::Context;
  StackRecord create(const Context& c, const api::cloudformation::CreateStackInput& in,
                     const StackRecord* parent = nullptr);
  StackRecord update(const Context& c, const api::cloudformation::UpdateStackInput& in, bool as_nested = false);
  // The stack's uuid; empty where there is none to delete.
  std::string remove(const Context& c, const api::cloudformation::DeleteStackInput& in, bool as_nested = false);
  void cancel_update(const Context& c, const std::string& name);
  void continue_rollback(const Context& c, const api::cloudformation::ContinueUpdateRollbackInput& in);
  StackRecord roll_back(const Context& c, const api::cloudformation::RollbackStackInput& in);
  // Of a nested stack that awaits its parent: what it has left over is removed, or its update is undone.
  void clean_up_nested(const StackRecord& nested, const api::Principal& principal);
  void roll_back_nested(const StackRecord& nested, const Context& c);
  void set_policy(const Context& c, const std::string& name, const std::string& policy);
  StackRecord set_termination_protection(const Context& c, const std::string& name, bool on);

  // `parent`: of the stack that this one is nested in.
  ChangeSetRecord create_change_set(const Context& c, const api::cloudformation::CreateChangeSetInput& in,
                                    const ChangeSetRecord* parent = nullptr);
  StackRecord execute_change_set(const Context& c, const api::cloudformation::ExecuteChangeSetInput& in);
  void remove_change_set(const Context& c, const std::string& name, const std::optional<std::string>& stack);
  // ChangeSetNotFound. The second: by name or by ARN.
  std::pair<StackRecord, ChangeSetRecord> change_set(const Context& c, const std::string& name,
                                                     const std::optional<std::string>& stack) const;

  // Returns when nothing is under way on the stack any more, or after a moment: AWS's waiters look at once, and then
  // every 5 to 30 seconds. Not for threads of deployments.
  void linger(const std::string& uuid) const;

  // By name or id; "Stack with id X does not exist".
  StackRecord stack(const Context& c, const std::string& name_or_id) const;
  // A template with nothing given to it but `parameters`: for what is asked about templates alone.
  Evaluation evaluate(const Context& c, const std::string& text, const ParameterValues& parameters) const;
  Asking asking(const Context& c) const;

 private:
  Plan plan(const Context& c, const StackRecord& stack, const StackRequest& request,
            const ParameterValues& previous) const;
  api::Principal acting(const Context& c, const std::optional<std::string>& role_arn) const;
  StackRecord new_stack(const Context& c, const std::string& name) const;
  Operation new_operation(const StackRecord& stack, const Context& c, const char* type,
                          const std::optional<std::string>& token) const;
  void begin_create(StackRecord& stack, Operation operation, const Plan& plan, std::string_view actor);
  void begin_update(StackRecord& stack, Operation operation, const Plan& plan, std::string_view actor);
  // Writes the stack with its operation, under what `check` allows of the one that is stored, and lets it begin.
  void begin(StackRecord& stack, const Plan* plan, std::string_view actor, const std::string& status,
             const std::string& reason, const std::function<void(meta::Transaction&, const StackRecord*)>& check);
  void keep_change_set(const Context& c, StackRecord& stack, const ChangeSetRecord& set, bool new_stack);
  void launch(const StackRecord& stack, std::shared_ptr<const Evaluation> evaluation);
  void poke(const std::string& uuid);
  void add_nested_change_sets(const Context& c, const StackRecord& stack, const Plan& plan, ChangeSetRecord& set);
  static void erase_nested_change_sets(meta::Transaction& t, const StackScope& scope, const std::string& root_id);
  // `nested_are_known`: whether anything changes in nested stacks is decided elsewhere.
  bool would_change(const StackRecord& stack, const Plan& plan, bool nested_are_known = false) const;
  bool is_repeated(const StackRecord& stack, const std::optional<std::string>& token, const char* operation) const;

  StacksPlatform platform_;
  StackRecords records_;
  ResourceTypes types_;
  std::string endpoint_;
  SystemClock machine_time_;

  std::shared_mutex gate_;  // shared while an operation is begun; hold() has it alone
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Deployment>> live_;  // by uuid

  states::WorkerPool workers_;
  notify::Timer pauses_, deadlines_;
  DeploymentPlatform deployment_platform_;
};

}  // namespace tarn::deploy
