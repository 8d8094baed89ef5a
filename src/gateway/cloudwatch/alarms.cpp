#include "gateway/cloudwatch/alarms.hpp"

#include <algorithm>

#include "gateway/cloudwatch/metric_data.hpp"
#include "orchestrate/alarms/alarm_rule.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using orchestrate::Alarm;
using orchestrate::Alarms;
using orchestrate::AlarmScope;

constexpr int64_t default_records = 50;

AlarmScope scope_of(const Context& c) {
  return {c.account(), c.region};
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> named_by(const Alarm& alarm) {
  std::vector<std::string> out;
  if (alarm.composite)
    for (const std::string& named : orchestrate::AlarmRule::parse(alarm.body.string_or("AlarmRule")).alarms())
      out.push_back(orchestrate::alarm_name_of(named));
  return out;
}

bool acts_on(const Alarm& alarm, const std::string& prefix) {
  for (const char* state : {"OK", "ALARM", "INSUFFICIENT_DATA"})
    for (const std::string& arn : alarm.actions_for(state))
      if (arn.starts_with(prefix)) return true;
  return false;
}

// The alarms of these types; metric alarms alone where none is given, but all by name or by kinship.
bool is_of_types(const Alarm& alarm, const std::optional<std::vector<std::string>>& types, bool all_by_default) {
  if (types && !types->empty()) return has(*types, alarm.type());
  return all_by_default || !alarm.composite;
}

model::DescribeAlarmsOutput describe(const Alarms& alarms, Context& c, const model::DescribeAlarmsInput& in) {
  if (in.alarm_names && in.alarm_name_prefix)
    throw Error(ErrorKind::caller, "ValidationError", "AlarmNames and AlarmNamePrefix exclude each other.");
  if ((in.children_of_alarm_name || in.parents_of_alarm_name) &&
      (in.alarm_names || in.alarm_name_prefix || in.action_prefix || in.state_value || in.alarm_types))
    throw Error(ErrorKind::caller, "ValidationError",
                "ChildrenOfAlarmName and ParentsOfAlarmName can't be used with other filters.");
  std::vector<Alarm> found = alarms.list(scope_of(c));
  std::vector<std::string> children;
  if (in.children_of_alarm_name)
    if (const auto parent = alarms.find(scope_of(c), *in.children_of_alarm_name)) children = named_by(*parent);
  std::erase_if(found, [&](const Alarm& a) {
    if (in.children_of_alarm_name) return !has(children, a.name);
    if (in.parents_of_alarm_name) return !has(named_by(a), *in.parents_of_alarm_name);
    return !is_of_types(a, in.alarm_types, false) || (in.alarm_names && !has(*in.alarm_names, a.name)) ||
           (in.alarm_name_prefix && !a.name.starts_with(*in.alarm_name_prefix)) ||
           (in.state_value && a.state() != *in.state_value) || (in.action_prefix && !acts_on(a, *in.action_prefix));
  });
  const std::size_t from = in.next_token ? page_place(*in.next_token) : 0;
  const std::size_t to =
      std::min(found.size(), from + static_cast<std::size_t>(in.max_records.value_or(default_records)));
  model::DescribeAlarmsOutput out;
  out.metric_alarms.emplace();
  out.composite_alarms.emplace();
  for (std::size_t i = from; i < to; ++i) {
    if (found[i].composite)
      out.composite_alarms->push_back(api::from<model::CompositeAlarm>(found[i].body));
    else
      out.metric_alarms->push_back(api::from<model::MetricAlarm>(found[i].body));
  }
  if (to < found.size()) out.next_token = page_token(to);
  return out;
}

model::DescribeAlarmsForMetricOutput for_metric(const Alarms& alarms, Context& c,
                                                const model::DescribeAlarmsForMetricInput& in) {
  auto sorted = [](std::optional<std::vector<model::Dimension>> d) {
    auto out = d.value_or(std::vector<model::Dimension>());
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
  };
  model::DescribeAlarmsForMetricOutput out;
  out.metric_alarms.emplace();
  for (const Alarm& alarm : alarms.list(scope_of(c))) {
    if (alarm.composite) continue;
    auto one = api::from<model::MetricAlarm>(alarm.body);
    if (one.metric_name != in.metric_name || one.namespace_ != in.namespace_ ||
        sorted(one.dimensions) != sorted(in.dimensions) || (in.statistic && one.statistic != in.statistic) ||
        (in.extended_statistic && one.extended_statistic != in.extended_statistic) ||
        (in.period && one.period != in.period) || (in.unit && one.unit != in.unit))
      continue;
    out.metric_alarms->push_back(std::move(one));
  }
  return out;
}

model::DescribeAlarmHistoryOutput history(const Alarms& alarms, Context& c,
                                          const model::DescribeAlarmHistoryInput& in) {
  refuse_given(in.alarm_contributor_id, "AlarmContributorId");
  auto items = alarms.history(scope_of(c), in.alarm_name.value_or(""));
  std::erase_if(items, [&](const model::AlarmHistoryItem& item) {
    return (in.history_item_type && item.history_item_type != in.history_item_type) ||
           (in.start_date && *item.timestamp < *in.start_date) || (in.end_date && *item.timestamp > *in.end_date) ||
           (in.alarm_types && !in.alarm_types->empty() ? !has(*in.alarm_types, *item.alarm_type)
                                                       : !in.alarm_name && item.alarm_type != "MetricAlarm");
  });
  if (in.scan_by != "TimestampAscending") std::reverse(items.begin(), items.end());
  const std::size_t from = std::min(items.size(), in.next_token ? page_place(*in.next_token) : 0);
  const std::size_t to = std::min(items.size(), from + static_cast<std::size_t>(in.max_records.value_or(100)));
  model::DescribeAlarmHistoryOutput out;
  out.alarm_history_items.emplace(items.begin() + static_cast<std::ptrdiff_t>(from),
                                  items.begin() + static_cast<std::ptrdiff_t>(to));
  if (to < items.size()) out.next_token = page_token(to);
  return out;
}

}  // namespace

