#include "orchestrate/alarms/alarms.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "govern/identities.hpp"
#include "orchestrate/alarms/alarm_rule.hpp"

namespace tarn::orchestrate {
namespace {

namespace cloudwatch = api::cloudwatch;
using namespace std::chrono_literals;

constexpr std::string_view kind = "cloudwatch.alarm", history_kind = "cloudwatch.alarm_history";
constexpr std::size_t max_tags = 50, max_alarms = 5000;
constexpr int64_t max_evaluated_s = 7 * 86'400, longest_retries_s = 3600;
constexpr auto history_kept_for = std::chrono::hours(14 * 24);

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationError", what);
}

[[noreturn]] void no_resource(const std::string& arn) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", arn + " does not exist");
}

void refuse(bool given, const char* what) {
  if (given)
    throw Error(ErrorKind::unsupported, "NotImplemented", std::string("tarn has no alarms with ") + what + ".");
}

void check_actions(const std::optional<std::vector<std::string>>& actions, const notify::Targets& targets) {
  for (const std::string& arn : actions.value_or(std::vector<std::string>())) {
    const auto parsed = notify::parse_arn(arn);
    if (!parsed) invalid("Invalid arn syntax: " + arn);
    if (parsed->service != "sns" && parsed->service != "lambda") refuse(true, ("the action " + arn).c_str());
    targets.check(arn);
  }
}

bool is_period(int64_t s) {
  return s == 10 || s == 20 || s == 30 || (s >= 60 && s % 60 == 0);
}

void check_query_set(const std::vector<cloudwatch::MetricDataQuery>& queries) {
  int compared = 0;
  for (const auto& q : queries) compared += q.return_data.value_or(true) ? 1 : 0;
  if (compared != 1) invalid("Exactly one element of the metrics list should return data.");
}

void check_metric_alarm(const cloudwatch::PutMetricAlarmInput& in) {
  refuse(in.threshold_metric_id.has_value(), "ThresholdMetricId (anomaly detection)");
  refuse(in.evaluation_window.has_value(), "EvaluationWindow");
  refuse(in.warm_up_configuration.has_value(), "WarmUpConfiguration");
  refuse(in.evaluation_criteria.has_value(), "EvaluationCriteria");
  refuse(in.evaluation_interval.has_value(), "EvaluationInterval");
  refuse(in.action_configuration.has_value(), "ActionConfiguration");
  const std::string comparison = in.comparison_operator.value_or("");
  refuse(comparison.find("Upper") != comparison.npos || comparison.find("Lower") != comparison.npos,
         "comparisons with anomaly detection bands");
  if (comparison.empty()) invalid("The parameter ComparisonOperator is required.");
  if (!in.evaluation_periods) invalid("The parameter EvaluationPeriods is required.");
  if (!in.threshold) invalid("The parameter Threshold is required.");
  if (!std::isfinite(*in.threshold)) invalid("The parameter Threshold must be a finite number.");
  if (in.datapoints_to_alarm && *in.datapoints_to_alarm > *in.evaluation_periods)
    invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
  static const std::vector<std::string> treatments{"missing", "ignore", "breaching", "notBreaching"};
  if (in.treat_missing_data &&
      std::find(treatments.begin(), treatments.end(), *in.treat_missing_data) == treatments.end())
    invalid(
        "Option " + *in.treat_missing_data +
        " is not supported for TreatMissingData. Supported options are: [breaching, notBreaching, ignore, missing].");
  int64_t period = in.period.value_or(0);
  if (in.metrics) {
    if (in.metric_name || in.namespace_ || in.statistic || in.extended_statistic || in.dimensions || in.period ||
        in.unit)
      invalid(
          "Metrics list must not be specified along with MetricName, Namespace, Dimensions, Period, Unit, Statistic or "
          "ExtendedStatistic.");
    check_query_set(*in.metrics);
    for (const auto& q : *in.metrics)
      period = std::max(period, q.metric_stat ? q.metric_stat->period : q.period.value_or(0));
  } else {
    if (!in.metric_name || !in.namespace_) invalid("MetricName and Namespace, or Metrics, must be specified.");
    if (in.statistic.has_value() == in.extended_statistic.has_value())
      invalid("Exactly one of Statistic and ExtendedStatistic must be specified.");
    if (!in.period) invalid("The parameter Period is required.");
    if (!is_period(period)) invalid("Invalid Period: it must be 10, 20, 30 or a multiple of 60.");
    const auto low = in.evaluate_low_sample_count_percentile;
    if (low && *low != "evaluate" && *low != "ignore")
      invalid("Option " + *low + " is not supported for EvaluateLowSampleCountPercentile.");
    refuse(low == "ignore", "EvaluateLowSampleCountPercentile ignore");
  }
  if (period * *in.evaluation_periods > max_evaluated_s)
    invalid("Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= 604800).");
}

