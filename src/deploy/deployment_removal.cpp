// The way back of a deployment: what was changed is restored, what is not wanted any more is removed.
#include <algorithm>

#include "deploy/deployment.hpp"
#include "deploy/stack_events.hpp"

namespace tarn::deploy {

// ---- removing ----

std::vector<Deployment::Removal> Deployment::removals() {
  const Phase phase = stack_.operation->phase;
  std::vector<Removal> out;
  for (auto& [id, r] : resources_) {
    if (!r.leftovers.empty()) out.push_back({id, true, &r.leftovers.front()});
    if (!r.exists() || settled_.contains(id)) continue;
    const bool wanted = phase == Phase::cleanup          ? !declared_.contains(id)
                        : phase == Phase::rollback_clean ? r.created
                                                         : true;
    if (wanted) out.push_back({id, false, &r.now});
  }
  return out;
}

bool Deployment::removal() {
  for (bool more = true; more;) {
    more = false;
    const auto all = removals();
    for (const Removal& one : all) {
      if (running_.contains(one.logical_id) || failed_.contains(one.logical_id)) continue;
      // What others need goes after them. A leftover of a resource does not hold up what the resource needs now.
      const bool needed = std::any_of(all.begin(), all.end(), [&](const Removal& other) {
        return other.instance != one.instance &&
               std::find(other.instance->dependencies.begin(), other.instance->dependencies.end(), one.logical_id) !=
                   other.instance->dependencies.end();
      });
      if (needed) continue;
      more = begin_removal(one);
      if (more) break;  // the list has changed
    }
    if (more || !running_.empty() || all.empty() || !failed_.empty()) continue;
    // Generations of different templates may need each other in a circle: one of them has to be first.
    more = begin_removal(all.front());
  }
  if (!running_.empty()) return false;
  if (stack_.operation->phase == Phase::cleanup && !nested_stacks_are_clean()) return false;
  finish_removal();
  return true;
}

bool Deployment::keeps(const Removal& what) const {
  const Operation& o = *stack_.operation;
  if (what.leftover) return false;  // decided when it was left over
  if (std::find(o.skip.begin(), o.skip.end(), what.logical_id) != o.skip.end()) return true;
  const std::string& policy = what.instance->deletion_policy;
  if (policy == "Retain")
    return !((o.phase == Phase::undo || o.phase == Phase::rollback_clean) && o.retain_except_on_create);
  if (policy == "RetainExceptOnCreate") return o.phase != Phase::undo && o.phase != Phase::rollback_clean;
  return false;
}

// True where it is done with at once.
bool Deployment::begin_removal(const Removal& what) {
  ResourceRecord& r = dirty(what.logical_id);
  const bool there = !what.instance->physical_id.empty();
  if (what.leftover) {
    if (there) {
      begin_task(r, Task::Kind::remove_leftover, "DELETE_IN_PROGRESS");
      return false;
    }
    r.leftovers.erase(r.leftovers.begin());
    return true;
  }
  if (there && !keeps(what)) {
    begin_task(r, Task::Kind::remove, "DELETE_IN_PROGRESS");
    return false;
  }
  set_status(r, there ? "DELETE_SKIPPED" : "DELETE_COMPLETE");
  return true;
}

void Deployment::finish_removal() {
  Operation& o = *stack_.operation;
  std::string reason = failed_resources("delete", o.failed_delete);
  const bool failed = !o.failed_delete.empty() && !o.force_delete;
  switch (o.phase) {
    case Phase::cleanup:
    case Phase::rollback_clean:
      // What the stack does not have any more is no longer listed.
      for (auto& [id, r] : resources_) {
        if (r.created) dirty(id).created = false;
        if (!r.exists() || (o.phase == Phase::cleanup && !declared_.contains(id))) erased_.insert(id);
      }
      return end(o.phase == Phase::cleanup ? "UPDATE_COMPLETE" : "UPDATE_ROLLBACK_COMPLETE", reason);
    case Phase::undo:
      stack_.shown.outputs.reset();
      imports_.emplace();
      return end(failed ? "ROLLBACK_FAILED" : "ROLLBACK_COMPLETE", reason);
    default:
      if (failed) return end("DELETE_FAILED", reason);
      exports_.emplace();
      imports_.emplace();
      stack_.stable.reset();
      stack_.shown.deletion_time = platform_.clock.now();
      return end("DELETE_COMPLETE");
  }
}

// ---- updates ----

void Deployment::settle_after_update(ResourceRecord& r) {
  if (!r.before && !r.created && !r.replaced) return;
  dirty_.insert(r.logical_id);
  if (r.replaced && r.before && !r.before->physical_id.empty()) {
    if (r.before->update_replace_policy == "Retain")
      add_event(r, "DELETE_SKIPPED", {}, r.before->physical_id);
    else
      r.leftovers.push_back(*r.before);
  }
  r.before.reset();
  r.replaced = r.created = false;
}

// What nested stacks have left over goes with what this stack has. Where one is not done yet, it is looked at again.
bool Deployment::nested_stacks_are_clean() {
  bool clean = true;
  for (const auto& [id, r] : resources_) {
    if (r.now.type != "AWS::CloudFormation::Stack" || !r.exists() || !declared_.contains(id)) continue;
    const auto nested = platform_.records.find(stack_.scope, r.now.physical_id);
    if (!nested) continue;
    if (nested->awaits_parent()) platform_.clean_up_nested(*nested, stack_.operation->principal);
    clean = clean && !nested->operation && !nested->awaits_parent();
  }
  if (!clean)
    platform_.pauses.at(SystemClock().now() + std::chrono::milliseconds(100), [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->poke();
    });
  return clean;
}

void Deployment::enter_cleanup() {
  if (stack_.operation->nested) return end("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
  settled_.clear();
  failed_.clear();
  for (auto& [id, r] : resources_) settle_after_update(r);
  stack_.stable.reset();
  stack_.operation->phase = Phase::cleanup;
  set_stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
}

void Deployment::enter_rollback(const std::string& reason) {
  settled_.clear();
  failed_.clear();
  Operation& o = *stack_.operation;
  o.failed_create.clear();
  o.failed_update.clear();
  o.failure.clear();
  o.cancelled = false;
  o.phase = Phase::rollback;
  set_stack_status("UPDATE_ROLLBACK_IN_PROGRESS", reason);
}

bool Deployment::rollback() {
  const Operation& o = *stack_.operation;
  for (bool more = true; more;) {
    more = false;
    for (auto& [id, r] : resources_) {
      if (!r.before || running_.contains(id) || failed_.contains(id)) continue;
      const auto& needs = r.before->dependencies;
      if (std::any_of(needs.begin(), needs.end(), [&](const std::string& other) {
            auto it = resources_.find(other);
            return it != resources_.end() && it->second.before && other != id;
          }))
        continue;
      const bool skipped = std::find(o.skip.begin(), o.skip.end(), id) != o.skip.end();
      const bool touched = r.replaced || o.tags_changed || r.now.type == "AWS::CloudFormation::Stack" ||
                           !differences(r.before->properties, r.now.properties).empty();
      if (!skipped && touched && !r.replaced) {
        begin_task(r, Task::Kind::revert, "UPDATE_IN_PROGRESS");
        continue;
      }
      more = true;
      dirty_.insert(id);
      if (r.replaced && !r.now.physical_id.empty()) r.leftovers.push_back(r.now);
      r.now = *std::exchange(r.before, std::nullopt);
      r.replaced = false;
      settled_.insert(id);
      if (touched) set_status(r, "UPDATE_COMPLETE", skipped ? "Resource update skipped" : "");
    }
  }
  if (!running_.empty()) return false;
  finish_rollback();
  return true;
}

void Deployment::finish_rollback() {
  Operation& o = *stack_.operation;
  if (!failed_.empty()) return end("UPDATE_ROLLBACK_FAILED", failed_resources("update", o.failed_update));
  settled_.clear();
  for (auto& [id, r] : resources_)
    if (r.status == "UPDATE_FAILED" && !r.created) set_status(r, "UPDATE_COMPLETE");
  if (stack_.stable) {
    auto shown = std::move(stack_.stable->shown);
    stack_.declaration = stack_.stable->declaration;
    stack_.stable.reset();
    shown.last_updated_time = stack_.shown.last_updated_time;
    shown.stack_status = stack_.shown.stack_status;
    shown.stack_status_reason = stack_.shown.stack_status_reason;
    shown.disable_rollback = stack_.shown.disable_rollback;
    shown.last_operations = stack_.shown.last_operations;
    shown.change_set_id = stack_.shown.change_set_id;
    shown.enable_termination_protection = stack_.shown.enable_termination_protection;
    stack_.shown = std::move(shown);
    exports_.emplace();
    for (const auto& output : stack_.shown.outputs.value_or(std::vector<api::cloudformation::Output>()))
      if (output.export_name) exports_->emplace(*output.export_name, output.output_value.value_or(""));
    try {
      imports_ = evaluate()->imports();
    } catch (const Error&) {
      // What it can't tell any more stays as it is.
    }
  }
  o.phase = Phase::rollback_clean;
  set_stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
}

}  // namespace tarn::deploy
