// What is asked of stacks: created, updated, deleted, rolled back.
#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "deploy/plan.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/stack_policy.hpp"
#include "deploy/stack_requests.hpp"
#include "deploy/stacks.hpp"

namespace tarn::deploy {

namespace cf = api::cloudformation;

void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "ValidationError", message);
}
void refuse(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", what);
}

void check_stack_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 128 && std::isalpha(static_cast<unsigned char>(name[0])) &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; });
  if (!good)
    invalid("1 validation error detected: Value '" + name +
            "' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*");
}

void check_tags(const std::optional<std::vector<cf::Tag>>& tags) {
  if (!tags) return;
  if (tags->size() > 50)
    invalid(
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than "
        "or equal to 50");
  for (std::size_t i = 0; i < tags->size(); ++i) {
    if (tags->at(i).key.starts_with("aws:")) invalid("aws: prefixed tag key names are not allowed for external use.");
    for (std::size_t j = 0; j < i; ++j)
      if (tags->at(j).key == tags->at(i).key)
        invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
}

void check_deployment_config(const std::optional<cf::DeploymentConfig>& config) {
  if (!config) return;
  if (config->mode.value_or("STANDARD") != "STANDARD")
    refuse("tarn has no DeploymentConfig with the mode " + *config->mode + ".");
  if (config->disable_rollback)
    refuse("DeploymentConfig with DisableRollback: say it by the request's own DisableRollback.");
}

void check_rollback_configuration(const std::optional<cf::RollbackConfiguration>& r) {
  if (r && ((r->rollback_triggers && !r->rollback_triggers->empty()) || r->monitoring_time_in_minutes.value_or(0) > 0))
    refuse("tarn watches no alarms while a stack is deployed (RollbackConfiguration).");
}

bool may_be_updated(const std::string& status) {
  for (const char* good : {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
                           "IMPORT_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"})
    if (status == good) return true;
  return false;
}

void not_updatable(const StackRecord& s) {
  invalid("Stack:" + s.id() + " is in " + s.status() + " state and can not be updated.");
}

void check_not_changed_type(const Evaluation& evaluation, const std::map<std::string, ResourceRecord>& resources) {
  std::string changed;
  for (const std::string& id : evaluation.resources()) {
    auto it = resources.find(id);
    if (it == resources.end() || !it->second.exists() || it->second.now.type.empty()) continue;
    if (it->second.now.type != evaluation.declaration(id).string_or("Type"))
      changed += (changed.empty() ? "" : ", ") + id;
  }
  if (!changed.empty())
    invalid(
        "Update of resource type is not permitted. The new template modifies resource type of the following "
        "resources: [" +
        changed + "]");
}

void Stacks::begin(StackRecord& s, const Plan* plan, std::string_view actor, const std::string& status,
                   const std::string& reason,
                   const std::function<void(meta::Transaction&, const StackRecord*)>& check) {
  std::shared_lock open(gate_, std::defer_lock);
  // hold() waits for what deployments call: those do not wait for it in turn.
  if (states::WorkerPool::is_worker() ? !open.try_lock() : (open.lock(), false))
    throw Error(ErrorKind::limit, "ServiceUnavailable", "tarn is being emptied or ends.");
  auto& o = *s.operation;
  auto& last = s.shown.last_operations.emplace();
  last.emplace_back().operation_type = o.type;
  last.back().operation_id = o.id;
  if (!o.client_token.empty()) {
    s.token = o.client_token;
    s.token_of = o.type;
  }
  std::optional<EventRecord> event;
  if (status != s.status()) event = change_stack_status(s, status, reason, platform_.clock.now(), platform_.random);
  const StackRecord unwritten = s;
  // Parameters may be secret, and the change log forgets nothing. A declaration that no stack names is nobody's.
  if (plan)
    platform_.metadata.change_quietly(
        [&](meta::Transaction& t) { StackRecords::put(t, s, s.declaration, plan->declaration); });
  platform_.metadata.change(actor, [&](meta::Transaction& t) {
    s = unwritten;
    auto stored = StackRecords::find(t, s.scope, s.id());
    check(t, stored ? &*stored : nullptr);
    if (stored) {
      s.last_event = stored->last_event;
      if (s.policy.empty()) s.policy = stored->policy;
    }
    if (plan) StackRecords::add_imports(t, s, plan->evaluation->imports());
    if (event) StackRecords::add(t, s, *event);
    StackRecords::put(t, s);
  });
  if (event && platform_.tell) platform_.tell(status_change(s, event->event));
  for (const std::string& topic : s.shown.notification_ar_ns.value_or(std::vector<std::string>()))
    if (event) notify_topic(platform_.operations, platform_.clock, platform_.random, topic, s, event->event);
  launch(s, plan ? plan->evaluation : nullptr);
}

void Stacks::begin_create(StackRecord& s, Operation operation, const Plan& plan, std::string_view actor) {
  s.shown = plan.shown;
  s.declaration = ++s.last_declaration;
  s.operation = std::move(operation);
  begin(s, &plan, actor, "CREATE_IN_PROGRESS", "User Initiated", [&](meta::Transaction& t, const StackRecord* stored) {
    if (stored ? stored->status() != "REVIEW_IN_PROGRESS" : bool(StackRecords::find(t, s.scope, s.name())))
      throw Error(ErrorKind::conflict, "AlreadyExistsException", "Stack [" + s.name() + "] already exists");
  });
}

void Stacks::begin_update(StackRecord& s, Operation operation, const Plan& plan, std::string_view actor) {
  if (!s.stable) s.stable = StableStack{s.declaration, s.shown};
  s.shown = plan.shown;
  s.shown.last_updated_time = platform_.clock.now();
  s.declaration = ++s.last_declaration;
  operation.tags_changed = plan.tags_changed;
  s.operation = std::move(operation);
  begin(s, &plan, actor, "UPDATE_IN_PROGRESS", "User Initiated", [&](meta::Transaction&, const StackRecord* stored) {
    if (!stored || !(may_be_updated(stored->status()) || stored->awaits_parent())) not_updatable(stored ? *stored : s);
  });
}

// ---- creating ----

StackRecord Stacks::create(const Context& c, const cf::CreateStackInput& in, const StackRecord* parent) {
  check_stack_name(in.stack_name);
  check_common(in);
  if (in.on_failure && in.disable_rollback)
    invalid("You can specify either DisableRollback or OnFailure, but not both.");
  if (auto there = records_.find({c.account(), c.region}, in.stack_name)) {
    if (is_repeated(*there, in.client_request_token, "CREATE_STACK")) return *there;
    throw Error(ErrorKind::conflict, "AlreadyExistsException", "Stack [" + in.stack_name + "] already exists");
  }
  const Asking who = asking(c);
  StackRecord s = new_stack(c, in.stack_name);
  if (auto policy = policy_text(who, in.stack_policy_body, in.stack_policy_url)) {
    check_stack_policy(*policy);
    s.policy = *policy;
  }
  StackRequest request = request_of(in, template_text(who, in.template_body, in.template_url));
  s.shown.role_arn = in.role_arn;
  Plan plan = this->plan(c, s, request, {});
  plan.shown.timeout_in_minutes = in.timeout_in_minutes;
  plan.shown.enable_termination_protection = in.enable_termination_protection.value_or(false);
  plan.shown.disable_rollback = in.disable_rollback.value_or(in.on_failure == "DO_NOTHING");
  plan.shown.retain_except_on_create = in.retain_except_on_create;
  if (parent) {
    plan.shown.parent_id = parent->id();
    plan.shown.root_id = parent->shown.root_id.value_or(parent->id());
  }
  Operation o = new_operation(s, c, "CREATE_STACK", in.client_request_token);
  o.disable_rollback = *plan.shown.disable_rollback;
  o.delete_on_failure = in.on_failure == "DELETE";
  o.retain_except_on_create = in.retain_except_on_create.value_or(false);
  if (in.timeout_in_minutes) o.deadline = platform_.clock.now() + std::chrono::minutes(*in.timeout_in_minutes);
  begin_create(s, std::move(o), plan, c.principal.arn);
  return s;
}

// ---- updating ----

bool Stacks::would_change(const StackRecord& s, const Plan& plan, bool nested_are_known) const {
  const Declaration now = records_.declaration(s);
  if (s.status().ends_with("_FAILED") || plan.tags_changed) return true;
  if (plan.shown.notification_ar_ns != s.shown.notification_ar_ns) return true;
  const Template before = parse_template(now.text);
  const auto resources = records_.resources(s);
  if (!nested_are_known && !changes_of(*plan.evaluation, &before, now.parameters, resources, types_, false).empty())
    return true;
  // Beside resources: outputs, metadata, policies.
  Value a = plan.evaluation->source().body, b = before.body;
  for (Value* body : {&a, &b})
    for (const char* part :
         {"Description", "Parameters", "Mappings", "Conditions", "Rules", "Metadata", "AWSTemplateFormatVersion"})
      body->erase(part);
  if (!(a == b)) return true;
  // A parameter that only outputs use.
  for (const auto& [name, p] : plan.evaluation->parameters()) {
    auto old = now.parameters.find(name);
    if (old == now.parameters.end() || old->second.value != p.value || old->second.resolved != p.resolved) return true;
  }
  return false;
}

StackRecord Stacks::update(const Context& c, const cf::UpdateStackInput& in, bool as_nested) {
  check_common(in);
  StackRecord s = stack(c, in.stack_name);
  if (is_repeated(s, in.client_request_token, "UPDATE_STACK")) return s;
  if (s.deleted()) invalid("Stack [" + in.stack_name + "] does not exist");
  if (s.shown.parent_id && !as_nested)
    invalid("Nested stacks can only be updated by their root stack: " + s.shown.root_id.value_or(""));
  if (!may_be_updated(s.status()) && !(as_nested && s.awaits_parent())) not_updatable(s);
  const Asking who = asking(c);
  const bool previous = in.use_previous_template.value_or(false);
  if (previous && (in.template_body || in.template_url))
    invalid("You cannot specify both usePreviousTemplate and a template.");
  const Declaration now = records_.declaration(s);
  StackRequest request = request_of(in, previous ? now.text : template_text(who, in.template_body, in.template_url));
  Plan plan = this->plan(c, s, request, now.parameters);
  check_not_changed_type(*plan.evaluation, records_.resources(s));
  if (!would_change(s, plan)) invalid("No updates are to be performed.");
  s.shown.role_arn = plan.shown.role_arn;
  Operation o = new_operation(s, c, "UPDATE_STACK", in.client_request_token);
  o.nested = as_nested;
  o.disable_rollback = in.disable_rollback.value_or(false);
  o.retain_except_on_create = in.retain_except_on_create.value_or(false);
  if (auto during = policy_text(who, in.stack_policy_during_update_body, in.stack_policy_during_update_url)) {
    check_stack_policy(*during);
    o.policy = *during;
  }
  if (auto policy = policy_text(who, in.stack_policy_body, in.stack_policy_url)) {
    check_stack_policy(*policy);
    if (o.policy.empty()) o.policy = s.policy;
    s.policy = *policy;
  }
  plan.shown.disable_rollback = o.disable_rollback;
  begin_update(s, std::move(o), plan, c.principal.arn);
  return s;
}

// ---- deleting ----

namespace {

// Exports of the stack that others import keep it from being deleted.
std::optional<std::string> used_export(meta::Reader& reader, const StackRecord& s) {
  for (const auto& e : StackRecords::exports_of(reader, s)) {
    const auto users = StackRecords::importers(reader, s.scope, e.name);
    if (users.empty()) continue;
    std::string out = "Delete canceled. Cannot delete export " + e.name + " as it is in use by ";
    for (std::size_t i = 0; i < users.size(); ++i)
      out += (i == 0 ? "" : i + 1 == users.size() ? " and " : ", ") + users[i];
    return out + ".";
  }
  return std::nullopt;
}

}  // namespace

std::string Stacks::remove(const Context& c, const cf::DeleteStackInput& in, bool as_nested) {
  check_deployment_config(in.deployment_config);
  auto found = records_.find({c.account(), c.region}, in.stack_name);
  if (!found || found->deleted()) return {};  // AWS: what is not there is deleted
  StackRecord s = *std::move(found);
  if (is_repeated(s, in.client_request_token, "DELETE_STACK") || s.status() == "DELETE_IN_PROGRESS") return s.uuid;
  if (s.shown.enable_termination_protection.value_or(false))
    invalid("Stack [" + s.name() + "] cannot be deleted while TerminationProtection is enabled");
  if (s.shown.parent_id && !as_nested && s.status() != "DELETE_FAILED")
    invalid("Nested stacks can only be deleted with their root stack: " + s.shown.root_id.value_or(""));
  if (in.retain_resources && !in.retain_resources->empty() && s.status() != "DELETE_FAILED")
    invalid("Invalid operation on stack [" + s.id() +
            "]. RetainResources is only for stacks in the state DELETE_FAILED.");
  if (s.status() == "CREATE_IN_PROGRESS") {
    platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      auto stored = StackRecords::find(t, s.scope, s.id());
      if (!stored || !stored->operation || stored->operation->type != "CREATE_STACK") return;
      stored->operation->cancelled = stored->operation->delete_on_failure = true;
      StackRecords::put(t, *stored);
    });
    poke(s.uuid);
    return s.uuid;
  }
  if (s.operation) invalid("Stack [" + s.name() + "] cannot be deleted while in status " + s.status());
  if (auto reason = used_export(platform_.metadata, s)) {
    EventRecord event = change_stack_status(s, s.status(), *reason, platform_.clock.now(), platform_.random);
    platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      StackRecords::add(t, s, event);
      StackRecords::put(t, s);
    });
    return s.uuid;
  }
  if (in.role_arn) s.shown.role_arn = in.role_arn;
  Operation o = new_operation(s, c, "DELETE_STACK", in.client_request_token);
  o.phase = Phase::removal;
  o.skip = in.retain_resources.value_or(std::vector<std::string>());
  o.force_delete = in.deletion_mode == "FORCE_DELETE_STACK";
  if (in.deletion_mode) s.shown.deletion_mode = in.deletion_mode;
  s.operation = std::move(o);
  begin(s, nullptr, c.principal.arn, "DELETE_IN_PROGRESS", "User Initiated",
        [&](meta::Transaction& t, const StackRecord* stored) {
          if (!stored || stored->operation)
            invalid("Stack [" + s.name() + "] cannot be deleted while in status " +
                    (stored ? stored->status() : std::string("DELETE_COMPLETE")));
          for (const ChangeSetRecord& set : StackRecords::change_sets(t, s)) StackRecords::erase(t, s, set);
        });
  return s.uuid;
}