void check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > max_tags)
    throw Error(ErrorKind::limit, "LimitExceededException", "A resource can have at most 50 tags.");
}

std::string state_json(const AlarmStateBefore& before, const Alarm& after) {
  auto one = [](const std::string& value, const std::string& reason, const std::string& data) {
    Value out = Value::map({{"stateValue", value}, {"stateReason", reason}});
    if (!data.empty()) out.set("stateReasonData", parse_json(data));
    return out;
  };
  const AlarmStateBefore now = present_state(after);
  return to_json(Value::map({{"version", "1.0"},
                             {"oldState", one(before.value, before.reason, before.reason_data)},
                             {"newState", one(now.value, now.reason, now.reason_data)}}));
}

Time next_look(const Alarm& alarm, Time now) {
  const auto step = std::chrono::milliseconds(test_of(alarm).period_s < 60 ? 10s : 60s);
  const auto since = now.time_since_epoch();
  return Time(since - since % step + step);
}

}  // namespace

Alarms::Alarms(AlarmParts parts) : parts_(parts) {}

Alarms::~Alarms() {
  stop();
}

// ---- records ----

std::vector<Alarm> Alarms::list(const AlarmScope& scope) const {
  std::vector<Alarm> out;
  for (const meta::Record& r : parts_.metadata.list(kind, meta::prefix({scope.account, scope.region})))
    out.push_back(alarm_from_record(r.key, r.value));
  return out;
}

std::optional<Alarm> Alarms::find(const AlarmScope& scope, const std::string& name) const {
  const std::string key = meta::key({scope.account, scope.region, name});
  const auto record = parts_.metadata.get(kind, key);
  return record ? std::optional(alarm_from_record(key, *record)) : std::nullopt;
}

// The alarm that `body` makes: with the state of the one that it replaces, or none yet.
Alarm Alarms::settled(const AlarmScope& scope, const std::string& name, bool composite, Value body,
                      const std::vector<cloudwatch::Tag>& tags, const std::optional<Alarm>& before) const {
  Alarm out{scope, name, composite, std::move(body), {}};
  for (const char* not_of_it : {"Tags", "AlarmName"}) out.body.erase(not_of_it);
  out.body.set("AlarmName", name).set("AlarmArn", out.arn());
  const Time now = parts_.clock.now();
  out.body.set("AlarmConfigurationUpdatedTimestamp", now);
  for (const char* actions : {"OKActions", "AlarmActions", "InsufficientDataActions"})
    if (!out.body.find(actions)) out.body.set(actions, Value::list());
  out.body.set("ActionsEnabled", out.body.bool_or("ActionsEnabled", true));
  if (before) {
    out.tags = before->tags;
    for (const char* state :
         {"StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp"})
      if (const Value* v = before->body.find(state)) out.body.set(state, *v);
    return out;
  }
  for (const auto& tag : tags) out.tags[tag.key] = tag.value;
  check_tags(out.tags);
  out.body.set("StateValue", "INSUFFICIENT_DATA")
      .set("StateReason", "Unchecked: Initial alarm creation")
      .set("StateUpdatedTimestamp", now)
      .set("StateTransitionedTimestamp", now);
  return out;
}

