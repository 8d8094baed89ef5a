// Change sets: what an update would do, shown before it is done.
#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/own_types/nested_request.hpp"
#include "deploy/plan.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/stack_requests.hpp"
#include "deploy/stacks.hpp"

namespace tarn::deploy {
namespace {

namespace cf = api::cloudformation;

constexpr const char* no_changes =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

void check_supported(const cf::CreateChangeSetInput& in) {
  if (in.change_set_type == "IMPORT" || (in.resources_to_import && !in.resources_to_import->empty()))
    refuse("tarn imports no resources into stacks.");
  // ImportExistingResources is for resources that are there already; where one is, its creation fails.
  if (in.deployment_mode) refuse("tarn has no DeploymentMode " + *in.deployment_mode + " of change sets.");
  check_common(in);
}

// Whether the resource is a nested stack of which no more is known than that its template may have changed.
bool is_automatic(const cf::Change& change) {
  const cf::ResourceChange& r = *change.resource_change;
  return r.resource_type == "AWS::CloudFormation::Stack" && r.action == "Modify" && r.details &&
         std::all_of(r.details->begin(), r.details->end(),
                     [](const auto& d) { return d.change_source == "Automatic"; });
}

// Secret parameters stand in no change set.
void mask(cf::Change& change, const ParameterValues& parameters) {
  cf::ResourceChange& r = *change.resource_change;
  auto clean = [&](std::optional<std::string>& text) {
    if (text) text = without_secrets(*text, parameters);
  };
  clean(r.before_context);
  clean(r.after_context);
  if (r.details)
    for (auto& d : *r.details)
      if (d.target) {
        clean(d.target->before_value);
        clean(d.target->after_value);
      }
}

}  // namespace

ChangeSetRecord Stacks::create_change_set(const Context& c, const cf::CreateChangeSetInput& in,
                                          const ChangeSetRecord* parent) {
  check_supported(in);
  const bool creates = in.change_set_type == "CREATE";
  const StackScope scope{c.account(), c.region};
  auto there = records_.find(scope, in.stack_name);
  if (there && there->deleted()) there.reset();
  if (creates && there && there->status() != "REVIEW_IN_PROGRESS")
    invalid("Stack [" + in.stack_name + "] already exists and cannot be created again with the changeSet [" +
            in.change_set_name + "].");
  if (!creates && !there) invalid("Stack [" + in.stack_name + "] does not exist");
  if (!creates && there->status() == "REVIEW_IN_PROGRESS")
    invalid("Stack:" + there->id() + " is in REVIEW_IN_PROGRESS state and can not be updated.");
  if (!creates && !may_be_updated(there->status())) not_updatable(*there);
  if (creates) check_stack_name(in.stack_name);
  if (there)
    if (auto same = records_.find_change_set(*there, in.change_set_name)) {
      if (in.client_token && same->client_token == *in.client_token) return *same;
      throw Error(ErrorKind::conflict, "AlreadyExistsException",
                  "ChangeSet " + *same->shown.change_set_id + " already exists");
    }
  StackRecord s = there ? *there : new_stack(c, in.stack_name);
  const bool previous = in.use_previous_template.value_or(false);
  if (previous && (in.template_body || in.template_url))
    invalid("You cannot specify both usePreviousTemplate and a template.");
  if (previous && creates) invalid("UsePreviousTemplate is only for the update of a stack.");
  const Declaration now = s.declaration ? records_.declaration(s) : Declaration();
  StackRequest request =
      request_of(in, previous ? now.text : template_text(asking(c), in.template_body, in.template_url));
  request.macros_reviewed = true;
  const Plan plan = this->plan(c, s, request, now.parameters);
  const auto resources = records_.resources(s);
  check_not_changed_type(*plan.evaluation, resources);

  ChangeSetRecord set;
  set.uuid = platform_.random.uuid();
  set.stack_uuid = s.uuid;
  set.type = creates ? "CREATE" : "UPDATE";
  set.declaration = plan.declaration;
  set.processed = to_json(plan.evaluation->processed());
  set.role_arn = in.role_arn;
  set.client_token = in.client_token.value_or("");
  auto& shown = set.shown;
  shown.change_set_name = in.change_set_name;
  shown.change_set_id = c.arn("cloudformation", "changeSet/" + in.change_set_name + "/" + set.uuid);
  shown.stack_id = s.id();
  shown.stack_name = s.name();
  shown.description = in.description;
  shown.parameters = plan.shown.parameters;
  shown.creation_time = platform_.clock.now();
  shown.notification_ar_ns = plan.shown.notification_ar_ns;
  shown.rollback_configuration.emplace();
  shown.capabilities = plan.shown.capabilities;
  shown.tags = plan.shown.tags;
  shown.include_nested_stacks = in.include_nested_stacks.value_or(false);
  shown.on_stack_failure = in.on_stack_failure;
  shown.import_existing_resources = in.import_existing_resources.value_or(false);
  if (parent) {
    shown.parent_change_set_id = parent->shown.change_set_id;
    shown.root_change_set_id =
        parent->shown.root_change_set_id ? parent->shown.root_change_set_id : parent->shown.change_set_id;
  }
  std::optional<Template> before;
  if (s.declaration) before = parse_template(now.text);
  shown.changes =
      changes_of(*plan.evaluation, before ? &*before : nullptr, now.parameters, resources, types_, plan.tags_changed);
  for (auto& change : *shown.changes) mask(change, plan.evaluation->parameters());
  if (in.include_nested_stacks.value_or(false)) add_nested_change_sets(c, s, plan, set);
  if (!creates && shown.changes->empty() && !would_change(s, plan, in.include_nested_stacks.value_or(false))) {
    shown.status = "FAILED";
    shown.status_reason = no_changes;
    shown.execution_status = "UNAVAILABLE";
  } else {
    shown.status = "CREATE_COMPLETE";
    shown.execution_status = "AVAILABLE";
  }
  keep_change_set(c, s, set, !there);
  return set;
}

// Nested stacks that are there get change sets of their own; one that nothing changes in is none of the changes.
void Stacks::add_nested_change_sets(const Context& c, const StackRecord& s, const Plan& plan, ChangeSetRecord& set) {
  const auto resources = records_.resources(s);
  ResourceResults known;
  known.ref = [&](std::string_view id) -> std::optional<Value> {
    auto it = resources.find(std::string(id));
    return it == resources.end() ? std::nullopt : std::optional(Value(it->second.now.physical_id));
  };
  known.attribute = [&](std::string_view id, std::string_view name) -> std::optional<Value> {
    auto it = resources.find(std::string(id));
    const Value* found = it == resources.end() ? nullptr : it->second.now.attributes.find(name);
    return found ? std::optional(*found) : std::nullopt;
  };
  std::erase_if(*set.shown.changes, [&](cf::Change& change) {
    cf::ResourceChange& r = *change.resource_change;
    if (r.resource_type != "AWS::CloudFormation::Stack" || r.action != "Modify") return false;
    const Value properties = plan.evaluation->properties(*r.logical_resource_id, known, false);
    auto child = records_.find(s.scope, r.physical_resource_id.value_or(""));
    if (!child || !may_be_updated(child->status()) || !Evaluation::is_resolved(properties)) return false;
    cf::CreateChangeSetInput in;
    StackRecord as_planned = s;
    as_planned.shown = plan.shown;
    fill_nested(in, as_planned, properties);
    in.stack_name = child->id();
    in.change_set_name = set.shown.change_set_name->substr(0, 90) + "-" + platform_.random.alphanumeric(12);
    in.include_nested_stacks = true;
    const ChangeSetRecord nested = create_change_set(c, in, &set);
    if (nested.shown.status != "FAILED") {
      r.change_set_id = nested.shown.change_set_id;
      return false;
    }
    platform_.metadata.change_quietly([&](meta::Transaction& t) { StackRecords::erase(t, *child, nested); });
    return is_automatic(change);
  });
}

// Those that were made along with a root's.
void Stacks::erase_nested_change_sets(meta::Transaction& t, const StackScope& scope, const std::string& root_id) {
  for (const StackRecord& child : StackRecords::list(t, scope)) {
    if (!child.shown.parent_id) continue;
    for (const ChangeSetRecord& set : StackRecords::change_sets(t, child))
      if (set.shown.root_change_set_id == root_id) StackRecords::erase(t, child, set);
  }
}

void Stacks::keep_change_set(const Context& c, StackRecord& s, const ChangeSetRecord& set, bool new_stack) {
  std::optional<EventRecord> event;
  if (new_stack)
    event = change_stack_status(s, "REVIEW_IN_PROGRESS", "User Initiated", platform_.clock.now(), platform_.random);
  platform_.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    auto stored = StackRecords::find(t, s.scope, s.name());
    if (new_stack ? stored.has_value() : !stored || stored->id() != s.id())
      throw Error(ErrorKind::conflict, "AlreadyExistsException", "Stack [" + s.name() + "] already exists");
    if (!event) return;
    StackRecords::add(t, s, *event);
    StackRecords::put(t, s);
  });
  if (event && platform_.tell) platform_.tell(status_change(s, event->event));
  // Its parameters may be secret.
  platform_.metadata.change_quietly([&](meta::Transaction& t) { StackRecords::put(t, s, set); });
}