// ---- rolling back ----

void Stacks::cancel_update(const Context& c, const std::string& name) {
  const StackRecord s = stack(c, name);
  platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    auto stored = StackRecords::find(t, s.scope, s.id());
    if (!stored || stored->status() != "UPDATE_IN_PROGRESS")
      invalid("CancelUpdateStack cannot be called from current stack status");
    stored->operation->cancelled = true;
    StackRecords::put(t, *stored);
  });
  poke(s.uuid);
}

void Stacks::continue_rollback(const Context& c, const cf::ContinueUpdateRollbackInput& in) {
  StackRecord s = stack(c, in.stack_name);
  if (is_repeated(s, in.client_request_token, "CONTINUE_ROLLBACK")) return;
  if (in.force_rollback.value_or(false)) refuse("tarn has no ForceRollback of ContinueUpdateRollback.");
  if (s.status() != "UPDATE_ROLLBACK_FAILED")
    invalid("Stack:" + s.id() + " is in " + s.status() + " state and can not be continued to be rolled back.");
  if (in.role_arn) s.shown.role_arn = in.role_arn;
  Operation o = new_operation(s, c, "CONTINUE_ROLLBACK", in.client_request_token);
  o.phase = Phase::rollback;
  o.skip = in.resources_to_skip.value_or(std::vector<std::string>());
  const auto resources = records_.resources(s);
  for (const std::string& id : o.skip) {
    auto it = resources.find(id);
    if (it == resources.end() || it->second.status != "UPDATE_FAILED")
      invalid("ResourcesToSkip can only name resources in the state UPDATE_FAILED: " + id);
  }
  s.operation = std::move(o);
  begin(s, nullptr, c.principal.arn, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated",
        [&](meta::Transaction&, const StackRecord* stored) {
          if (!stored || stored->status() != "UPDATE_ROLLBACK_FAILED") not_updatable(s);
        });
}

