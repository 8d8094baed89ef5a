// The calls of resource types that a deployment makes.
#include "base/json.hpp"
#include "deploy/deployment.hpp"
#include "deploy/stack_events.hpp"

namespace tarn::deploy {
namespace {

// Has dynamic references anywhere.
bool names_secrets(const Value& v) {
  if (v.is_string()) return v.as_string().find("{{resolve:") != std::string::npos;
  if (v.is_list()) {
    for (const Value& one : v.as_list())
      if (names_secrets(one)) return true;
  }
  if (v.is_map()) {
    for (const ValueMember& m : v.as_map())
      if (names_secrets(m.value)) return true;
  }
  return false;
}

}  // namespace

Action Deployment::action_for(const ResourceRecord& r, const Instance& instance, bool begun_before) const {
  Action out{platform_.operations,
             platform_.clock,
             platform_.random,
             stack_.operation->principal,
             stack_.scope.region,
             platform_.endpoint,
             stack_.id(),
             stack_.name(),
             r.logical_id,
             instance.type,
             r.task->token,
             begun_before,
             resource_tags(stack_.shown, r.logical_id),
             {}};
  out.previous_tags = stack_.stable ? resource_tags(stack_.stable->shown, r.logical_id) : out.tags;
  out.rolls_back = r.task->kind == Task::Kind::revert;
  if (out.rolls_back) std::swap(out.tags, out.previous_tags);
  return out;
}

Value Deployment::with_secrets(const Value& properties) const {
  if (!names_secrets(properties)) return properties;
  if (!evaluation_)
    throw Error(ErrorKind::outside, plain_failure, "The template's dynamic references can't be resolved any more.");
  return evaluation_->resolve(properties, ResourceResults(), true);
}

// All that the call needs is copied now: the records go on changing.
std::function<Progress()> Deployment::call_of(const ResourceRecord& r, bool begun_before) const {
  const Task& task = *r.task;
  const Instance& instance = task.kind == Task::Kind::remove_leftover ? r.leftovers.front() : r.now;
  const ResourceType* type = platform_.types.find(instance.type);
  if (!type)
    return [why = platform_.types.refusal(instance.type)]() -> Progress {
      throw Error(ErrorKind::unsupported, "NotImplemented", why);
    };
  Action action = action_for(r, instance, begun_before);
  switch (task.kind) {
    case Task::Kind::create:
      return [self = shared_from_this(), type, action, properties = instance.properties, memory = task.memory] {
        return type->create(action, self->with_secrets(properties), memory);
      };
    case Task::Kind::update:
    case Task::Kind::revert: {
      const bool back = task.kind == Task::Kind::revert;
      const Value& before = back ? r.now.properties : r.before->properties;
      const Value& after = back ? r.before->properties : r.now.properties;
      return [self = shared_from_this(), type, action, id = instance.physical_id, before, after, memory = task.memory] {
        return type->update(action, id, self->with_secrets(before), self->with_secrets(after), memory);
      };
    }
    default:
      return [type, action, id = instance.physical_id, properties = instance.properties, memory = task.memory] {
        return type->remove(action, id, properties, memory);
      };
  }
}

}  // namespace tarn::deploy
