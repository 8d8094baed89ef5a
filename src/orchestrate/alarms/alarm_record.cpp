#include "orchestrate/alarms/alarm_record.hpp"

#include <algorithm>
#include <array>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace tarn::orchestrate {
namespace {

// As CloudWatch names regions in its messages.
std::string region_name(const std::string& region) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> names = {{
      {"us-east-1", "US East (N. Virginia)"},
      {"us-east-2", "US East (Ohio)"},
      {"us-west-1", "US West (N. California)"},
      {"us-west-2", "US West (Oregon)"},
      {"ca-central-1", "Canada (Central)"},
      {"eu-central-1", "EU (Frankfurt)"},
      {"eu-west-1", "EU (Ireland)"},
      {"eu-west-2", "EU (London)"},
      {"eu-west-3", "EU (Paris)"},
      {"eu-north-1", "EU (Stockholm)"},
      {"eu-south-1", "EU (Milan)"},
      {"ap-south-1", "Asia Pacific (Mumbai)"},
      {"ap-southeast-1", "Asia Pacific (Singapore)"},
      {"ap-southeast-2", "Asia Pacific (Sydney)"},
      {"ap-northeast-1", "Asia Pacific (Tokyo)"},
      {"sa-east-1", "South America (Sao Paulo)"},
  }};
  for (const auto& [code, name] : names)
    if (code == region) return std::string(name);
  return region;
}

std::string offset_time(Time t) {
  std::string out = format_iso8601(t);
  out.replace(out.size() - 1, 1, "+0000");
  return out;
}

Time time_of(const Value& body, const char* member) {
  const Value* v = body.find(member);
  return v ? v->as_time() : Time{};
}

// By reference: loops go over it.
const Value& list_of(const Value& body, const char* member) {
  static const Value none = Value::list();
  const Value* v = body.find(member);
  return v ? *v : none;
}

Value text_or_null(const Value& body, const char* member) {
  const Value* v = body.find(member);
  return v ? *v : Value();
}

Value state_value(const std::string& value, const std::string& reason, const std::string& reason_data, Time at) {
  Value out = Value::map({{"value", value}, {"reason", reason}, {"timestamp", offset_time(at)}});
  if (!reason_data.empty()) out.set("reasonData", reason_data);
  return out;
}

Value dimensions_as(const Value& metric, bool map) {
  Value out = map ? Value::map() : Value::list();
  for (const Value& d : list_of(metric, "Dimensions").as_list()) {
    if (map)
      out.set(d.string_or("Name"), d.string_or("Value"));
    else
      out.push_back(Value::map({{"value", d.string_or("Value")}, {"name", d.string_or("Name")}}));
  }
  return out;
}

Value event_metrics(const Alarm& alarm) {
  Value out = Value::list();
  const ValueList queries = queries_of(alarm).first;
  for (const Value& q : queries) {
    Value one = Value::map({{"id", q.string_or("Id")}, {"returnData", q.bool_or("ReturnData", true)}});
    if (const Value* stat = q.find("MetricStat")) {
      const Value& metric = stat->at("Metric");
      one.set("metricStat", Value::map({{"metric", Value::map({{"namespace", metric.string_or("Namespace")},
                                                               {"name", metric.string_or("MetricName")},
                                                               {"dimensions", dimensions_as(metric, true)}})},
                                        {"period", stat->int_or("Period")},
                                        {"stat", stat->string_or("Stat")}}));
    } else {
      one.set("expression", q.string_or("Expression")).set("label", q.string_or("Label", q.string_or("Id")));
    }
    out.push_back(std::move(one));
  }
  return out;
}

Value configuration_of(const Alarm& alarm) {
  Value out = Value::map();
  if (const Value* text = alarm.body.find("AlarmDescription")) out.set("description", *text);
  if (!alarm.composite) return out.set("metrics", event_metrics(alarm));
  out.set("alarmRule", alarm.body.string_or("AlarmRule"));
  return out;
}

Value trigger_of(const Alarm& alarm) {
  const Value& b = alarm.body;
  Value out = Value::map({{"Period", b.int_or("Period")},
                          {"EvaluationPeriods", b.int_or("EvaluationPeriods")},
                          {"DatapointsToAlarm", b.int_or("DatapointsToAlarm", b.int_or("EvaluationPeriods"))},
                          {"ComparisonOperator", b.string_or("ComparisonOperator")},
                          {"Threshold", b.find("Threshold") ? *b.find("Threshold") : Value()},
                          {"TreatMissingData", b.string_or("TreatMissingData")},
                          {"EvaluateLowSampleCountPercentile", b.string_or("EvaluateLowSampleCountPercentile")}});
  if (b.find("Metrics")) return out.set("Metrics", *b.find("Metrics"));
  out.set("MetricName", b.string_or("MetricName")).set("Namespace", b.string_or("Namespace"));
  if (b.find("Statistic")) {
    std::string statistic = b.string_or("Statistic");
    std::transform(statistic.begin(), statistic.end(), statistic.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (statistic == "SAMPLECOUNT") statistic = "SAMPLE_COUNT";
    out.set("StatisticType", "Statistic").set("Statistic", statistic);
  } else {
    out.set("StatisticType", "ExtendedStatistic").set("ExtendedStatistic", b.string_or("ExtendedStatistic"));
  }
  return out.set("Unit", text_or_null(b, "Unit")).set("Dimensions", dimensions_as(b, false));
}

}  // namespace

