#include "orchestrate/events/bus_metrics.hpp"

namespace tarn::orchestrate {
namespace {

void put_for_rule(meta::MetricStore& store, const RuleAddress& rule, const char* metric) {
  meta::MetricName name{rule.bus.account, rule.bus.region, "AWS/Events", metric, {{"RuleName", rule.name}}};
  if (rule.bus.name != "default") name.dimensions["EventBusName"] = rule.bus.name;
  store.put(name, 1, "Count");
}

void put_for_schedule(meta::MetricStore& store, const std::string& key, const char* metric) {
  const auto parts = meta::key_parts(key);
  meta::MetricName name{parts.at(0), parts.at(1), "AWS/Scheduler", metric, {}};
  store.put(name, 1, "Count");
  name.dimensions["ScheduleGroup"] = parts.at(2);
  store.put(name, 1, "Count");
}

}  // namespace

void put_rule_metrics(meta::MetricStore& store, const RuleAddress& rule) {
  for (const char* metric : {"MatchedEvents", "TriggeredRules"}) put_for_rule(store, rule, metric);
}

void put_call_metrics(meta::MetricStore& store, const Invocation& call, CallStep step) {
  if (call.origin == "schedule") {
    switch (step) {
      case CallStep::attempted:
        return put_for_schedule(store, call.key, "InvocationAttemptCount");
      case CallStep::failed:
        return put_for_schedule(store, call.key, "TargetErrorCount");
      case CallStep::given_up:
        return put_for_schedule(store, call.key, "InvocationDroppedCount");
      case CallStep::buried:
        return put_for_schedule(store, call.key, "InvocationsSentToDeadLetterCount");
      case CallStep::taken:
        return;
    }
  }
  const RuleAddress rule = rule_address(call.key);
  switch (step) {
    case CallStep::attempted:
      return put_for_rule(store, rule, "InvocationAttempts");
    case CallStep::taken:
      put_for_rule(store, rule, "SuccessfulInvocationAttempts");
      return put_for_rule(store, rule, "Invocations");
    case CallStep::given_up:
      put_for_rule(store, rule, "Invocations");
      return put_for_rule(store, rule, "FailedInvocations");
    case CallStep::buried:
      return put_for_rule(store, rule, "InvocationsSentToDlq");
    case CallStep::failed:
      return;
  }
}

}  // namespace tarn::orchestrate