void Alarms::note(meta::Transaction& change, const Alarm& alarm, const std::string& item, const std::string& summary,
                  const std::string& data) {
  const Time now = parts_.clock.now();
  cloudwatch::AlarmHistoryItem out;
  out.alarm_name = alarm.name;
  out.alarm_type = alarm.type();
  out.timestamp = now;
  out.history_item_type = item;
  out.history_summary = summary;
  out.history_data = data;
  char order[64];
  std::snprintf(order, sizeof order, "%016llx.%08llx", static_cast<unsigned long long>(now.time_since_epoch().count()),
                static_cast<unsigned long long>(++last_history_));
  change.put(history_kind, meta::key({alarm.scope.account, alarm.scope.region, alarm.name, order}), to_value(out));
  // What is too old goes as new comes.
  const auto oldest =
      change.list(history_kind, meta::prefix({alarm.scope.account, alarm.scope.region, alarm.name}), {}, 2);
  for (const meta::Record& r : oldest)
    if (r.value.at("Timestamp").as_time() < now - history_kept_for) change.erase(history_kind, r.key);
}

void Alarms::store(const Alarm& alarm, std::string_view actor, const std::string& item, const std::string& summary,
                   const std::string& data) {
  parts_.metadata.change(actor, [&](meta::Transaction& change) {
    change.put(kind, alarm.key(), to_record(alarm));
    note(change, alarm, item, summary, data);
  });
}

void Alarms::put(const AlarmScope& scope, std::string_view actor, const cloudwatch::PutMetricAlarmInput& in) {
  check_metric_alarm(in);
  for (const auto* actions : {&in.ok_actions, &in.alarm_actions, &in.insufficient_data_actions})
    check_actions(*actions, parts_.targets);
  std::lock_guard watching(watching_);
  const auto before = find(scope, in.alarm_name);
  if (before && before->composite) invalid("A composite alarm of the name " + in.alarm_name + " exists.");
  if (!before && parts_.metadata.count(kind, meta::prefix({scope.account, scope.region})) >= max_alarms)
    throw Error(ErrorKind::limit, "LimitExceeded", "The account has as many alarms as it may have.");
  const Alarm alarm =
      settled(scope, in.alarm_name, false, to_value(in), in.tags.value_or(std::vector<cloudwatch::Tag>()), before);
  store(alarm, actor, "ConfigurationUpdate", "Alarm \"" + alarm.name + (before ? "\" updated" : "\" created"),
        to_json(Value::map({{"version", "1.0"}, {"type", before ? "Update" : "Create"}})));
  std::lock_guard lock(mutex_);
  due_[alarm.key()] = parts_.clock.now();
  sleep_.request_stop();
}

void Alarms::put(const AlarmScope& scope, std::string_view actor, const cloudwatch::PutCompositeAlarmInput& in) {
  refuse(in.action_configuration.has_value(), "ActionConfiguration");
  refuse(in.actions_suppressor.has_value() || in.actions_suppressor_wait_period.has_value() ||
             in.actions_suppressor_extension_period.has_value(),
         "ActionsSuppressor");
  for (const auto* actions : {&in.ok_actions, &in.alarm_actions, &in.insufficient_data_actions})
    check_actions(*actions, parts_.targets);
  const AlarmRule rule = AlarmRule::parse(in.alarm_rule);
  std::lock_guard watching(watching_);
  for (const std::string& named : rule.alarms()) {
    if (alarm_name_of(named) == in.alarm_name) invalid("AlarmRule must not name the alarm itself.");
    if (!find(scope, alarm_name_of(named)))
      invalid("AlarmRule must not contain invalid alarm names or ARNs: " + named + " does not exist.");
  }
  const auto before = find(scope, in.alarm_name);
  if (before && !before->composite) invalid("A metric alarm of the name " + in.alarm_name + " exists.");
  const Alarm alarm =
      settled(scope, in.alarm_name, true, to_value(in), in.tags.value_or(std::vector<cloudwatch::Tag>()), before);
  store(alarm, actor, "ConfigurationUpdate", "Alarm \"" + alarm.name + (before ? "\" updated" : "\" created"),
        to_json(Value::map({{"version", "1.0"}, {"type", before ? "Update" : "Create"}})));
  look_at_composite(alarm);
}

