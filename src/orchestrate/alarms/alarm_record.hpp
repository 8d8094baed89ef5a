// An alarm as it is kept, and what is told of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/cloudwatch.hpp"
#include "meta/metadata.hpp"
#include "orchestrate/alarms/alarm_state.hpp"

namespace tarn::orchestrate {

struct AlarmScope {
  std::string account, region;
  auto operator<=>(const AlarmScope&) const = default;
};

struct Alarm {
  AlarmScope scope;
  std::string name;
  bool composite = false;
  // The members of AWS's MetricAlarm or CompositeAlarm, by their names there.
  Value body;
  std::map<std::string, std::string> tags;

  std::string arn() const { return "arn:aws:cloudwatch:" + scope.region + ":" + scope.account + ":alarm:" + name; }
  std::string key() const { return meta::key({scope.account, scope.region, name}); }
  std::string state() const { return body.string_or("StateValue"); }
  // ARNs that are told when it comes into `state`.
  std::vector<std::string> actions_for(const std::string& state) const;
  const char* type() const { return composite ? "CompositeAlarm" : "MetricAlarm"; }
};

Value to_record(const Alarm& alarm);
Alarm alarm_from_record(const std::string& key, const Value& record);
// The name in an alarm's ARN, or the name itself.
std::string alarm_name_of(const std::string& name_or_arn);

// Of a metric alarm.
AlarmTest test_of(const Alarm& alarm);
// The queries that give its points, and the id of the one that is compared with the threshold.
std::pair<ValueList, std::string> queries_of(const Alarm& alarm);

// A state, as it was before a change.
struct AlarmStateBefore {
  std::string value, reason, reason_data;
  Time updated{};
};
AlarmStateBefore present_state(const Alarm& alarm);

// What a topic is told ("Amazon CloudWatch User Guide", Notifying users on alarm changes), with its subject; what a
// function is; what the event bus is (the event's detail).
std::string topic_message(const Alarm& alarm, const AlarmStateBefore& before);
std::string topic_subject(const Alarm& alarm);
std::string function_message(const Alarm& alarm, const AlarmStateBefore& before);
Value event_detail(const Alarm& alarm, const AlarmStateBefore& before);

}  // namespace tarn::orchestrate
