#include "orchestrate/events/rules.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {
namespace {

namespace events = api::events;

constexpr std::size_t max_targets = 5;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

[[noreturn]] void no_rule(const RuleAddress& a) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException",
              "Rule " + a.name + " does not exist on EventBus " + a.bus.name + ".");
}

Value to_record(const RuleRecord& r) {
  return Value::map({{"Rule", to_value(r.rule)},
                     {"Targets", api::to_value(r.targets)},
                     {"Tags", api::to_value(r.tags)},
                     {"ScheduleStart", r.schedule_start.time_since_epoch().count()}});
}

RuleRecord from_record(const Value& v) {
  RuleRecord out;
  out.rule = api::from<events::Rule>(v.at("Rule"));
  api::from_value(v.at("Targets"), out.targets);
  api::from_value(v.at("Tags"), out.tags);
  out.schedule_start = Time(std::chrono::milliseconds(v.int_or("ScheduleStart")));
  return out;
}

std::optional<Schedule> parse_schedule(const std::string& expression) {
  std::string why_not;
  return Schedule::parse(expression, {.rate = true, .at = false}, why_not);
}

// The parameters of services that tarn does not have, and which of them is there.
const char* foreign_parameters(const events::Target& t) {
  if (t.kinesis_parameters) return "KinesisParameters";
  if (t.run_command_parameters) return "RunCommandParameters";
  if (t.ecs_parameters) return "EcsParameters";
  if (t.batch_parameters) return "BatchParameters";
  if (t.http_parameters) return "HttpParameters";
  if (t.redshift_data_parameters) return "RedshiftDataParameters";
  if (t.sage_maker_pipeline_parameters) return "SageMakerPipelineParameters";
  if (t.app_sync_parameters) return "AppSyncParameters";
  return nullptr;
}

void check_input(const events::Target& t) {
  if (t.input.has_value() + t.input_path.has_value() + t.input_transformer.has_value() > 1)
    invalid("Only one of Input, InputPath, or InputTransformer must be provided for target " + t.id + ".");
  if (t.input) {
    try {
      parse_json(*t.input);
    } catch (const Error& e) {
      invalid("Parameter Input of target " + t.id + " is not valid. Reason: " + e.message());
    }
  }
  if (t.input_path && !EventPath::parse(*t.input_path))
    invalid("Parameter InputPath of target " + t.id + " is not valid. Reason: it is no JSON path.");
  if (t.input_transformer) {
    try {
      InputTransformer(t.input_transformer->input_paths_map.value_or(std::map<std::string, std::string>()),
                       t.input_transformer->input_template);
    } catch (const Error& e) {
      invalid("Invalid InputTransformer for target " + t.id + " : " + e.message());
    }
  }
}

}  // namespace

std::string RuleAddress::arn() const {
  const std::string path = bus.name == "default" ? name : bus.name + "/" + name;
  return "arn:aws:events:" + bus.region + ":" + bus.account + ":rule/" + path;
}

RuleAddress rule_address(std::string_view key) {
  const auto parts = meta::key_parts(key);
  return {{parts.at(0), parts.at(1), parts.at(2)}, parts.at(3)};
}

std::optional<Schedule> RuleRecord::schedule() const {
  return rule.schedule_expression ? parse_schedule(*rule.schedule_expression) : std::nullopt;
}

notify::EventPattern event_pattern(const std::string& text) {
  try {
    return notify::EventPattern(text);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidEventPatternException",
                "Event pattern is not valid. Reason: " + e.message());
  }
}

std::string ActiveRule::Target::payload(const Value& event, const InputTransformer::Rule& rule) const {
  if (target.input) return *target.input;
  if (path) return to_json(path->of(event).value_or(Value()));
  if (transformer) return transformer->apply(event, rule);
  return to_json(event);
}