std::pair<StackRecord, ChangeSetRecord> Stacks::change_set(const Context& c, const std::string& name,
                                                           const std::optional<std::string>& stack_name) const {
  if (name.starts_with("arn:")) {
    if (auto found = records_.change_set_of_arn({c.account(), c.region}, name)) return *std::move(found);
  } else {
    if (!stack_name) invalid("StackName must be specified if ChangeSetName is not specified as an ARN.");
    const StackRecord s = stack(c, *stack_name);
    if (auto found = records_.find_change_set(s, name)) return {s, *std::move(found)};
  }
  throw Error(ErrorKind::missing, "ChangeSetNotFound", "ChangeSet [" + name + "] does not exist");
}

void Stacks::remove_change_set(const Context& c, const std::string& name,
                               const std::optional<std::string>& stack_name) {
  std::optional<std::pair<StackRecord, ChangeSetRecord>> found;
  try {
    found = change_set(c, name, stack_name);
  } catch (const Error& e) {
    if (e.code() == "ChangeSetNotFound") return;  // AWS: what is not there is deleted
    throw;
  }
  if (found->second.shown.execution_status == "EXECUTE_IN_PROGRESS" && found->first.operation)
    throw Error(ErrorKind::conflict, "InvalidChangeSetStatus",
                "ChangeSet [" + *found->second.shown.change_set_id +
                    "] cannot be deleted in its current status of [EXECUTE_IN_PROGRESS]");
  platform_.metadata.change_quietly([&](meta::Transaction& t) {
    StackRecords::erase(t, found->first, found->second);
    erase_nested_change_sets(t, found->first.scope, *found->second.shown.change_set_id);
  });
}

