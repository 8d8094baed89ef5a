// The way forward of a deployment: what is new is created, what differs is updated or replaced.
#include <algorithm>

#include "base/json.hpp"
#include "deploy/deployment.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/stack_policy.hpp"

namespace tarn::deploy {
namespace {

constexpr const char* replacing =
    "Requested update requires the creation of a new physical resource; hence creating one.";

// An intrinsic function that is left in the value, as JSON.
std::string first_function(const Value& v) {
  if (v.is_list())
    for (const Value& one : v.as_list())
      if (!Evaluation::is_resolved(one)) return first_function(one);
  if (!v.is_map()) return {};
  const ValueMap& map = v.as_map();
  if (map.size() == 1 && (map[0].key == "Ref" || map[0].key.starts_with("Fn::"))) return to_json(v);
  for (const ValueMember& m : map)
    if (!Evaluation::is_resolved(m.value)) return first_function(m.value);
  return {};
}

// A resource whose physical id its own properties give can't stand beside its successor of the same name.
bool is_custom_named(const Instance& before, const Instance& after) {
  for (const ValueMember& m : before.properties.as_map()) {
    const Value* again = after.properties.find(m.key);
    if (again && m.value.is_string() && m.value.as_string() == before.physical_id && *again == m.value) return true;
  }
  return false;
}

std::string names(const std::vector<std::string>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : i + 1 == list.size() ? " and " : ", ") + list[i];
  return out;
}

}  // namespace

bool Deployment::stopping() const {
  const Operation& o = *stack_.operation;
  return !failed_.empty() || o.cancelled || !o.failure.empty() || (o.deadline && platform_.clock.now() >= *o.deadline);
}

bool Deployment::forward() {
  if (stopping())
    cancel_waiting();
  else
    for (bool more = true; more && !stopping();) {
      more = false;
      for (const std::string& id : evaluation().resources()) {
        if (settled_.contains(id) || running_.contains(id)) continue;
        const auto& needs = evaluation().dependencies(id);
        if (std::all_of(needs.begin(), needs.end(), [&](const std::string& other) {
              return settled_.contains(other) || !declared_.contains(other);
            }))
          more = begin(id) || more;
        if (stopping()) break;
      }
    }
  if (!running_.empty()) return false;
  if (stopping())
    fail_forward();
  else
    finish_forward();
  return true;
}

ResourceResults Deployment::results() const {
  ResourceResults out;
  out.ref = [this](std::string_view id) -> std::optional<Value> {
    auto it = resources_.find(std::string(id));
    if (it == resources_.end() || !settled_.contains(it->first)) return std::nullopt;
    return Value(it->second.now.physical_id);
  };
  out.attribute = [this](std::string_view id, std::string_view name) -> std::optional<Value> {
    auto it = resources_.find(std::string(id));
    if (it == resources_.end() || !settled_.contains(it->first)) return std::nullopt;
    const Value* found = it->second.now.attributes.find(name);
    return found ? std::optional(*found) : std::nullopt;
  };
  return out;
}

Instance Deployment::declared_instance(const std::string& id) const {
  Instance out;
  out.type = evaluation().declaration(id).string_or("Type");
  out.properties = evaluation().properties(id, results(), false);
  if (!Evaluation::is_resolved(out.properties)) {
    const std::string left = first_function(out.properties);
    throw Error(ErrorKind::caller, plain_failure, "Template error: " + left + " could not be resolved.");
  }
  if (out.properties.is_null()) out.properties = Value::map();
  const auto& needs = evaluation().dependencies(id);
  out.dependencies.assign(needs.begin(), needs.end());
  if (std::string policy = evaluation().policy(id, "DeletionPolicy"); !policy.empty()) out.deletion_policy = policy;
  if (std::string policy = evaluation().policy(id, "UpdateReplacePolicy"); !policy.empty())
    out.update_replace_policy = policy;
  return out;
}

