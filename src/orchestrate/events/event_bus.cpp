#include "orchestrate/events/event_bus.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {
namespace {

namespace events = api::events;

constexpr std::size_t max_entries_size_bytes = 1024 * 1024, time_size_bytes = 14;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

std::size_t size_of(const events::PutEventsRequestEntry& e) {
  std::size_t out = e.time ? time_size_bytes : 0;
  for (const auto& text : {e.source, e.detail_type, e.detail}) out += text ? text->size() : 0;
  if (e.resources)
    for (const std::string& r : *e.resources) out += r.size();
  return out;
}

std::optional<events::PutEventsResultEntry> refusal(const events::PutEventsRequestEntry& e, Value& detail) {
  auto refuse = [](std::string code, std::string message) {
    return events::PutEventsResultEntry{{}, std::move(code), std::move(message)};
  };
  auto missing = [&](const std::string& name) {
    return refuse("InvalidArgument",
                  "Parameter " + name + " is not valid. Reason: " + name + " is a required argument.");
  };
  if (!e.source || e.source->empty()) return missing("Source");
  if (!e.detail_type || e.detail_type->empty()) return missing("DetailType");
  if (!e.detail || e.detail->empty()) return missing("Detail");
  if (e.source->starts_with("aws.")) return refuse("NotAuthorizedForSourceException", "Not authorized for the source.");
  try {
    detail = parse_json(*e.detail);
  } catch (const Error&) {
  }
  if (!detail.is_map()) return refuse("MalformedDetail", "Detail is malformed.");
  return std::nullopt;
}

Value event_body(const std::string& id, const std::string& detail_type, const std::string& source,
                 const std::string& account, Time time, const std::string& region,
                 const std::vector<std::string>& resources, Value detail) {
  return Value::map({{"version", "0"},
                     {"id", id},
                     {"detail-type", detail_type},
                     {"source", source},
                     {"account", account},
                     {"time", format_iso8601(time, false)},
                     {"region", region},
                     {"resources", api::to_value(resources)},
                     {"detail", std::move(detail)}});
}

// Whole seconds, as events tell their times.
Time event_time(Time t) {
  return std::chrono::floor<std::chrono::seconds>(t);
}

}  // namespace

EventBus::EventBus(meta::Metadata& metadata, notify::MessageStore& store, Invocations& invocations, Clock& clock,
                   Random& random)
    : buses(metadata, clock),
      rules(metadata, buses, clock),
      archives(metadata, store, buses, clock),
      invocations_(invocations),
      clock_(clock),
      random_(random),
      recurrences_(*this, std::string(rule_kind), 't', metadata, store, invocations, clock) {
  rules.on_schedule([this](const RuleAddress& address, const std::optional<RuleRecord>&) {
    recurrences_.changed(address.key(), clock_.now());
  });
  rules.set_check_target([this](const std::string& arn) { invocations_.check_target(arn); });
  invocations_.add_origin("rule", {[this](const Invocation& call) { return wants(call); }, {}});
  invocations_.set_bus_target([this](const Invocation& from) { take(from); });
}

void EventBus::reset() {
  rules.reset();
  archives.reset();
  recurrences_.reset();
}

// ---- what comes in ----

std::vector<events::PutEventsResultEntry> EventBus::put(const api::Context& c,
                                                        const std::vector<events::PutEventsRequestEntry>& entries) {
  std::size_t size = 0;
  for (const auto& e : entries) size += size_of(e);
  if (size > max_entries_size_bytes) invalid("Total size of the entries in the request is over the limit.");
  std::vector<events::PutEventsResultEntry> out;
  std::map<std::string, std::pair<BusAddress, std::vector<Event>>> by_bus;
  for (const auto& e : entries) {
    const BusAddress bus = bus_address(c.account(), c.region, e.event_bus_name);
    if (!buses.lets_put(bus, c.account()))
      throw Error(
          ErrorKind::denied, "AccessDeniedException",
          "User: " + c.principal.arn + " is not authorized to perform: events:PutEvents on resource: " + bus.arn());
    Value detail;
    if (auto refused = refusal(e, detail)) {
      out.push_back(std::move(*refused));
      continue;
    }
    const std::string id = random_.uuid();
    const Time at = event_time(e.time.value_or(clock_.now()));
    out.push_back({id, {}, {}});
    auto& [address, of_bus] = by_bus[bus.key()];
    address = bus;
    of_bus.push_back({event_body(id, *e.detail_type, *e.source, c.account(), at, c.region,
                                 e.resources.value_or(std::vector<std::string>()), std::move(detail)),
                      at, e.trace_header.value_or(""), false});
  }
  // AWS takes events for a bus that is not there, and forgets them.
  for (const auto& [key, of_bus] : by_bus)
    if (buses.find(of_bus.first)) publish(of_bus.first, of_bus.second, {});
  return out;
}

void EventBus::put(const ServiceEvent& e) {
  const Time at = event_time(e.time);
  publish({e.account, e.region, "default"},
          {{event_body(random_.uuid(), e.detail_type, e.source, e.account, at, e.region, e.resources, e.detail), at, "",
            false}},
          {});
}

