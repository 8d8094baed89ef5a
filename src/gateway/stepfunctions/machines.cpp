// State machines, and their tags.
#include <algorithm>

#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"
#include "notify/targets.hpp"
#include "orchestrate/states/definition.hpp"

namespace tarn::gateway::stepfunctions {
namespace {

using api::Context;
using states::Executions;

std::string text_of(const states::Diagnostic& d) {
  return d.code + ": " + d.message + (d.location.empty() ? "" : " at " + d.location);
}

void check_machine(const std::string& definition, const std::string& type) {
  std::string all;
  for (const states::Diagnostic& d : states::check_definition(definition, type == "EXPRESS"))
    if (d.is_error) all += (all.empty() ? "" : ", ") + text_of(d);
  if (!all.empty())
    throw Error(ErrorKind::caller, "InvalidDefinition", "Invalid State Machine Definition: '" + all + "'");
}

void check_role(const std::string& role_arn) {
  const auto arn = notify::parse_arn(role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/"))
    throw Error(ErrorKind::caller, "InvalidArn", "Invalid Role Arn: '" + role_arn + "'");
}

template <class T>
Value value_or_null(const std::optional<T>& v) {
  return v ? to_value(*v) : Value();
}
template <class T>
std::optional<T> read_or_none(const Value& v) {
  return v.is_null() ? std::nullopt : std::optional(api::from<T>(v));
}

void check_logging(const std::optional<sfn::LoggingConfiguration>& logging) {
  if (!logging || logging->level.value_or("OFF") == "OFF") return;
  if (!logging->destinations || logging->destinations->size() != 1)
    throw Error(ErrorKind::caller, "InvalidLoggingConfiguration",
                "Invalid Logging Configuration: Must specify exactly one Log Destination.");
}

sfn::CreateStateMachineOutput create(Executions& e, Context& c, const sfn::CreateStateMachineInput& in) {
  check_name(in.name);
  check_role(in.role_arn);
  check_encryption(in.encryption_configuration);
  check_logging(in.logging_configuration);
  states::Machine machine;
  machine.arn = {c.region, c.account(), "stateMachine", in.name, ""};
  machine.type = in.type.value_or("STANDARD");
  check_machine(in.definition, machine.type);
  if (in.version_description && !in.publish.value_or(false))
    throw Error(ErrorKind::caller, "ValidationException", "Version description can only be set when publish is true");
  machine.definition = in.definition;
  machine.role_arn = in.role_arn;
  machine.logging = value_or_null(in.logging_configuration);
  machine.tracing = value_or_null(in.tracing_configuration);
  machine.encryption = value_or_null(in.encryption_configuration);
  machine = e.machines().create(c.principal.arn, machine, read_tags(in.tags));
  sfn::CreateStateMachineOutput out{machine.arn.text(), machine.created};
  if (in.publish.value_or(false)) {
    const auto version =
        e.machines().publish(c.principal.arn, machine.arn, std::nullopt, in.version_description.value_or(""));
    out.state_machine_version_arn = machine.arn.text() + ":" + std::to_string(version.number);
  }
  return out;
}

sfn::UpdateStateMachineOutput update(Executions& e, Context& c, const sfn::UpdateStateMachineInput& in) {
  const auto arn = unqualified_arn(c, in.state_machine_arn, "stateMachine");
  const states::Machine before = e.machines().get(arn);
  if (!in.definition && !in.role_arn && !in.logging_configuration && !in.tracing_configuration &&
      !in.encryption_configuration)
    throw Error(ErrorKind::caller, "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or the "
                "EncryptionConfiguration must be specified");
  if (in.role_arn) check_role(*in.role_arn);
  if (in.definition) check_machine(*in.definition, before.type);
  check_encryption(in.encryption_configuration);
  check_logging(in.logging_configuration);
  states::MachineUpdate change{in.definition, in.role_arn, {}, {}, {}};
  if (in.logging_configuration) change.logging = to_value(*in.logging_configuration);
  if (in.tracing_configuration) change.tracing = to_value(*in.tracing_configuration);
  if (in.encryption_configuration) change.encryption = to_value(*in.encryption_configuration);
  const states::Machine after = e.machines().update(c.principal.arn, arn, change);
  sfn::UpdateStateMachineOutput out{after.updated};
  out.revision_id = after.revision_id;
  if (in.publish.value_or(false)) {
    const auto version = e.machines().publish(c.principal.arn, arn, std::nullopt, in.version_description.value_or(""));
    out.state_machine_version_arn = arn.text() + ":" + std::to_string(version.number);
  }
  return out;
}

sfn::LoggingConfiguration default_logging() {
  sfn::LoggingConfiguration out;
  out.level = "OFF";
  out.include_execution_data = false;
  return out;
}

sfn::TracingConfiguration default_tracing() {
  sfn::TracingConfiguration out;
  out.enabled = false;
  return out;
}

sfn::DescribeStateMachineOutput describe(Executions& e, Context& c, const sfn::DescribeStateMachineInput& in) {
  const auto arn = checked_arn(c, in.state_machine_arn, "stateMachine");
  const states::Machine m = e.machines().resolve(arn).machine;
  sfn::DescribeStateMachineOutput out;
  out.state_machine_arn = in.state_machine_arn;
  out.name = m.arn.name;
  out.status = "ACTIVE";
  out.definition = m.definition;
  out.role_arn = m.role_arn;
  out.type = m.type;
  out.creation_date = m.created;
  out.logging_configuration = read_or_none<sfn::LoggingConfiguration>(m.logging).value_or(default_logging());
  out.tracing_configuration = read_or_none<sfn::TracingConfiguration>(m.tracing).value_or(default_tracing());
  out.encryption_configuration = read_or_none<sfn::EncryptionConfiguration>(m.encryption);
  if (!out.encryption_configuration) out.encryption_configuration.emplace().type = "AWS_OWNED_KEY";
  if (!m.revision_id.empty()) out.revision_id = m.revision_id;
  if (!arn.qualifier.empty()) {
    const auto version = e.machines().version(arn);
    if (version) out.creation_date = version->created;
    if (version && !version->description.empty()) out.description = version->description;
  }
  return out;
}

sfn::ListStateMachinesOutput list(Executions& e, Context& c, const sfn::ListStateMachinesInput& in) {
  const std::size_t size = page_size(in.max_results);
  auto found = e.machines().list(c.account(), c.region, read_page_token(in.next_token), size + 1);
  sfn::ListStateMachinesOutput out;
  if (found.size() > size) {
    found.resize(size);
    out.next_token = write_page_token(found.back().arn.name);
  }
  for (const states::Machine& m : found) out.state_machines.push_back({m.arn.text(), m.arn.name, m.type, m.created});
  return out;
}

sfn::ValidateStateMachineDefinitionOutput validate(Context&, const sfn::ValidateStateMachineDefinitionInput& in) {
  sfn::ValidateStateMachineDefinitionOutput out;
  out.result = "OK";
  const std::size_t most = page_size(in.max_results);
  bool truncated = false;
  for (const states::Diagnostic& d : states::check_definition(in.definition, in.type.value_or("") == "EXPRESS")) {
    if (d.is_error) out.result = "FAIL";
    if (!d.is_error && in.severity.value_or("ERROR") == "ERROR") continue;
    if (out.diagnostics.size() == most) {
      truncated = true;
      continue;
    }
    auto& told = out.diagnostics.emplace_back();
    told.severity = d.is_error ? "ERROR" : "WARNING";
    told.code = d.code;
    told.message = d.message;
    if (!d.location.empty()) told.location = d.location;
  }
  out.truncated = truncated;
  return out;
}

// The machine or activity, which must be there.
std::string tagged(Executions& e, Context& c, const std::string& text) {
  const bool is_activity = text.find(":activity:") != std::string::npos;
  const auto arn = unqualified_arn(c, text, is_activity ? "activity" : "stateMachine");
  if (is_activity ? !e.machines().activity(arn) : !e.machines().find(arn))
    throw Error(ErrorKind::missing, "ResourceNotFound", "Resource not found: '" + text + "'")
        .with("resourceName", text);
  return arn.text();
}

void register_tagging(api::Operations& o, Executions& e) {
  o.on<sfn::op::TagResource>([&](Context& c, const sfn::TagResourceInput& in) {
    e.machines().change_tags(c.principal.arn, tagged(e, c, in.resource_arn), read_tags(in.tags), {});
    return sfn::op::TagResource::Output();
  });
  o.on<sfn::op::UntagResource>([&](Context& c, const sfn::UntagResourceInput& in) {
    e.machines().change_tags(c.principal.arn, tagged(e, c, in.resource_arn), {}, in.tag_keys);
    return sfn::op::UntagResource::Output();
  });
  o.on<sfn::op::ListTagsForResource>([&](Context& c, const sfn::ListTagsForResourceInput& in) {
    sfn::ListTagsForResourceOutput out;
    out.tags.emplace();
    for (const auto& [key, value] : e.machines().tags(tagged(e, c, in.resource_arn))) out.tags->push_back({key, value});
    return out;
  });
}

}  // namespace

void register_machines(api::Operations& o, Executions& e) {
  o.on<sfn::op::CreateStateMachine>([&](Context& c, const auto& in) { return create(e, c, in); });
  o.on<sfn::op::UpdateStateMachine>([&](Context& c, const auto& in) { return update(e, c, in); });
  o.on<sfn::op::DescribeStateMachine>([&](Context& c, const auto& in) { return describe(e, c, in); });
  o.on<sfn::op::ListStateMachines>([&](Context& c, const auto& in) { return list(e, c, in); });
  o.on<sfn::op::ValidateStateMachineDefinition>([&](Context& c, const auto& in) { return validate(c, in); });
  o.on<sfn::op::DeleteStateMachine>([&](Context& c, const auto& in) {
    const auto arn = unqualified_arn(c, in.state_machine_arn, "stateMachine");
    // Nothing of it runs afterwards: none begins once the record is gone, and those that run are ended.
    if (e.machines().remove(c.principal.arn, arn)) e.forget_machine(arn.text());
    return sfn::op::DeleteStateMachine::Output();
  });
  register_tagging(o, e);
}

}  // namespace tarn::gateway::stepfunctions