std::shared_ptr<const ActiveRule> make_active(const RuleAddress& address, const RuleRecord& record) {
  auto out = std::make_shared<ActiveRule>();
  out->address = address;
  out->role_arn = record.rule.role_arn.value_or("");
  if (record.rule.event_pattern) out->pattern.emplace(*record.rule.event_pattern);
  for (const events::Target& t : record.targets) {
    ActiveRule::Target& target = out->targets.emplace_back();
    target.target = t;
    if (t.input_path) target.path = EventPath::parse(*t.input_path);
    if (t.input_transformer)
      target.transformer.emplace(t.input_transformer->input_paths_map.value_or(std::map<std::string, std::string>()),
                                 t.input_transformer->input_template);
  }
  return out;
}

void Rules::changed(const RuleAddress& address, const std::optional<RuleRecord>& now) {
  {
    std::lock_guard lock(mutex_);
    ++changes_;
    active_.erase(address.bus.key());
  }
  if (scheduled_) scheduled_(address, now);
}

std::string Rules::put(const RuleAddress& address, std::string_view actor, const events::PutRuleRequest& in) {
  if (!in.event_pattern && !in.schedule_expression)
    invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (in.state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "PutRule with State ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS: tarn sends no management events.");
  if (in.event_pattern) event_pattern(*in.event_pattern);
  if (in.schedule_expression) {
    if (address.bus.name != "default") invalid("ScheduleExpression is supported only on the default event bus.");
    if (!parse_schedule(*in.schedule_expression)) invalid("Parameter ScheduleExpression is not valid.");
  }
  Tags tags;
  if (in.tags)
    for (const events::Tag& t : *in.tags) tags[t.key] = t.value;
  check_tags(tags);
  buses_.get(address.bus);
  RuleRecord record;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(rule_kind, address.key());
    RuleRecord before = stored ? from_record(*stored) : RuleRecord();
    record = {};
    record.targets = before.targets;
    record.tags = stored ? before.tags : tags;
    record.rule.name = address.name;
    record.rule.arn = address.arn();
    record.rule.event_bus_name = address.bus.name;
    record.rule.event_pattern = in.event_pattern;
    record.rule.schedule_expression = in.schedule_expression;
    record.rule.state = in.state.value_or("ENABLED");
    record.rule.description = in.description;
    record.rule.role_arn = in.role_arn;
    const bool goes_on = stored && before.rule.schedule_expression == in.schedule_expression && before.enabled();
    record.schedule_start = goes_on ? before.schedule_start : clock_.now();
    t.put(rule_kind, address.key(), to_record(record));
  });
  changed(address, record);
  return address.arn();
}

std::optional<RuleRecord> Rules::find(const RuleAddress& address) const {
  auto stored = metadata_.get(rule_kind, address.key());
  return stored ? std::optional(from_record(*stored)) : std::nullopt;
}

RuleRecord Rules::get(const RuleAddress& address) const {
  buses_.get(address.bus);
  auto found = find(address);
  if (!found) no_rule(address);
  return *found;
}

void Rules::change(const RuleAddress& address, std::string_view actor, const std::function<void(RuleRecord&)>& work) {
  buses_.get(address.bus);
  std::optional<RuleRecord> record;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(rule_kind, address.key());
    if (!stored) no_rule(address);
    record = from_record(*stored);
    work(*record);
    t.put(rule_kind, address.key(), to_record(*record));
  });
  changed(address, record);
}

void Rules::set_state(const RuleAddress& address, std::string_view actor, std::string_view state) {
  change(address, actor, [&](RuleRecord& r) {
    if (r.rule.state != state) r.schedule_start = clock_.now();
    r.rule.state = std::string(state);
  });
}

void Rules::remove(const RuleAddress& address, std::string_view actor) {
  buses_.get(address.bus);
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(rule_kind, address.key());
    if (!stored) return;
    if (!from_record(*stored).targets.empty()) invalid("Rule can't be deleted since it has targets.");
    t.erase(rule_kind, address.key());
  });
  changed(address, std::nullopt);
}

std::vector<RuleRecord> Rules::list(const BusAddress& bus, std::string_view prefix, std::string_view after,
                                    std::size_t limit) const {
  std::vector<RuleRecord> out;
  const std::string from = after.empty() ? "" : RuleAddress{bus, std::string(after)}.key();
  for (const auto& record :
       metadata_.list(rule_kind, meta::prefix({bus.account, bus.region, bus.name}) + std::string(prefix), from, limit))
    out.push_back(from_record(record.value));
  return out;
}