void Alarms::remove(const AlarmScope& scope, std::string_view actor, const std::vector<std::string>& names) {
  std::lock_guard watching(watching_);
  for (const std::string& name : names) {
    if (!find(scope, name)) throw Error(ErrorKind::missing, "ResourceNotFound", "Alarm " + name + " does not exist");
    for (const Alarm& other : list(scope)) {
      if (!other.composite || std::find(names.begin(), names.end(), other.name) != names.end()) continue;
      for (const std::string& named : AlarmRule::parse(other.body.string_or("AlarmRule")).alarms())
        if (alarm_name_of(named) == name)
          invalid("Cannot delete " + name + " as there are composite alarm(s) depending on it: [" + other.name + "]");
    }
  }
  parts_.metadata.change(actor, [&](meta::Transaction& change) {
    for (const std::string& name : names) {
      change.erase(kind, meta::key({scope.account, scope.region, name}));
      change.erase_all(history_kind, meta::prefix({scope.account, scope.region, name}));
    }
  });
  std::lock_guard lock(mutex_);
  for (const std::string& name : names) due_.erase(meta::key({scope.account, scope.region, name}));
}

void Alarms::set_state(const AlarmScope& scope, const cloudwatch::SetAlarmStateInput& in) {
  std::lock_guard watching(watching_);
  const auto alarm = find(scope, in.alarm_name);
  if (!alarm) throw Error(ErrorKind::missing, "ResourceNotFound", "Alarm " + in.alarm_name + " does not exist");
  if (in.state_reason_data) {
    try {
      parse_json(*in.state_reason_data);
    } catch (const Error&) {
      throw Error(ErrorKind::caller, "InvalidFormat", "StateReasonData is not valid JSON.");
    }
  }
  change_state(*alarm, in.state_value, in.state_reason, in.state_reason_data.value_or(""));
}

void Alarms::enable_actions(const AlarmScope& scope, std::string_view actor, const std::vector<std::string>& names,
                            bool on) {
  std::lock_guard watching(watching_);
  for (const std::string& name : names) {
    auto alarm = find(scope, name);
    if (!alarm || alarm->body.bool_or("ActionsEnabled") == on) continue;
    alarm->body.set("ActionsEnabled", on);
    store(*alarm, actor, "ConfigurationUpdate", "Alarm \"" + name + "\" updated",
          to_json(Value::map({{"version", "1.0"}, {"type", "Update"}})));
  }
}

void Alarms::change_tags(const AlarmScope& scope, std::string_view actor, const std::string& arn,
                         const std::function<void(std::map<std::string, std::string>&)>& work) {
  std::lock_guard watching(watching_);
  auto alarm = find(scope, alarm_name_of(arn));
  if (!alarm || alarm->arn() != arn) no_resource(arn);
  const auto before = alarm->tags;
  work(alarm->tags);
  check_tags(alarm->tags);
  if (alarm->tags == before) return;
  parts_.metadata.change(actor, [&](meta::Transaction& change) { change.put(kind, alarm->key(), to_record(*alarm)); });
}

std::vector<cloudwatch::AlarmHistoryItem> Alarms::history(const AlarmScope& scope, const std::string& name) const {
  std::vector<cloudwatch::AlarmHistoryItem> out;
  const Time oldest = parts_.clock.now() - history_kept_for;
  const std::string prefix =
      name.empty() ? meta::prefix({scope.account, scope.region}) : meta::prefix({scope.account, scope.region, name});
  for (const meta::Record& r : parts_.metadata.list(history_kind, prefix)) {
    auto item = api::from<cloudwatch::AlarmHistoryItem>(r.value);
    if (*item.timestamp >= oldest) out.push_back(std::move(item));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return *a.timestamp < *b.timestamp; });
  return out;
}

// ---- watching ----

void Alarms::start() {
  parts_.deliveries.start([this](notify::Delivery& d, std::stop_token) { return act(d); });
  {
    std::lock_guard lock(mutex_);
    for (const meta::Record& r : parts_.metadata.list(kind, ""))
      if (!r.value.bool_or("Composite")) due_[r.key] = parts_.clock.now();
  }
  thread_ = std::jthread([this](std::stop_token stop) { watch(std::move(stop)); });
}

