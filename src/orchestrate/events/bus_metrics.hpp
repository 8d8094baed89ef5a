// What rules and schedules tell CloudWatch ("Amazon EventBridge User Guide", Monitoring Amazon EventBridge; "Amazon
// EventBridge Scheduler User Guide", Monitoring with CloudWatch).
#pragma once

#include "meta/metric_store.hpp"
#include "orchestrate/events/invocations.hpp"
#include "orchestrate/events/rules.hpp"

namespace tarn::orchestrate {

// A rule matched an event, or its time came.
void put_rule_metrics(meta::MetricStore& store, const RuleAddress& rule);
// A call of a target was made, given up, or went into the dead-letter queue.
void put_call_metrics(meta::MetricStore& store, const Invocation& call, CallStep step);

}  // namespace tarn::orchestrate