StackRecord Stacks::execute_change_set(const Context& c, const cf::ExecuteChangeSetInput& in) {
  auto [s, set] = change_set(c, in.change_set_name, in.stack_name);
  if (set.shown.root_change_set_id)
    invalid("The change set of a nested stack is executed with its root: " + *set.shown.root_change_set_id);
  const char* type = set.type == "CREATE" ? "CREATE_STACK" : "UPDATE_STACK";
  if (is_repeated(s, in.client_request_token, type)) return s;
  if (set.shown.status != "CREATE_COMPLETE" || set.shown.execution_status != "AVAILABLE")
    throw Error(ErrorKind::conflict, "InvalidChangeSetStatus",
                "ChangeSet [" + *set.shown.change_set_id + "] cannot be executed in its current status of [" +
                    (set.shown.status != "CREATE_COMPLETE" ? *set.shown.status : *set.shown.execution_status) + "]");
  if (in.disable_rollback && set.shown.on_stack_failure)
    invalid("You can't specify DisableRollback for a change set that has OnStackFailure.");
  const bool creates = set.type == "CREATE";
  if (creates ? s.status() != "REVIEW_IN_PROGRESS" : !may_be_updated(s.status())) not_updatable(s);
  StackRequest request;
  request.text = set.declaration.text;
  for (const auto& [name, p] : set.declaration.parameters)
    request.parameters.push_back({name, p.value, std::nullopt, std::nullopt});
  request.tags = set.shown.tags;
  request.capabilities = set.shown.capabilities;
  request.notification_arns = set.shown.notification_ar_ns;
  request.role_arn = set.role_arn;
  request.macros_reviewed = true;
  Plan plan = this->plan(c, s, request, {});
  plan.shown.change_set_id = set.shown.change_set_id;
  plan.shown.retain_except_on_create = in.retain_except_on_create;
  s.shown.role_arn = plan.shown.role_arn;
  Operation o = new_operation(s, c, type, in.client_request_token);
  o.disable_rollback = in.disable_rollback.value_or(set.shown.on_stack_failure == "DO_NOTHING");
  o.delete_on_failure = creates && set.shown.on_stack_failure == "DELETE";
  o.retain_except_on_create = in.retain_except_on_create.value_or(false);
  plan.shown.disable_rollback = o.disable_rollback;
  if (creates) {
    plan.shown.creation_time = platform_.clock.now();
    begin_create(s, std::move(o), plan, c.principal.arn);
  } else {
    begin_update(s, std::move(o), plan, c.principal.arn);
  }
  // The others were made for what the stack was.
  platform_.metadata.change_quietly([&, &s = s, &set = set](meta::Transaction& t) {
    for (const ChangeSetRecord& other : StackRecords::change_sets(t, s))
      if (other.uuid != set.uuid) StackRecords::erase(t, s, other);
    erase_nested_change_sets(t, s.scope, *set.shown.change_set_id);
    set.shown.execution_status = "EXECUTE_IN_PROGRESS";
    StackRecords::put(t, s, set);
  });
  return s;
}

}  // namespace tarn::deploy
