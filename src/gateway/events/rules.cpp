#include "gateway/events/rules.hpp"

#include "api/events.hpp"
#include "base/error.hpp"
#include "gateway/events/pages.hpp"
#include "notify/targets.hpp"

namespace tarn::gateway {
namespace {

namespace events = api::events;
using api::Context;
using orchestrate::EventBus;
using orchestrate::RuleAddress;
using orchestrate::RuleRecord;

[[noreturn]] void not_own(const Context& c, const std::string& arn) {
  throw Error(ErrorKind::denied, "AccessDeniedException",
              "User: " + c.principal.arn + " is not authorized to use the resource " + arn + " of another account.");
}

RuleAddress own_rule(const Context& c, const std::string& name, const std::optional<std::string>& bus) {
  return {own_bus(c, bus), name};
}

events::DescribeRuleResponse describe_rule(EventBus& bus, Context& c, const events::DescribeRuleRequest& in) {
  const events::Rule rule = bus.rules.get(own_rule(c, in.name, in.event_bus_name)).rule;
  events::DescribeRuleResponse out;
  out.name = rule.name;
  out.arn = rule.arn;
  out.event_pattern = rule.event_pattern;
  out.schedule_expression = rule.schedule_expression;
  out.state = rule.state;
  out.description = rule.description;
  out.role_arn = rule.role_arn;
  out.event_bus_name = rule.event_bus_name;
  out.created_by = c.account();
  return out;
}

events::ListRulesResponse list_rules(EventBus& bus, Context& c, const events::ListRulesRequest& in) {
  const PageOfNames page(in.next_token, in.limit);
  const auto address = own_bus(c, in.event_bus_name);
  bus.buses.get(address);
  auto found = bus.rules.list(address, in.name_prefix.value_or(""), page.after, page.size + 1);
  events::ListRulesResponse out;
  out.next_token = page.cut(found, [](const RuleRecord& r) { return *r.rule.name; });
  out.rules.emplace();
  for (RuleRecord& r : found) out.rules->push_back(std::move(r.rule));
  return out;
}

events::ListRuleNamesByTargetResponse list_by_target(EventBus& bus, Context& c,
                                                     const events::ListRuleNamesByTargetRequest& in) {
  const PageOfNames page(in.next_token, in.limit);
  const auto address = own_bus(c, in.event_bus_name);
  bus.buses.get(address);
  std::vector<std::string> names;
  for (const RuleRecord& r : bus.rules.list(address, "", page.after, SIZE_MAX))
    if (std::any_of(r.targets.begin(), r.targets.end(), [&](const auto& t) { return t.arn == in.target_arn; }))
      names.push_back(*r.rule.name);
  events::ListRuleNamesByTargetResponse out;
  out.next_token = page.cut(names, [](const std::string& name) { return name; });
  out.rule_names = std::move(names);
  return out;
}

events::ListTargetsByRuleResponse list_targets(EventBus& bus, Context& c, const events::ListTargetsByRuleRequest& in) {
  const PageOfNames page(in.next_token, in.limit);
  auto targets = bus.rules.get(own_rule(c, in.rule, in.event_bus_name)).targets;
  std::erase_if(targets, [&](const events::Target& t) { return t.id <= page.after; });
  std::sort(targets.begin(), targets.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  events::ListTargetsByRuleResponse out;
  out.next_token = page.cut(targets, [](const events::Target& t) { return t.id; });
  out.targets = std::move(targets);
  return out;
}

events::RemoveTargetsResponse remove_targets(EventBus& bus, Context& c, const events::RemoveTargetsRequest& in) {
  events::RemoveTargetsResponse out;
  out.failed_entries.emplace();
  for (const std::string& id :
       bus.rules.remove_targets(own_rule(c, in.rule, in.event_bus_name), c.principal.arn, in.ids))
    out.failed_entries->push_back(
        {id, "ResourceNotFoundException", "Rule '" + in.rule + "' does not have a target with the Id '" + id + "'."});
  out.failed_entry_count = static_cast<int64_t>(out.failed_entries->size());
  return out;
}

}  // namespace

orchestrate::BusAddress own_bus(const Context& c, const std::optional<std::string>& name_or_arn) {
  auto out = orchestrate::bus_address(c.account(), c.region, name_or_arn);
  if (out.account != c.account()) not_own(c, *name_or_arn);
  return out;
}

orchestrate::BusAddress bus_of_arn(const Context& c, const std::string& text) {
  const auto arn = notify::parse_arn(text);
  if (!arn || arn->service != "events" || !arn->resource.starts_with("event-bus/"))
    throw Error(ErrorKind::caller, "ValidationException",
                "Parameter ResourceArn is not valid. Reason: Provided Arn is not in correct format.");
  return own_bus(c, text);
}

std::optional<RuleAddress> rule_of_arn(const Context& c, const std::string& text) {
  const auto arn = notify::parse_arn(text);
  if (!arn || arn->service != "events" || !arn->resource.starts_with("rule/")) return std::nullopt;
  if (arn->account != c.account()) not_own(c, text);
  const std::string path = arn->resource.substr(5);
  const std::size_t slash = path.rfind('/');
  RuleAddress out{{arn->account, arn->region, "default"}, path};
  if (slash != path.npos) {
    out.bus.name = path.substr(0, slash);
    out.name = path.substr(slash + 1);
  }
  return out;
}

void register_rules(api::Operations& o, EventBus& b) {
  o.on<events::op::PutRule>([&](Context& c, const auto& in) {
    return events::PutRuleResponse{b.rules.put(own_rule(c, in.name, in.event_bus_name), c.principal.arn, in)};
  });
  o.on<events::op::DescribeRule>([&](Context& c, const auto& in) { return describe_rule(b, c, in); });
  o.on<events::op::ListRules>([&](Context& c, const auto& in) { return list_rules(b, c, in); });
  o.on<events::op::ListRuleNamesByTarget>([&](Context& c, const auto& in) { return list_by_target(b, c, in); });
  o.on<events::op::EnableRule>([&](Context& c, const auto& in) {
    b.rules.set_state(own_rule(c, in.name, in.event_bus_name), c.principal.arn, "ENABLED");
    return api::Empty();
  });
  o.on<events::op::DisableRule>([&](Context& c, const auto& in) {
    b.rules.set_state(own_rule(c, in.name, in.event_bus_name), c.principal.arn, "DISABLED");
    return api::Empty();
  });
  // Force is for rules that AWS's services made; here are none, so it asks for nothing more.
  o.on<events::op::DeleteRule>([&](Context& c, const auto& in) {
    b.rules.remove(own_rule(c, in.name, in.event_bus_name), c.principal.arn);
    return api::Empty();
  });
  o.on<events::op::PutTargets>([&](Context& c, const auto& in) {
    b.rules.put_targets(own_rule(c, in.rule, in.event_bus_name), c.principal.arn, in.targets);
    events::PutTargetsResponse out;
    out.failed_entry_count = 0;
    out.failed_entries.emplace();
    return out;
  });
  o.on<events::op::RemoveTargets>([&](Context& c, const auto& in) { return remove_targets(b, c, in); });
  o.on<events::op::ListTargetsByRule>([&](Context& c, const auto& in) { return list_targets(b, c, in); });
}

}  // namespace tarn::gateway