// True where it is done with at once.
bool Deployment::begin(const std::string& id) {
  ResourceRecord& r = resources_[id];
  r.logical_id = id;
  const bool is_new = !r.exists() || r.status.empty();
  try {
    Instance declared = declared_instance(id);
    if (const Value* metadata = evaluation().declaration(id).find("Metadata")) {
      const std::string text = to_json(evaluation().resolve(*metadata, results(), false));
      if (text != r.metadata) dirty(id).metadata = text;
    }
    return is_new ? begin_new(r, std::move(declared)) : begin_change(r, std::move(declared));
  } catch (const Error& e) {
    if (is_new) {
      r.now = Instance();
      r.now.type = evaluation().declaration(id).string_or("Type");
      r.before.reset();
      r.created = stack_.operation->type != "CREATE_STACK";
    }
    failed_.insert(id);
    (is_new ? stack_.operation->failed_create : stack_.operation->failed_update).push_back(id);
    set_status(r, is_new ? "CREATE_FAILED" : "UPDATE_FAILED", e.message());
    return false;
  }
}

bool Deployment::begin_new(ResourceRecord& r, Instance declared) {
  r.now = std::move(declared);
  r.before.reset();
  r.replaced = false;
  r.created = stack_.operation->type != "CREATE_STACK";
  begin_task(r, Task::Kind::create, "CREATE_IN_PROGRESS");
  return false;
}

Replacement Deployment::replacement_of(const ResourceRecord& r, const Value& after) const {
  const ResourceType* type = platform_.types.find(r.now.type);
  if (!type) return Replacement::never;
  Replacement most = Replacement::never;
  for (const PropertyDifference& d : differences(r.now.properties, after))
    most = std::max(most, type->replacement(d.path));
  return most;
}

bool Deployment::begin_change(ResourceRecord& r, Instance declared) {
  const bool again = r.status.ends_with("_FAILED");
  if (again && r.status == "CREATE_FAILED") {
    // An earlier operation left it half made: it is made anew.
    if (!r.now.physical_id.empty()) r.leftovers.push_back(r.now);
    return begin_new(r, std::move(declared));
  }
  const bool differs = !differences(r.now.properties, declared.properties).empty();
  declared.physical_id = r.now.physical_id;
  declared.attributes = r.now.attributes;
  // What a nested stack's template says now, only its own update finds out.
  const bool nested = declared.type == "AWS::CloudFormation::Stack";
  if (!differs && !again && !nested && !stack_.operation->tags_changed) {
    settled_.insert(r.logical_id);
    if (declared.dependencies == r.now.dependencies && declared.deletion_policy == r.now.deletion_policy &&
        declared.update_replace_policy == r.now.update_replace_policy)
      return true;
    dirty_.insert(r.logical_id);
    if (!r.before) r.before = r.now;
    r.now = std::move(declared);
    return true;
  }
  const bool replaces = replacement_of(r, declared.properties) == Replacement::always || (again && r.replaced);
  const std::string& policy = stack_.operation->policy.empty() ? stack_.policy : stack_.operation->policy;
  if (auto denial =
          stack_policy_denial(policy, replaces ? "Update:Replace" : "Update:Modify", r.logical_id, declared.type))
    throw Error(ErrorKind::denied, plain_failure, *denial);
  if (!replaces) {
    if (!r.before) r.before = r.now;
    r.now = std::move(declared);
    begin_task(r, Task::Kind::update, "UPDATE_IN_PROGRESS");
    return false;
  }
  if (is_custom_named(r.now, declared))
    throw Error(ErrorKind::caller, plain_failure,
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename " +
                    r.now.physical_id + " and update the stack again.");
  if (!r.before)
    r.before = r.now;
  else if (r.replaced && !r.now.physical_id.empty())
    r.leftovers.push_back(r.now);
  r.replaced = true;
  begin_task(r, Task::Kind::create, "UPDATE_IN_PROGRESS", replacing);
  declared.physical_id.clear();
  declared.attributes = Value::map();
  r.now = std::move(declared);
  return false;
}