// From another bus, or from a schedule.
void EventBus::take(const Invocation& from) {
  const auto key = meta::key_parts(from.key);
  const BusAddress bus = bus_address(key.at(0), key.at(1), from.arn);
  buses.get(bus);
  if (!buses.lets_put(bus, key.at(0)))
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "Account " + key.at(0) + " is not authorized to perform: events:PutEvents on resource: " + bus.arn());
  const Value body = parse_json(from.payload);
  publish(bus,
          {{body, parse_iso8601(body.string_or("time")).value_or(clock_.now()), from.trace, from.origin == "rule"}},
          {});
}

void EventBus::replay(const BusAddress& bus, const std::string& replay_name, const std::vector<std::string>& rule_arns,
                      const std::vector<Archives::Kept>& kept, notify::StoreBatch progress) {
  std::vector<Event> again;
  for (const Archives::Kept& k : kept) {
    again.push_back({k.event, k.at, "", false});
    again.back().body.set("replay-name", replay_name);
  }
  const Replaying replaying{rule_arns};
  publish(bus, again, std::move(progress), &replaying);
}

bool EventBus::test_pattern(const std::string& pattern, const std::string& event) {
  const notify::EventPattern parsed = event_pattern(pattern);
  Value v;
  try {
    v = parse_json(event);
  } catch (const Error& e) {
    invalid("Parameter Event is not valid. Reason: " + e.message());
  }
  for (const char* member : {"id", "account", "source", "time", "region", "resources", "detail-type"})
    if (!v.find(member))
      invalid(std::string("Parameter Event is not valid. Reason: it has no field \"") + member + "\".");
  return parsed.matches(v);
}

// ---- who gets it ----

void EventBus::publish(const BusAddress& bus, const std::vector<Event>& given, notify::StoreBatch batch,
                       const Replaying* replaying) {
  const auto active = rules.active(bus);
  std::vector<Invocation> calls;
  for (const Event& event : given) {
    for (const auto& rule : *active) {
      if (replaying && !replaying->rule_arns.empty() &&
          std::find(replaying->rule_arns.begin(), replaying->rule_arns.end(), rule->address.arn()) ==
              replaying->rule_arns.end())
        continue;
      if (rule->pattern->matches(event.body)) call_targets(*rule, event, calls);
    }
    if (!replaying) archives.keep(bus, event.body, event.at, batch);
  }
  invocations_.add(calls, std::move(batch));
}

void EventBus::call_targets(const ActiveRule& rule, const Event& event, std::vector<Invocation>& calls) {
  if (follower_) follower_(rule.address);
  const std::string arn = rule.address.arn();
  for (const ActiveRule::Target& target : rule.targets) {
    const events::Target& t = target.target;
    if (event.forwarded && t.arn.find(":event-bus/") != t.arn.npos) continue;
    Invocation call;
    call.origin = "rule";
    call.key = rule.address.key();
    call.part = t.id;
    call.arn = t.arn;
    call.role_arn = t.role_arn.value_or(rule.role_arn);
    call.payload = target.payload(event.body, {arn, rule.address.name, clock_.now()});
    if (t.sqs_parameters) call.group_id = t.sqs_parameters->message_group_id.value_or("");
    call.trace = event.trace;
    call.id = event.body.string_or("id") + "_" + random_.uuid();
    call.invoked_by = "events.amazonaws.com";
    call.time = event.at;
    if (t.retry_policy) {
      call.most_retries = t.retry_policy->maximum_retry_attempts.value_or(call.most_retries);
      call.longest_age_s = t.retry_policy->maximum_event_age_in_seconds.value_or(call.longest_age_s);
    }
    if (t.dead_letter_config) call.dead_letters = t.dead_letter_config->arn.value_or("");
    if (!call.dead_letters.empty()) {
      call.letter = to_json(event.body);
      call.letter_attributes = {{"RULE_ARN", arn}, {"TARGET_ARN", t.arn}};
    }
    calls.push_back(std::move(call));
  }
}

bool EventBus::wants(const Invocation& call) const {
  const auto rule = rules.find(rule_address(call.key));
  return rule &&
         std::any_of(rule->targets.begin(), rule->targets.end(), [&](const auto& t) { return t.id == call.part; });
}

// ---- scheduled rules ----

std::optional<Time> EventBus::next(const std::string& key, Time after) {
  const auto rule = rules.find(rule_address(key));
  const auto schedule = rule && rule->enabled() ? rule->schedule() : std::nullopt;
  return schedule ? schedule->next_after(after, rule->schedule_start) : std::nullopt;
}

std::optional<Time> EventBus::fall_due(const Due& due, Time after, std::vector<Invocation>& calls) {
  const RuleAddress address = rule_address(due.key);
  const auto rule = rules.find(address);
  const auto schedule = rule && rule->enabled() ? rule->schedule() : std::nullopt;
  if (!schedule) return std::nullopt;
  if (schedule->next_after(due.at - std::chrono::milliseconds(1), rule->schedule_start) == due.at) {
    const Event event{event_body(random_.uuid(), "Scheduled Event", "aws.events", address.bus.account, due.at,
                                 address.bus.region, {address.arn()}, Value::map()),
                      event_time(due.at), "", false};
    call_targets(*make_active(address, *rule), event, calls);
  }
  return schedule->next_after(after, rule->schedule_start);
}

}  // namespace tarn::orchestrate
