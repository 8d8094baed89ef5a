// Versions and aliases of state machines.
#include <algorithm>

#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"

namespace tarn::gateway::stepfunctions {
namespace {

using api::Context;
using states::Executions;

[[noreturn]] void invalid(const std::string& why) {
  throw Error(ErrorKind::caller, "ValidationException", why);
}

// The machine whose versions these are.
states::StatesArn machine_of_routes(Executions& e, Context& c,
                                    const std::vector<sfn::RoutingConfigurationListItem>& routes) {
  states::StatesArn machine;
  int64_t weights = 0;
  for (const auto& route : routes) {
    states::StatesArn arn = checked_arn(c, route.state_machine_version_arn, "stateMachine");
    if (!e.machines().version(arn))
      throw Error(ErrorKind::missing, "ResourceNotFound", "Request references a resource that does not exist.");
    weights += route.weight;
    arn.qualifier.clear();
    if (!machine.name.empty() && machine.name != arn.name) invalid("The versions must be of one state machine.");
    machine = arn;
  }
  if (weights != 100)
    invalid(
        "1 validation error detected: Value at 'routingConfiguration' failed to satisfy constraint: Sum of routing "
        "configuration weights must equal 100");
  return machine;
}

states::MachineAlias need_alias(Executions& e, const states::StatesArn& arn) {
  auto found = e.machines().alias(arn);
  if (!found) throw Error(ErrorKind::missing, "ResourceNotFound", "Request references a resource that does not exist.");
  return *std::move(found);
}

void set_routes(states::MachineAlias& alias, const std::vector<sfn::RoutingConfigurationListItem>& routes) {
  alias.routes.clear();
  for (const auto& route : routes) alias.routes.emplace_back(route.state_machine_version_arn, route.weight);
}

sfn::CreateStateMachineAliasOutput create_alias(Executions& e, Context& c, Clock& clock,
                                                const sfn::CreateStateMachineAliasInput& in) {
  states::StatesArn arn = machine_of_routes(e, c, in.routing_configuration);
  states::MachineAlias alias{in.name, in.description.value_or(""), {}, clock.now(), clock.now()};
  set_routes(alias, in.routing_configuration);
  arn.qualifier = in.name;
  if (const auto there = e.machines().alias(arn)) {
    if (there->routes != alias.routes || there->description != alias.description)
      throw Error(ErrorKind::conflict, "ConflictException",
                  "Failed to create alias because an alias with the same name and a different routing configuration "
                  "already exists.");
    return {arn.text(), there->created};
  }
  e.machines().put_alias(c.principal.arn, arn, alias);
  return {arn.text(), alias.created};
}

sfn::UpdateStateMachineAliasOutput update_alias(Executions& e, Context& c, Clock& clock,
                                                const sfn::UpdateStateMachineAliasInput& in) {
  const auto arn = checked_arn(c, in.state_machine_alias_arn, "stateMachine");
  states::MachineAlias alias = need_alias(e, arn);
  if (!in.description && !in.routing_configuration)
    invalid("Either the description or the routingConfiguration must be specified");
  if (in.description) alias.description = *in.description;
  if (in.routing_configuration) {
    if (machine_of_routes(e, c, *in.routing_configuration).name != arn.name)
      invalid("The versions must be of the alias's state machine.");
    set_routes(alias, *in.routing_configuration);
  }
  alias.updated = clock.now();
  e.machines().put_alias(c.principal.arn, arn, alias);
  return {alias.updated};
}

sfn::DescribeStateMachineAliasOutput describe_alias(Executions& e, Context& c,
                                                    const sfn::DescribeStateMachineAliasInput& in) {
  const auto arn = checked_arn(c, in.state_machine_alias_arn, "stateMachine");
  const states::MachineAlias alias = need_alias(e, arn);
  sfn::DescribeStateMachineAliasOutput out;
  out.state_machine_alias_arn = arn.text();
  out.name = alias.name;
  if (!alias.description.empty()) out.description = alias.description;
  out.routing_configuration.emplace();
  for (const auto& [version, weight] : alias.routes) out.routing_configuration->push_back({version, weight});
  out.creation_date = alias.created;
  out.update_date = alias.updated;
  return out;
}

// The part of `all` behind `token`'s place, and the token of the next.
template <class T, class Out>
std::vector<T> page_of(std::vector<T> all, const std::optional<std::string>& token, std::size_t size, Out& out) {
  std::size_t from = 0;
  if (const std::string place = read_page_token(token); !place.empty()) {
    if (place.find_first_not_of("0123456789") != std::string::npos || place.size() > 9)
      throw Error(ErrorKind::caller, "InvalidToken", "Invalid Token: 'Invalid token'");
    from = std::min<std::size_t>(std::stoul(place), all.size());
  }
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
  if (all.size() > size) {
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(size), all.end());
    out.next_token = write_page_token(std::to_string(from + size));
  }
  return all;
}

void register_aliases(api::Operations& o, Executions& e, Clock& clock) {
  o.on<sfn::op::CreateStateMachineAlias>([&](Context& c, const auto& in) { return create_alias(e, c, clock, in); });
  o.on<sfn::op::UpdateStateMachineAlias>([&](Context& c, const auto& in) { return update_alias(e, c, clock, in); });
  o.on<sfn::op::DescribeStateMachineAlias>([&](Context& c, const auto& in) { return describe_alias(e, c, in); });
  o.on<sfn::op::DeleteStateMachineAlias>([&](Context& c, const auto& in) {
    e.machines().remove_alias(c.principal.arn, checked_arn(c, in.state_machine_alias_arn, "stateMachine"));
    return sfn::op::DeleteStateMachineAlias::Output();
  });
  o.on<sfn::op::ListStateMachineAliases>([&](Context& c, const sfn::ListStateMachineAliasesInput& in) {
    auto arn = checked_arn(c, in.state_machine_arn, "stateMachine");
    e.machines().get(arn);
    const std::string of_version = arn.qualifier.empty() ? "" : arn.text();
    std::vector<states::MachineAlias> all = e.machines().aliases(arn);
    std::erase_if(all, [&](const states::MachineAlias& a) {
      return !of_version.empty() &&
             std::none_of(a.routes.begin(), a.routes.end(), [&](const auto& r) { return r.first == of_version; });
    });
    sfn::ListStateMachineAliasesOutput out;
    for (const states::MachineAlias& a : page_of(std::move(all), in.next_token, page_size(in.max_results), out)) {
      arn.qualifier = a.name;
      out.state_machine_aliases.push_back({arn.text(), a.created});
    }
    return out;
  });
}

}  // namespace