StackRecord Stacks::roll_back(const Context& c, const cf::RollbackStackInput& in) {
  check_deployment_config(in.deployment_config);
  StackRecord s = stack(c, in.stack_name);
  if (is_repeated(s, in.client_request_token, "ROLLBACK")) return s;
  const bool creation = s.status() == "CREATE_FAILED";
  if (!creation && s.status() != "UPDATE_FAILED")
    invalid("Stack:" + s.id() + " is in " + s.status() + " state and can not be rolled back.");
  if (in.role_arn) s.shown.role_arn = in.role_arn;
  Operation o = new_operation(s, c, "ROLLBACK", in.client_request_token);
  o.phase = creation ? Phase::undo : Phase::rollback;
  o.retain_except_on_create = in.retain_except_on_create.value_or(false);
  o.tags_changed = s.stable && s.stable->shown.tags != s.shown.tags;
  s.operation = std::move(o);
  const std::string from = s.status();
  begin(s, nullptr, c.principal.arn, creation ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS",
        "User Initiated", [&](meta::Transaction&, const StackRecord* stored) {
          if (!stored || stored->status() != from) not_updatable(s);
        });
  return s;
}

void Stacks::clean_up_nested(const StackRecord& nested, const api::Principal& principal) {
  StackRecord s = nested;
  Context c;
  c.principal = principal;
  c.region = s.scope.region;
  Operation o = new_operation(s, c, "UPDATE_STACK", std::nullopt);
  o.phase = Phase::cleanup;
  o.principal = principal;
  s.stable.reset();
  s.operation = std::move(o);
  begin(s, nullptr, c.principal.arn, s.status(), "", [](meta::Transaction&, const StackRecord* stored) {
    if (!stored || !stored->awaits_parent()) invalid("The stack does not await its parent.");
  });
}

