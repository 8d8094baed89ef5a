#include <algorithm>

#include "gateway/cloudformation/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using deploy::ChangeSetRecord;
using deploy::StackRecord;
using deploy::Stacks;

constexpr std::size_t page_size = 100;

// Whether what it began has ended, and how.
std::string execution_status(const StackRecord& stack, const ChangeSetRecord& set) {
  const std::string status = set.shown.execution_status.value_or("");
  if (status != "EXECUTE_IN_PROGRESS" || stack.operation) return status;
  return stack.status() == "CREATE_COMPLETE" || stack.status() == "UPDATE_COMPLETE" ? "EXECUTE_COMPLETE"
                                                                                    : "EXECUTE_FAILED";
}

void leave_out_values(cf::Change& change) {
  cf::ResourceChange& r = *change.resource_change;
  r.before_context.reset();
  r.after_context.reset();
  if (!r.details) return;
  for (auto& d : *r.details)
    if (d.target) {
      d.target->before_value.reset();
      d.target->after_value.reset();
      d.target->path.reset();
      d.target->attribute_change_type.reset();
    }
}

cf::DescribeChangeSetOutput describe(Stacks& stacks, Context& c, const cf::DescribeChangeSetInput& in) {
  const auto [stack, set] = stacks.change_set(c, in.change_set_name, in.stack_name);
  cf::DescribeChangeSetOutput out = set.shown;
  out.execution_status = execution_status(stack, set);
  const auto all = out.changes.value_or(std::vector<cf::Change>());
  out.changes = page_of(all, in.next_token, page_size, out.next_token);
  if (!in.include_property_values.value_or(false))
    for (auto& change : *out.changes) leave_out_values(change);
  return out;
}

cf::ListChangeSetsOutput list(Stacks& stacks, Context& c, const cf::ListChangeSetsInput& in) {
  const StackRecord stack = stacks.stack(c, in.stack_name);
  std::vector<cf::ChangeSetSummary> all;
  for (const ChangeSetRecord& set : stacks.records().change_sets(stack)) {
    cf::ChangeSetSummary& one = all.emplace_back();
    one.stack_id = stack.id();
    one.stack_name = stack.name();
    one.change_set_id = set.shown.change_set_id;
    one.change_set_name = set.shown.change_set_name;
    one.execution_status = execution_status(stack, set);
    one.status = set.shown.status;
    one.status_reason = set.shown.status_reason;
    one.creation_time = set.shown.creation_time;
    one.description = set.shown.description;
    one.include_nested_stacks = set.shown.include_nested_stacks;
    one.import_existing_resources = set.shown.import_existing_resources;
  }
  cf::ListChangeSetsOutput out;
  out.summaries = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

}  // namespace

void register_change_sets(api::Operations& o, Stacks& s) {
  namespace op = cf::op;
  o.on<op::CreateChangeSet>([&](Context& c, const auto& in) {
    const auto set = s.create_change_set(c, in);
    return cf::CreateChangeSetOutput{set.shown.change_set_id, set.shown.stack_id};
  });
  o.on<op::DescribeChangeSet>([&](Context& c, const auto& in) { return describe(s, c, in); });
  o.on<op::ListChangeSets>([&](Context& c, const auto& in) { return list(s, c, in); });
  o.on<op::ExecuteChangeSet>([&](Context& c, const auto& in) {
    s.linger(s.execute_change_set(c, in).uuid);
    return cf::ExecuteChangeSetOutput();
  });
  o.on<op::DeleteChangeSet>([&](Context& c, const auto& in) {
    s.remove_change_set(c, in.change_set_name, in.stack_name);
    return cf::DeleteChangeSetOutput();
  });
  // tarn has no hooks.
  o.on<op::DescribeChangeSetHooks>([&](Context& c, const auto& in) {
    const auto [stack, set] = s.change_set(c, in.change_set_name, in.stack_name);
    cf::DescribeChangeSetHooksOutput out;
    out.change_set_id = set.shown.change_set_id;
    out.change_set_name = set.shown.change_set_name;
    out.hooks.emplace();
    out.status = "PLANNED";
    out.stack_id = stack.id();
    out.stack_name = stack.name();
    return out;
  });
}

}  // namespace tarn::gateway
