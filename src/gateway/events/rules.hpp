// Rules and targets; and how requests name buses and rules.
#pragma once

#include <optional>
#include <string>

#include "api/operations.hpp"
#include "orchestrate/events/event_bus.hpp"

namespace tarn::gateway {

// The caller's bus of that name or ARN, or the default one; Error (denied, AccessDeniedException) for another's.
orchestrate::BusAddress own_bus(const api::Context& context, const std::optional<std::string>& name_or_arn);
// Error (caller, ValidationException) when the ARN is no bus's.
orchestrate::BusAddress bus_of_arn(const api::Context& context, const std::string& arn);
// Absent when the ARN is no rule's.
std::optional<orchestrate::RuleAddress> rule_of_arn(const api::Context& context, const std::string& arn);

void register_rules(api::Operations& operations, orchestrate::EventBus& bus);

}  // namespace tarn::gateway
