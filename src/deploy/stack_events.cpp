#include "deploy/stack_events.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/log.hpp"
#include "notify/targets.hpp"

namespace tarn::deploy {
namespace {

const char* handler_error_code(const Error& e) {
  switch (e.kind()) {
    case ErrorKind::caller:
    case ErrorKind::unsupported:
      return "InvalidRequest";
    case ErrorKind::denied:
      return "AccessDenied";
    case ErrorKind::missing:
      return "NotFound";
    case ErrorKind::conflict:
      return e.code().find("Exist") != std::string::npos || e.code().find("AlreadyOwned") != std::string::npos
                 ? "AlreadyExists"
                 : "ResourceConflict";
    case ErrorKind::limit:
      return "ServiceLimitExceeded";
    case ErrorKind::outside:
      return "ServiceInternalError";
    case ErrorKind::bug:
      return "InternalFailure";
  }
  return "GeneralServiceException";
}

void replace_all(std::string& text, const std::string& what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
}

}  // namespace

std::string failure_reason(const Error& e, const std::string& token) {
  if (e.code() == plain_failure) return e.message();
  std::string id = token;
  if (id.size() == 32)
    for (std::size_t at : {20, 16, 12, 8}) id.insert(at, "-");
  return "Resource handler returned message: \"" + e.message() + "\" (RequestToken: " + id +
         ", HandlerErrorCode: " + handler_error_code(e) + ")";
}

std::string without_secrets(std::string text, const ParameterValues& parameters) {
  for (const auto& [name, p] : parameters) {
    if (!p.no_echo || p.value.empty()) continue;
    std::string quoted;
    append_json_string(quoted, p.value);
    replace_all(text, quoted.substr(1, quoted.size() - 2), "****");
  }
  return text;
}

std::string event_id(const std::string& logical_id, const std::string& status, Time at) {
  return logical_id + "-" + status + "-" + format_iso8601(at);
}

EventRecord change_stack_status(StackRecord& s, const std::string& status, const std::string& reason, Time now,
                                Random& random) {
  s.shown.stack_status = status;
  s.shown.stack_status_reason.reset();
  if (!reason.empty()) s.shown.stack_status_reason = reason;
  EventRecord out;
  auto& e = out.event;
  e.stack_id = s.id();
  e.stack_name = s.name();
  e.event_id = random.uuid();
  e.timestamp = now;
  e.logical_resource_id = s.name();
  e.physical_resource_id = s.id();
  e.resource_type = "AWS::CloudFormation::Stack";
  e.resource_status = status;
  if (!reason.empty()) e.resource_status_reason = reason;
  if (s.operation) {
    out.operation_type = s.operation->type;
    e.operation_id = s.operation->id;
    if (!s.operation->client_token.empty()) e.client_request_token = s.operation->client_token;
  }
  return out;
}

orchestrate::ServiceEvent status_change(const StackRecord& s, const api::cloudformation::StackEvent& e) {
  const bool of_stack = e.physical_resource_id == e.stack_id;
  Value detail = Value::map({{"stack-id", e.stack_id}});
  if (!of_stack)
    detail.set("logical-resource-id", e.logical_resource_id.value_or(""))
        .set("physical-resource-id", e.physical_resource_id.value_or(""))
        .set("resource-type", e.resource_type.value_or(""));
  detail.set("status-details", Value::map({{"status", e.resource_status.value_or("")},
                                           {"status-reason", e.resource_status_reason.value_or("")}}));
  detail.set("client-request-token", e.client_request_token.value_or(""));
  return {
      s.scope.account,      s.scope.region,
      "aws.cloudformation", of_stack ? "CloudFormation Stack Status Change" : "CloudFormation Resource Status Change",
      {e.stack_id},         std::move(detail),
      e.timestamp};
}

void notify_topic(api::Operations& operations, Clock& clock, Random& random, const std::string& topic,
                  const StackRecord& s, const api::cloudformation::StackEvent& e) {
  std::string text;
  auto line = [&](const char* name, const std::string& value) { text += name + ("='" + value + "'\n"); };
  line("StackId", e.stack_id);
  line("Timestamp", format_iso8601(e.timestamp));
  line("EventId", e.event_id);
  line("LogicalResourceId", e.logical_resource_id.value_or(""));
  line("Namespace", s.scope.account);
  line("PhysicalResourceId", e.physical_resource_id.value_or(""));
  line("PrincipalId", s.scope.account);
  line("ResourceProperties", e.resource_properties.value_or("null"));
  line("ResourceStatus", e.resource_status.value_or(""));
  line("ResourceStatusReason", e.resource_status_reason.value_or(""));
  line("ResourceType", e.resource_type.value_or(""));
  line("StackName", e.stack_name);
  line("ClientRequestToken", e.client_request_token.value_or("null"));
  try {
    notify::TargetInput input;
    input.body = text;
    input.subject = "AWS CloudFormation Notification";
    input.invoked_by = "cloudformation.amazonaws.com";
    notify::Targets(operations, clock, random).deliver(topic, input);
  } catch (const Error& error) {
    log(LogLevel::warning, "a stack's event was not published",
        Value::map({{"stack", e.stack_id}, {"topic", topic}, {"why", error.message()}}));
  }
}

std::vector<std::pair<std::string, std::string>> resource_tags(const api::cloudformation::Stack& s,
                                                               const std::string& logical_id) {
  std::vector<std::pair<std::string, std::string>> out;
  if (s.tags)
    for (const auto& tag : *s.tags) out.emplace_back(tag.key, tag.value);
  out.emplace_back("aws:cloudformation:stack-name", s.stack_name);
  out.emplace_back("aws:cloudformation:stack-id", s.stack_id.value_or(""));
  out.emplace_back("aws:cloudformation:logical-id", logical_id);
  return out;
}

std::string failed_resources(const char* verb, const std::vector<std::string>& logical_ids) {
  if (logical_ids.empty()) return {};
  std::string out = "The following resource(s) failed to " + std::string(verb) + ": [";
  for (const std::string& id : logical_ids) out += (out.back() == '[' ? "" : ", ") + id;
  return out + "]. ";
}

}  // namespace tarn::deploy