void Alarms::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  {
    std::lock_guard lock(mutex_);
    sleep_.request_stop();
  }
  thread_.join();
}

void Alarms::reset() {
  std::lock_guard lock(mutex_);
  due_.clear();
}

void Alarms::watch(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<std::string> now_due;
    std::optional<Time> next;
    std::stop_token sleep;
    {
      std::lock_guard lock(mutex_);
      sleep_ = {};
      sleep = sleep_.get_token();
      const Time now = parts_.clock.now();
      for (const auto& [key, at] : due_) {
        if (at <= now) now_due.push_back(key);
        next = next ? std::min(*next, at) : at;
      }
    }
    if (stop.stop_requested()) return;
    if (now_due.empty()) {
      parts_.clock.wait_until(next.value_or(parts_.clock.now() + 1h), sleep);
      continue;
    }
    for (const std::string& key : now_due) {
      if (stop.stop_requested()) return;
      std::lock_guard watching(watching_);
      look_at(key, parts_.clock.now());
    }
  }
}

void Alarms::look_at(const std::string& key, Time now) {
  const auto record = parts_.metadata.get(kind, key);
  {
    std::lock_guard lock(mutex_);
    auto due = due_.find(key);
    if (due == due_.end()) return;
    if (!record || record->bool_or("Composite")) {
      due_.erase(due);
      return;
    }
    due->second = next_look(alarm_from_record(key, *record), now);
  }
  const Alarm alarm = alarm_from_record(key, *record);
  try {
    look_at_metric(alarm, now);
  } catch (const Error& e) {
    log(LogLevel::warning, "an alarm could not be evaluated",
        Value::map({{"alarm", alarm.arn()}, {"why", e.message()}}));
  }
}

void Alarms::look_at_metric(const Alarm& alarm, Time now) {
  const AlarmTest test = test_of(alarm);
  const auto period = std::chrono::milliseconds(std::chrono::seconds(test.period_s));
  const Time end(now.time_since_epoch() - now.time_since_epoch() % period);
  auto [queries, compared] = queries_of(alarm);
  api::Context context;
  context.principal = govern::Identities::root_of(alarm.scope.account);
  context.region = alarm.scope.region;
  context.request_id = parts_.random.uuid();
  context.now = now;
  const Value out = parts_.operations.call(context, "cloudwatch:GetMetricData",
                                           Value::map({{"MetricDataQueries", queries},
                                                       {"StartTime", end - test.range_periods() * period},
                                                       {"EndTime", end},
                                                       {"ScanBy", "TimestampAscending"}}));
  std::map<Time, double> points;
  for (const Value& result : out.at("MetricDataResults").as_list()) {
    if (result.string_or("Id") != compared) continue;
    const ValueList &times = result.at("Timestamps").as_list(), &values = result.at("Values").as_list();
    for (std::size_t i = 0; i < times.size(); ++i) points[times[i].as_time()] = values[i].as_double();
  }
  if (const auto verdict = judge(test, points, alarm.state(), now))
    change_state(alarm, verdict->state, verdict->reason, to_json(verdict->reason_data));
}

void Alarms::look_at_composites(const AlarmScope& scope, const std::string& changed) {
  for (const Alarm& alarm : list(scope)) {
    if (!alarm.composite) continue;
    const auto named = AlarmRule::parse(alarm.body.string_or("AlarmRule")).alarms();
    if (std::any_of(named.begin(), named.end(), [&](const auto& n) { return alarm_name_of(n) == changed; }))
      look_at_composite(alarm);
  }
}