// What waits need not: another resource has failed.
void Deployment::cancel_waiting() {
  for (const std::string& id : std::exchange(waiting_, {})) {
    ResourceRecord& r = dirty(id);
    const bool creates = r.task->kind == Task::Kind::create && !r.replaced;
    r.task.reset();
    running_.erase(id);
    failed_.insert(id);
    (creates ? stack_.operation->failed_create : stack_.operation->failed_update).push_back(id);
    set_status(r, creates ? "CREATE_FAILED" : "UPDATE_FAILED",
               creates ? "Resource creation cancelled" : "Resource update cancelled");
  }
}

// The stack's outputs; the exports among them are returned.
std::map<std::string, std::string> Deployment::work_out_outputs() {
  std::map<std::string, std::string> exports;
  std::vector<api::cloudformation::Output> outputs;
  for (const Evaluation::Output& o : evaluation().outputs()) {
    const Value value = evaluation().resolve(o.value, results(), false);
    if (!Evaluation::is_resolved(value))
      throw Error(ErrorKind::caller, "ValidationError",
                  "Template error: " + first_function(value) + " of output " + o.name + " could not be resolved.");
    if (value.is_list() || value.is_map() || value.is_null())
      throw Error(ErrorKind::caller, "ValidationError",
                  "Template format error: Output " + o.name +
                      " is malformed. The Value field of every Outputs member must evaluate to a String.");
    api::cloudformation::Output& out = outputs.emplace_back();
    out.output_key = o.name;
    out.output_value = text_of(value);
    if (!o.description.empty()) out.description = o.description;
    if (!o.export_name) continue;
    const std::string name = text_of(evaluation().resolve(*o.export_name, results(), false));
    if (auto there = StackRecords::find_export(platform_.records.metadata(), stack_.scope, name);
        (there && there->stack_id != stack_.id()) || exports.contains(name))
      throw Error(ErrorKind::conflict, "ValidationError",
                  "Export with name " + name + " is already exported by stack " +
                      (there ? there->stack_name : stack_.name()) + ".");
    exports[name] = *out.output_value;
    out.export_name = name;
  }
  for (const auto& e : StackRecords::exports_of(platform_.records.metadata(), stack_)) {
    auto now = exports.find(e.name);
    if (now != exports.end() && now->second == e.value) continue;
    const auto users = StackRecords::importers(platform_.records.metadata(), stack_.scope, e.name);
    if (!users.empty())
      throw Error(ErrorKind::conflict, "ValidationError",
                  "Export " + e.name + " cannot be " + (now == exports.end() ? "deleted" : "updated") +
                      " as it is in use by " + names(users));
  }
  stack_.shown.outputs = std::move(outputs);
  return exports;
}

void Deployment::finish_forward() {
  try {
    exports_ = work_out_outputs();
  } catch (const Error& e) {
    stack_.operation->failure = e.message();
    return;
  }
  imports_ = evaluation().imports();
  if (stack_.operation->type == "CREATE_STACK") return end("CREATE_COMPLETE");
  enter_cleanup();
}

void Deployment::fail_forward() {
  Operation& o = *stack_.operation;
  std::string reason = o.failure.empty() ? "" : o.failure + (o.failure.ends_with('.') ? " " : ". ");
  reason += failed_resources("create", o.failed_create) + failed_resources("update", o.failed_update);
  if (reason.empty() && o.deadline && platform_.clock.now() >= *o.deadline)
    reason = "Stack creation time exceeded the specified timeout. ";
  if (o.type != "CREATE_STACK") {
    if (reason.empty()) reason = "User Initiated";
    return o.disable_rollback && !o.cancelled ? end("UPDATE_FAILED", reason) : enter_rollback(reason);
  }
  if (o.disable_rollback && !o.delete_on_failure) return end("CREATE_FAILED", reason);
  settled_.clear();
  failed_.clear();
  o.failed_create.clear();
  o.failed_update.clear();
  const bool by_user = o.cancelled && reason.empty();
  if (o.delete_on_failure) {
    o.phase = Phase::removal;
    return set_stack_status("DELETE_IN_PROGRESS", by_user ? "User Initiated" : reason + "Delete requested by user.");
  }
  o.phase = Phase::undo;
  set_stack_status("ROLLBACK_IN_PROGRESS", reason + "Rollback requested by user.");
}

}  // namespace tarn::deploy