void Stacks::roll_back_nested(const StackRecord& nested, const Context& c) {
  StackRecord s = nested;
  Operation o = new_operation(s, c, "ROLLBACK", std::nullopt);
  o.phase = Phase::rollback;
  o.tags_changed = s.stable && s.stable->shown.tags != s.shown.tags;
  s.operation = std::move(o);
  begin(s, nullptr, c.principal.arn, "UPDATE_ROLLBACK_IN_PROGRESS", "Parent stack rolls back",
        [](meta::Transaction&, const StackRecord* stored) {
          if (!stored || !stored->awaits_parent()) invalid("The stack does not await its parent.");
        });
}

// ---- settings ----

void Stacks::set_policy(const Context& c, const std::string& name, const std::string& policy) {
  check_stack_policy(policy);
  const StackRecord s = stack(c, name);
  platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    auto stored = StackRecords::find(t, s.scope, s.id());
    if (!stored || stored->deleted()) invalid("Stack with id " + name + " does not exist");
    stored->policy = policy;
    StackRecords::put(t, *stored);
  });
}

StackRecord Stacks::set_termination_protection(const Context& c, const std::string& name, bool on) {
  StackRecord s = stack(c, name);
  if (s.deleted()) invalid("Stack with id " + name + " does not exist");
  if (s.shown.parent_id) invalid("Termination protection is set on the root stack: " + s.shown.root_id.value_or(""));
  platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    auto stored = StackRecords::find(t, s.scope, s.id());
    if (!stored || stored->deleted()) invalid("Stack with id " + name + " does not exist");
    stored->shown.enable_termination_protection = on;
    StackRecords::put(t, *stored);
  });
  return s;
}

}  // namespace tarn::deploy
