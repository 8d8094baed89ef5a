// What is told of stacks and their resources, in AWS's words: events, reasons, notifications ("AWS CloudFormation User
// Guide", Stack event status codes; Monitor stack events with EventBridge).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "deploy/stack_records.hpp"
#include "orchestrate/events/event_bus.hpp"

namespace tarn::deploy {

// The code of an Error whose message is told as it is, not as what a resource's handler returned.
inline constexpr const char* plain_failure = "ResourceFailed";

// Why a resource's action failed: `Resource handler returned message: "…" (RequestToken: …, HandlerErrorCode: …)`.
std::string failure_reason(const Error& error, const std::string& token);

// Text that may be shown: values of secret parameters are not.
std::string without_secrets(std::string text, const ParameterValues& parameters);

// "LogicalId-CREATE_IN_PROGRESS-2026-…Z".
std::string event_id(const std::string& logical_id, const std::string& status, Time at);

// Gives the stack a status; the result is to be written with it.
EventRecord change_stack_status(StackRecord& stack, const std::string& status, const std::string& reason, Time now,
                                Random& random);

// What the default bus is told.
orchestrate::ServiceEvent status_change(const StackRecord& stack, const api::cloudformation::StackEvent& event);

// Publishes the event as the stack's owner. What can't be published is logged.
void notify_topic(api::Operations& operations, Clock& clock, Random& random, const std::string& topic,
                  const StackRecord& stack, const api::cloudformation::StackEvent& event);

// The stack's tags, with CloudFormation's own.
std::vector<std::pair<std::string, std::string>> resource_tags(const api::cloudformation::Stack& stack,
                                                               const std::string& logical_id);

// "The following resource(s) failed to create: [A, B]. "; empty when there are none.
std::string failed_resources(const char* verb, const std::vector<std::string>& logical_ids);

}  // namespace tarn::deploy