void Rules::change_tags(const RuleAddress& address, std::string_view actor, const std::function<void(Tags&)>& work) {
  change(address, actor, [&](RuleRecord& r) {
    work(r.tags);
    check_tags(r.tags);
  });
}

void Rules::check_target(const events::Target& t) const {
  const auto arn = notify::parse_arn(t.arn);
  if (!arn) invalid("Parameter " + t.arn + " is not valid. Reason: Provided Arn is not in correct format.");
  if (const char* name = foreign_parameters(t))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string("PutTargets with ") + name + ": tarn does not have that service's targets.");
  const bool bus = arn->service == "events" && arn->resource.starts_with("event-bus/");
  if (!bus && check_target_) check_target_(t.arn);
  if (bus && (t.input || t.input_path || t.input_transformer))
    invalid("Input, InputPath and InputTransformer are not supported for the event bus target " + t.id + ".");
  if ((arn->service == "states" || arn->service == "glue") && !t.role_arn)
    invalid("RoleArn is required for target " + t.arn + ".");
  const bool fifo = arn->service == "sqs" && arn->resource.ends_with(".fifo");
  if (fifo && (!t.sqs_parameters || !t.sqs_parameters->message_group_id))
    invalid("Parameter(s) SqsParameters must be specified for target: " + t.id + ".");
  if (!fifo && t.sqs_parameters && t.sqs_parameters->message_group_id)
    invalid("Parameter SqsParameters is not valid for target " + t.id + ": it is for FIFO queues.");
  if (t.dead_letter_config && t.dead_letter_config->arn) {
    const auto queue = notify::parse_arn(*t.dead_letter_config->arn);
    if (!queue || queue->service != "sqs" || queue->resource.ends_with(".fifo"))
      invalid("Parameter DeadLetterConfig of target " + t.id +
              " is not valid. Reason: it takes the ARN of a standard SQS queue.");
  }
  check_input(t);
}

void Rules::put_targets(const RuleAddress& address, std::string_view actor,
                        const std::vector<events::Target>& targets) {
  for (const events::Target& t : targets) check_target(t);
  change(address, actor, [&](RuleRecord& r) {
    for (const events::Target& t : targets) {
      auto same = std::find_if(r.targets.begin(), r.targets.end(), [&](const auto& old) { return old.id == t.id; });
      if (same == r.targets.end())
        r.targets.push_back(t);
      else
        *same = t;
    }
    if (r.targets.size() > max_targets)
      throw Error(ErrorKind::limit, "LimitExceededException",
                  "The requested resource exceeds the maximum number allowed.");
  });
}

std::vector<std::string> Rules::remove_targets(const RuleAddress& address, std::string_view actor,
                                               const std::vector<std::string>& ids) {
  std::vector<std::string> unknown;
  change(address, actor, [&](RuleRecord& r) {
    unknown.clear();
    for (const std::string& id : ids)
      if (std::erase_if(r.targets, [&](const auto& t) { return t.id == id; }) == 0) unknown.push_back(id);
  });
  return unknown;
}

std::shared_ptr<const Rules::Active> Rules::active(const BusAddress& bus) const {
  const std::string key = bus.key();
  uint64_t seen = 0;
  {
    std::lock_guard lock(mutex_);
    if (auto it = active_.find(key); it != active_.end()) return it->second;
    seen = changes_;
  }
  auto out = std::make_shared<Active>();
  for (const auto& record : metadata_.list(rule_kind, meta::prefix({bus.account, bus.region, bus.name}))) {
    const RuleRecord r = from_record(record.value);
    if (r.enabled() && r.rule.event_pattern) out->push_back(make_active(rule_address(record.key), r));
  }
  std::lock_guard lock(mutex_);
  if (seen == changes_) active_[key] = out;
  return out;
}

void Rules::reset() {
  std::lock_guard lock(mutex_);
  ++changes_;
  active_.clear();
}

}  // namespace tarn::orchestrate
