// What requests of stacks and of change sets check alike.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deploy/stacks.hpp"

namespace tarn::deploy {

// Error (caller, ValidationError); Error (unsupported, NotImplemented).
[[noreturn]] void invalid(const std::string& message);
[[noreturn]] void refuse(const std::string& what);

void check_stack_name(const std::string& name);
void check_tags(const std::optional<std::vector<api::cloudformation::Tag>>& tags);
// The usual way is the only one here.
void check_deployment_config(const std::optional<api::cloudformation::DeploymentConfig>& config);
void check_rollback_configuration(const std::optional<api::cloudformation::RollbackConfiguration>& configuration);
bool may_be_updated(const std::string& status);
[[noreturn]] void not_updatable(const StackRecord& stack);
void check_not_changed_type(const Evaluation& evaluation, const std::map<std::string, ResourceRecord>& resources);

// Of CreateStack, UpdateStack and CreateChangeSet.
template <class Input>
void check_common(const Input& in) {
  check_rollback_configuration(in.rollback_configuration);
  check_deployment_config(in.deployment_config);
  if (in.disable_validation.value_or(false)) refuse("tarn checks every template (DisableValidation).");
  check_tags(in.tags);
  if (in.notification_ar_ns && in.notification_ar_ns->size() > 5)
    invalid(
        "1 validation error detected: Value at 'notificationARNs' failed to satisfy constraint: Member must have "
        "length less than or equal to 5");
}

template <class Input>
StackRequest request_of(const Input& in, std::string text) {
  StackRequest out;
  out.text = std::move(text);
  out.parameters = in.parameters.value_or(std::vector<api::cloudformation::Parameter>());
  out.tags = in.tags;
  out.capabilities = in.capabilities;
  out.notification_arns = in.notification_ar_ns;
  out.resource_types = in.resource_types;
  out.role_arn = in.role_arn;
  return out;
}

}  // namespace tarn::deploy