std::vector<std::string> Alarm::actions_for(const std::string& wanted) const {
  const char* member = wanted == "OK" ? "OKActions" : wanted == "ALARM" ? "AlarmActions" : "InsufficientDataActions";
  std::vector<std::string> out;
  for (const Value& arn : list_of(body, member).as_list()) out.push_back(arn.as_string());
  return out;
}

Value to_record(const Alarm& alarm) {
  return Value::map({{"Composite", alarm.composite}, {"Alarm", alarm.body}, {"Tags", api::to_value(alarm.tags)}});
}

Alarm alarm_from_record(const std::string& key, const Value& record) {
  const auto parts = meta::key_parts(key);
  Alarm out{{parts.at(0), parts.at(1)}, parts.at(2), record.bool_or("Composite"), record.at("Alarm"), {}};
  api::from_value(record.at("Tags"), out.tags);
  return out;
}

std::string alarm_name_of(const std::string& name_or_arn) {
  constexpr std::string_view before_name = ":alarm:";
  const auto at = name_or_arn.find(before_name);
  return name_or_arn.starts_with("arn:") && at != name_or_arn.npos ? name_or_arn.substr(at + before_name.size())
                                                                   : name_or_arn;
}

AlarmTest test_of(const Alarm& alarm) {
  const Value& b = alarm.body;
  AlarmTest out;
  out.period_s = b.int_or("Period", 60);
  for (const Value& q : list_of(b, "Metrics").as_list())
    out.period_s =
        std::max(q.int_or("Period", 0), q.find("MetricStat") ? q.at("MetricStat").int_or("Period") : out.period_s);
  out.evaluation_periods = b.int_or("EvaluationPeriods", 1);
  out.datapoints_to_alarm = b.int_or("DatapointsToAlarm", out.evaluation_periods);
  if (const Value* threshold = b.find("Threshold")) out.threshold = threshold->as_double();
  out.comparison = b.string_or("ComparisonOperator");
  out.treat_missing = b.string_or("TreatMissingData", "missing");
  return out;
}

std::pair<ValueList, std::string> queries_of(const Alarm& alarm) {
  const Value& b = alarm.body;
  if (const Value* metrics = b.find("Metrics")) {
    std::string compared;
    for (const Value& q : metrics->as_list())
      if (q.bool_or("ReturnData", true)) compared = q.string_or("Id");
    return {metrics->as_list(), compared};
  }
  Value metric = Value::map({{"Namespace", b.string_or("Namespace")}, {"MetricName", b.string_or("MetricName")}});
  if (const Value* dimensions = b.find("Dimensions")) metric.set("Dimensions", *dimensions);
  Value stat = Value::map({{"Metric", std::move(metric)},
                           {"Period", b.int_or("Period")},
                           {"Stat", b.string_or("Statistic", b.string_or("ExtendedStatistic"))}});
  if (const Value* unit = b.find("Unit")) stat.set("Unit", *unit);
  return {{Value::map({{"Id", "m1"}, {"MetricStat", std::move(stat)}, {"ReturnData", true}})}, "m1"};
}

AlarmStateBefore present_state(const Alarm& alarm) {
  return {alarm.state(), alarm.body.string_or("StateReason"), alarm.body.string_or("StateReasonData"),
          time_of(alarm.body, "StateUpdatedTimestamp")};
}

std::string topic_message(const Alarm& alarm, const AlarmStateBefore& before) {
  const Value& b = alarm.body;
  Value out = Value::map({{"AlarmName", alarm.name},
                          {"AlarmDescription", text_or_null(b, "AlarmDescription")},
                          {"AWSAccountId", alarm.scope.account}});
  if (!alarm.composite)
    out.set("AlarmConfigurationUpdatedTimestamp", offset_time(time_of(b, "AlarmConfigurationUpdatedTimestamp")));
  out.set("NewStateValue", alarm.state())
      .set("NewStateReason", b.string_or("StateReason"))
      .set("StateChangeTime", offset_time(time_of(b, "StateUpdatedTimestamp")))
      .set("Region", region_name(alarm.scope.region))
      .set("AlarmArn", alarm.arn())
      .set("OldStateValue", before.value)
      .set("OKActions", list_of(b, "OKActions"))
      .set("AlarmActions", list_of(b, "AlarmActions"))
      .set("InsufficientDataActions", list_of(b, "InsufficientDataActions"));
  if (alarm.composite)
    out.set("AlarmRule", b.string_or("AlarmRule"));
  else
    out.set("Trigger", trigger_of(alarm));
  return to_json(out);
}

std::string topic_subject(const Alarm& alarm) {
  constexpr std::size_t max_subject_size = 100;  // SNS's
  std::string out = alarm.state() + ": \"" + alarm.name + "\" in " + region_name(alarm.scope.region);
  return out.size() < max_subject_size ? out : out.substr(0, max_subject_size - 4) + "...";
}

Value event_detail(const Alarm& alarm, const AlarmStateBefore& before) {
  const AlarmStateBefore now = present_state(alarm);
  return Value::map({{"alarmName", alarm.name},
                     {"state", state_value(now.value, now.reason, now.reason_data, now.updated)},
                     {"previousState", state_value(before.value, before.reason, before.reason_data, before.updated)},
                     {"configuration", configuration_of(alarm)}});
}

std::string function_message(const Alarm& alarm, const AlarmStateBefore& before) {
  return to_json(Value::map({{"source", "aws.cloudwatch"},
                             {"alarmArn", alarm.arn()},
                             {"accountId", alarm.scope.account},
                             {"time", offset_time(time_of(alarm.body, "StateUpdatedTimestamp"))},
                             {"region", alarm.scope.region},
                             {"alarmData", event_detail(alarm, before)}}));
}

}  // namespace tarn::orchestrate