void register_versions(api::Operations& o, Executions& e, Clock& clock) {
  o.on<sfn::op::PublishStateMachineVersion>([&](Context& c, const sfn::PublishStateMachineVersionInput& in) {
    const auto arn = unqualified_arn(c, in.state_machine_arn, "stateMachine");
    const auto version = e.machines().publish(c.principal.arn, arn, in.revision_id, in.description.value_or(""));
    return sfn::PublishStateMachineVersionOutput{version.created, arn.text() + ":" + std::to_string(version.number)};
  });
  o.on<sfn::op::DeleteStateMachineVersion>([&](Context& c, const auto& in) {
    const auto arn = checked_arn(c, in.state_machine_version_arn, "stateMachine");
    if (arn.qualifier.empty() || arn.qualifier.find_first_not_of("0123456789") != std::string::npos)
      throw Error(ErrorKind::caller, "InvalidArn", "Invalid Arn: '" + in.state_machine_version_arn + "'");
    e.machines().remove_version(c.principal.arn, arn);
    return sfn::op::DeleteStateMachineVersion::Output();
  });
  o.on<sfn::op::ListStateMachineVersions>([&](Context& c, const sfn::ListStateMachineVersionsInput& in) {
    const auto arn = unqualified_arn(c, in.state_machine_arn, "stateMachine");
    e.machines().get(arn);
    sfn::ListStateMachineVersionsOutput out;
    for (const auto& v : page_of(e.machines().versions(arn), in.next_token, page_size(in.max_results), out))
      out.state_machine_versions.push_back({arn.text() + ":" + std::to_string(v.number), v.created});
    return out;
  });
  register_aliases(o, e, clock);
}

}  // namespace tarn::gateway::stepfunctions
