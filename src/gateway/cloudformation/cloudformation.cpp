#include "gateway/cloudformation/cloudformation.hpp"

#include "gateway/cloudformation/handlers.hpp"

namespace tarn::gateway {

using api::Context;
using deploy::Stacks;

void register_cloudformation(api::Operations& o, Stacks& s) {
  namespace op = cf::op;
  o.on<op::CreateStack>([&](Context& c, const auto& in) {
    const auto made = s.create(c, in);
    s.linger(made.uuid);
    return cf::CreateStackOutput{made.id(), made.operation ? std::optional(made.operation->id) : std::nullopt};
  });
  o.on<op::UpdateStack>([&](Context& c, const auto& in) {
    const auto made = s.update(c, in);
    s.linger(made.uuid);
    return cf::UpdateStackOutput{made.id(), made.operation ? std::optional(made.operation->id) : std::nullopt};
  });
  o.on<op::DeleteStack>([&](Context& c, const auto& in) {
    s.linger(s.remove(c, in));
    return api::Empty();
  });
  o.on<op::CancelUpdateStack>([&](Context& c, const auto& in) {
    s.cancel_update(c, in.stack_name);
    return api::Empty();
  });
  o.on<op::ContinueUpdateRollback>([&](Context& c, const auto& in) {
    s.continue_rollback(c, in);
    return cf::ContinueUpdateRollbackOutput();
  });
  o.on<op::RollbackStack>([&](Context& c, const auto& in) {
    const auto stack = s.roll_back(c, in);
    cf::RollbackStackOutput out;
    out.stack_id = stack.id();
    if (stack.operation) out.operation_id = stack.operation->id;
    return out;
  });
  o.on<op::SetStackPolicy>([&](Context& c, const auto& in) {
    auto policy = deploy::policy_text(s.asking(c), in.stack_policy_body, in.stack_policy_url);
    if (!policy)
      throw Error(ErrorKind::caller, "ValidationError", "You must specify either StackPolicyBody or StackPolicyURL.");
    s.set_policy(c, in.stack_name, *policy);
    return api::Empty();
  });
  o.on<op::GetStackPolicy>([&](Context& c, const auto& in) {
    const auto stack = s.stack(c, in.stack_name);
    cf::GetStackPolicyOutput out;
    if (!stack.policy.empty()) out.stack_policy_body = stack.policy;
    return out;
  });
  o.on<op::UpdateTerminationProtection>([&](Context& c, const auto& in) {
    return cf::UpdateTerminationProtectionOutput{
        s.set_termination_protection(c, in.stack_name, in.enable_termination_protection).id()};
  });
  register_change_sets(o, s);
  register_descriptions(o, s);
  register_templates(o, s);
}

}  // namespace tarn::gateway