void register_alarms(api::Operations& o, Alarms& alarms) {
  namespace op = model::op;
  o.on<op::PutMetricAlarm>([&](Context& c, const model::PutMetricAlarmInput& in) {
    alarms.put(scope_of(c), c.principal.arn, in);
    return api::Empty();
  });
  o.on<op::PutCompositeAlarm>([&](Context& c, const model::PutCompositeAlarmInput& in) {
    alarms.put(scope_of(c), c.principal.arn, in);
    return api::Empty();
  });
  o.on<op::DescribeAlarms>([&](Context& c, const model::DescribeAlarmsInput& in) { return describe(alarms, c, in); });
  o.on<op::DescribeAlarmsForMetric>(
      [&](Context& c, const model::DescribeAlarmsForMetricInput& in) { return for_metric(alarms, c, in); });
  o.on<op::DescribeAlarmHistory>(
      [&](Context& c, const model::DescribeAlarmHistoryInput& in) { return history(alarms, c, in); });
  o.on<op::DeleteAlarms>([&](Context& c, const model::DeleteAlarmsInput& in) {
    alarms.remove(scope_of(c), c.principal.arn, in.alarm_names);
    return api::Empty();
  });
  o.on<op::SetAlarmState>([&](Context& c, const model::SetAlarmStateInput& in) {
    alarms.set_state(scope_of(c), in);
    return api::Empty();
  });
  o.on<op::EnableAlarmActions>([&](Context& c, const model::EnableAlarmActionsInput& in) {
    alarms.enable_actions(scope_of(c), c.principal.arn, in.alarm_names, true);
    return api::Empty();
  });
  o.on<op::DisableAlarmActions>([&](Context& c, const model::DisableAlarmActionsInput& in) {
    alarms.enable_actions(scope_of(c), c.principal.arn, in.alarm_names, false);
    return api::Empty();
  });
}

}  // namespace tarn::gateway