void Alarms::look_at_composite(const Alarm& alarm) {
  Value triggering = Value::list();
  const bool holds =
      AlarmRule::parse(alarm.body.string_or("AlarmRule"))
          .holds([&](const std::string& named) -> std::optional<std::string> {
            const auto other = find(alarm.scope, alarm_name_of(named));
            if (!other) return std::nullopt;
            triggering.push_back(
                Value::map({{"arn", other->arn()},
                            {"state", Value::map({{"value", other->state()},
                                                  {"timestamp", format_iso8601(present_state(*other).updated)}})}}));
            return other->state();
          });
  const std::string state = holds ? "ALARM" : "OK";
  if (state == alarm.state()) return;
  const std::string reason =
      alarm.arn() + " transitioned to " + state + " at " + format_time(parts_.clock.now(), "%A %d %B, %Y %H:%M:%S UTC");
  change_state(alarm, state, reason, to_json(Value::map({{"triggeringAlarms", std::move(triggering)}})));
}

// ---- what a change leads to ----

void Alarms::change_state(Alarm alarm, const std::string& state, const std::string& reason,
                          const std::string& reason_data) {
  const AlarmStateBefore before = present_state(alarm);
  const Time now = parts_.clock.now();
  alarm.body.set("StateValue", state).set("StateReason", reason).set("StateUpdatedTimestamp", now);
  if (before.value != state) alarm.body.set("StateTransitionedTimestamp", now);
  alarm.body.erase("StateReasonData");
  if (!reason_data.empty()) alarm.body.set("StateReasonData", reason_data);
  const bool changed = before.value != state;
  if (changed && alarm.body.bool_or("ActionsEnabled")) {
    std::vector<notify::Delivery> deliveries;
    for (const std::string& arn : alarm.actions_for(state)) {
      const bool topic = notify::parse_arn(arn)->service == "sns";
      notify::Delivery d;
      d.content = Value::map({{"Key", alarm.key()},
                              {"To", arn},
                              {"Body", topic ? topic_message(alarm, before) : function_message(alarm, before)},
                              {"Subject", topic ? topic_subject(alarm) : ""}});
      deliveries.push_back(std::move(d));
    }
    if (!deliveries.empty()) parts_.deliveries.add(std::move(deliveries));
  }
  if (changed)
    store(alarm, "tarn", "StateUpdate", "Alarm updated from " + before.value + " to " + state,
          state_json(before, alarm));
  else
    parts_.metadata.change("tarn", [&](meta::Transaction& c) { c.put(kind, alarm.key(), to_record(alarm)); });
  if (!changed) return;
  if (follower_) follower_(alarm, event_detail(alarm, before));
  look_at_composites(alarm.scope, alarm.name);
}

std::optional<Time> Alarms::act(notify::Delivery& d) {
  const std::string to = d.content.string_or("To"), key = d.content.string_or("Key");
  const auto record = parts_.metadata.get(kind, key);
  if (!record) return std::nullopt;  // nothing is told of an alarm that is gone
  const Alarm alarm = alarm_from_record(key, *record);
  const Time now = parts_.clock.now();
  auto noted = [&](const std::string& summary, Value data) {
    parts_.metadata.change("tarn",
                           [&](meta::Transaction& change) { note(change, alarm, "Action", summary, to_json(data)); });
  };
  notify::TargetInput input;
  input.body = d.content.string_or("Body");
  input.subject = d.content.string_or("Subject");
  input.invoked_by = "cloudwatch.amazonaws.com";
  try {
    parts_.targets.deliver(to, input);
    noted("Successfully executed action " + to, Value::map({{"actionState", "Succeeded"},
                                                            {"stateUpdateTimestamp", now.time_since_epoch().count()},
                                                            {"notificationResource", to}}));
    return std::nullopt;
  } catch (const Error& e) {
    const auto waited = now - Time(std::chrono::milliseconds(d.added_ms));
    if (notify::is_worth_retrying(e) && waited < std::chrono::seconds(longest_retries_s))
      return now + std::chrono::seconds(std::min<int64_t>(60, int64_t{1} << std::min<int64_t>(d.attempts, 6)));
    log(LogLevel::warning, "an alarm's action failed",
        Value::map({{"alarm", alarm.arn()}, {"action", to}, {"why", e.message()}}));
    noted("Failed to execute action " + to + ". Received error: \"" + e.message().substr(0, 100) + "\"",
          Value::map({{"actionState", "Failed"}, {"notificationResource", to}, {"error", e.message()}}));
    return std::nullopt;
  }
}

}  // namespace tarn::orchestrate
