#include "orchestrate/events/schedules.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/targets.hpp"
#include "orchestrate/events/schedule_times.hpp"

namespace tarn::orchestrate {
namespace {

namespace scheduler = api::scheduler;

constexpr std::string_view kind = "scheduler.schedule", universal = "arn:aws:scheduler:::aws-sdk:";

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

[[noreturn]] void no_schedule(const ScheduleAddress& a) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "Schedule " + a.name + " does not exist.");
}

ScheduleAddress address_of(std::string_view key) {
  const auto parts = meta::key_parts(key);
  return {parts.at(0), parts.at(1), parts.at(2), parts.at(3)};
}

int64_t ms(const std::optional<Time>& t) {
  return t.value_or(Time()).time_since_epoch().count();
}

// What a schedule was when it fell due: another of the same name does not want its calls.
std::string part_of(const Schedules::Description& d, bool last) {
  const std::string created = std::to_string(ms(d.creation_date));
  return last ? created + "/" + std::to_string(ms(d.last_modification_date)) : created;
}

std::string squeezed(std::string_view name) {
  std::string out;
  for (char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)))
      out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return out;
}

// As AWS's SDKs name their services: "sfn", "eventbridge", "cloudwatchlogs".
const api::Service* sdk_service(std::string_view name) {
  const std::string wanted = squeezed(name);
  for (const api::Service* s : api::services())
    if (squeezed(s->service_id) == wanted || squeezed(s->name) == wanted) return s;
  return nullptr;
}

// Operations that only read are no targets.
bool only_reads(std::string_view operation) {
  static constexpr std::array<std::string_view, 11> verbs{"Get",  "Describe", "List",   "Poll", "Receive", "Search",
                                                          "Scan", "Query",    "Select", "Read", "Head"};
  return std::any_of(verbs.begin(), verbs.end(), [&](std::string_view verb) {
    return operation.starts_with(verb) &&
           (operation.size() == verb.size() || std::isupper(static_cast<unsigned char>(operation[verb.size()])));
  });
}

const char* foreign_parameters(const scheduler::Target& t) {
  if (t.ecs_parameters) return "EcsParameters";
  if (t.kinesis_parameters) return "KinesisParameters";
  if (t.sage_maker_pipeline_parameters) return "SageMakerPipelineParameters";
  if (t.event_bridge_put_events_v2_parameters) return "EventBridgePutEventsV2Parameters";
  if (t.event_bridge_put_raw_events_parameters) return "EventBridgePutRawEventsParameters";
  return nullptr;
}

bool is_json(const std::string& text) {
  try {
    parse_json(text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::optional<Time> next_of(const Schedules::Description& d, Time after) {
  if (d.state != "ENABLED") return std::nullopt;
  const ScheduleTimes times(*d.schedule_expression, d.schedule_expression_timezone.value_or("UTC"));
  if (!times.rate() && !d.start_date) after = std::max(after, *d.creation_date);  // a rate begins at once
  const Time start = times.once() ? Time() : d.start_date.value_or(*d.creation_date);
  // One-time schedules heed neither date; the start date may itself be an instant.
  if (!times.once() && d.start_date) after = std::max(after, *d.start_date - std::chrono::milliseconds(1));
  const auto next = times.next_after(after, start);
  return next && !times.once() && d.end_date && *next > *d.end_date ? std::nullopt : next;
}

// The same for the same call, so that a repetition does not move it.
std::chrono::milliseconds within_window(const Schedules::Description& d, Time at) {
  if (d.flexible_time_window->mode != "FLEXIBLE") return {};
  const int64_t window_ms = d.flexible_time_window->maximum_window_in_minutes.value_or(1) * 60'000;
  const std::size_t any = std::hash<std::string>()(*d.arn + std::to_string(at.time_since_epoch().count()));
  return std::chrono::milliseconds(static_cast<int64_t>(any % static_cast<std::size_t>(window_ms)));
}

Value to_record(const Schedules::Description& d, const std::optional<std::string>& token) {
  return Value::map({{"Schedule", to_value(d)}, {"Token", token.value_or("")}});
}

}  // namespace

Schedules::Schedules(meta::Metadata& metadata, notify::MessageStore& store, Invocations& invocations,
                     const api::Operations& operations, Clock& clock, Random& random)
    : metadata_(metadata),
      invocations_(invocations),
      operations_(operations),
      clock_(clock),
      random_(random),
      recurrences_(*this, std::string(kind), 's', metadata, store, invocations, clock) {
  invocations_.add_origin("schedule", {[this](const Invocation& call) { return wants(call); },
                                       [this](const Invocation& call) { ended(call); }});
}

// ---- what may be one ----

std::string Schedules::operation_of(const std::string& arn) const {
  const std::string_view path = std::string_view(arn).substr(universal.size());
  const std::size_t colon = path.find(':');
  if (colon == path.npos || colon + 1 == path.size()) invalid("Provided Arn is not in correct format.");
  const api::Service* service = sdk_service(path.substr(0, colon));
  std::string action(path.substr(colon + 1));
  action[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(action[0])));
  const api::Operation* operation = service ? api::find_operation(*service, action) : nullptr;
  if (!operation) invalid("Invalid RequestJson provided. Reason: tarn knows no operation " + std::string(path) + ".");
  if (only_reads(action)) invalid("The universal target " + std::string(path) + " only reads, and can't be one.");
  if (!operations_.has(*service, *operation))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have the operation " + std::string(path) + ".");
  return std::string(service->id) + ":" + action;
}

void Schedules::check_target(const scheduler::Target& t) const {
  if (const char* name = foreign_parameters(t))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string("A schedule with ") + name + ": tarn does not have such targets.");
  if (t.dead_letter_config && t.dead_letter_config->arn && t.dead_letter_config->arn->ends_with(".fifo"))
    invalid("A FIFO queue can't be a dead-letter queue of a schedule.");
  if (t.arn.starts_with(universal)) {
    operation_of(t.arn);
    if (!t.input || !is_json(*t.input))
      invalid("Invalid RequestJson provided. Reason: Input must be the operation's input as JSON.");
    return;
  }
  const auto arn = notify::parse_arn(t.arn);
  if (!arn) invalid("Provided Arn is not in correct format.");
  const bool bus = arn->service == "events" && arn->resource.starts_with("event-bus/");
  if (!bus && (arn->service == "logs" || arn->service == "glue")) invalid("Provided Arn is not in correct format.");
  if (bus != t.event_bridge_parameters.has_value())
    invalid(bus ? "EventBridgeParameters must be provided for an event bus."
                : "EventBridgeParameters are for event buses.");
  if (bus) {
    if (t.input && !is_json(*t.input)) invalid("Input must be the event's detail as JSON.");
  } else {
    invocations_.check_target(t.arn);
  }
  const bool fifo = arn->service == "sqs" && arn->resource.ends_with(".fifo");
  const bool group = t.sqs_parameters && t.sqs_parameters->message_group_id;
  if (fifo && !group) invalid("MessageGroupId must be provided in SqsParameters for a FIFO queue.");
  if (!fifo && group) invalid("SqsParameters are for FIFO queues.");
}

template <class Request>
Schedules::Description Schedules::described(const ScheduleAddress& address, const Request& in) const {
  if (in.kms_key_arn)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "A schedule with KmsKeyArn: tarn does not encrypt schedules with keys of yours.");
  ScheduleTimes(in.schedule_expression, in.schedule_expression_timezone.value_or("UTC"));
  const bool flexible = in.flexible_time_window.mode == "FLEXIBLE";
  if (flexible != in.flexible_time_window.maximum_window_in_minutes.has_value())
    invalid(flexible ? "MaximumWindowInMinutes must be provided for a flexible time window."
                     : "MaximumWindowInMinutes must not be provided when the flexible time window is OFF.");
  if (in.start_date && *in.start_date < clock_.now() - std::chrono::minutes(5))
    invalid("The StartDate you specify cannot be earlier than 5 minutes ago.");
  if (in.end_date && *in.end_date < clock_.now()) invalid("The EndDate you specify cannot be in the past.");
  if (in.start_date && in.end_date && *in.end_date <= *in.start_date)
    invalid("The EndDate must be later than the StartDate.");
  check_target(in.target);
  Description d;
  d.arn = address.arn();
  d.group_name = address.group;
  d.name = address.name;
  d.schedule_expression = in.schedule_expression;
  d.start_date = in.start_date;
  d.end_date = in.end_date;
  d.description = in.description;
  d.schedule_expression_timezone = in.schedule_expression_timezone.value_or("UTC");
  d.state = in.state.value_or("ENABLED");
  d.target = in.target;
  if (!d.target->retry_policy) d.target->retry_policy.emplace();
  auto& retry = *d.target->retry_policy;
  retry.maximum_event_age_in_seconds = retry.maximum_event_age_in_seconds.value_or(86'400);
  retry.maximum_retry_attempts = retry.maximum_retry_attempts.value_or(185);
  d.flexible_time_window = in.flexible_time_window;
  d.action_after_completion = in.action_after_completion.value_or("NONE");
  d.creation_date = d.last_modification_date = clock_.now();
  return d;
}

// ---- records ----

std::string Schedules::create(const ScheduleAddress& address, std::string_view actor,
                              const scheduler::CreateScheduleInput& in) {
  group(address.account, address.region, address.group);
  const Description d = described(address, in);
  bool made = false;
  metadata_.change(actor, [&](meta::Transaction& t) {
    made = false;
    if (auto stored = t.get(kind, address.key())) {
      if (in.client_token && stored->string_or("Token") == *in.client_token) return;
      throw Error(ErrorKind::conflict, "ConflictException", "Schedule " + address.name + " already exists.");
    }
    t.put(kind, address.key(), to_record(d, in.client_token));
    made = true;
  });
  if (made) recurrences_.changed(address.key(), *d.creation_date - std::chrono::milliseconds(1));
  return address.arn();
}

std::string Schedules::update(const ScheduleAddress& address, std::string_view actor,
                              const scheduler::UpdateScheduleInput& in) {
  get(address);
  Description d = described(address, in);
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, address.key());
    if (!stored) no_schedule(address);
    d.creation_date = api::from<Description>(stored->at("Schedule")).creation_date;
    t.put(kind, address.key(), to_record(d, in.client_token));
  });
  recurrences_.changed(address.key(), clock_.now());
  return address.arn();
}

std::optional<Schedules::Description> Schedules::find(const std::string& key) const {
  auto stored = metadata_.get(kind, key);
  return stored ? std::optional(api::from<Description>(stored->at("Schedule"))) : std::nullopt;
}

Schedules::Description Schedules::get(const ScheduleAddress& address) const {
  group(address.account, address.region, address.group);
  auto found = find(address.key());
  if (!found) no_schedule(address);
  return *found;
}

void Schedules::remove(const ScheduleAddress& address, std::string_view actor) {
  group(address.account, address.region, address.group);
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (!t.erase(kind, address.key())) no_schedule(address);
  });
  recurrences_.changed(address.key(), clock_.now());
}

std::pair<std::vector<Schedules::Description>, std::optional<std::string>> Schedules::list(std::string_view account,
                                                                                           std::string_view region,
                                                                                           const Filter& filter,
                                                                                           const std::string& after,
                                                                                           std::size_t limit) const {
  constexpr std::size_t records_at_once = 1000;
  std::string prefix = meta::prefix({account, region});
  if (!filter.group.empty()) {
    group(account, region, filter.group);
    prefix = meta::prefix({account, region, filter.group}) + filter.prefix;
  }
  std::pair<std::vector<Description>, std::optional<std::string>> out;
  std::string from = after, last;
  for (;;) {
    const auto records = metadata_.list(kind, prefix, from, records_at_once);
    for (const auto& record : records) {
      auto d = api::from<Description>(record.value.at("Schedule"));
      if (!d.name->starts_with(filter.prefix) || (!filter.state.empty() && d.state != filter.state)) continue;
      if (out.first.size() == limit) {
        out.second = last;
        return out;
      }
      out.first.push_back(std::move(d));
      last = record.key;
    }
    if (records.size() < records_at_once) return out;
    from = records.back().key;
  }
}

// ---- falling due ----

std::optional<Time> Schedules::next(const std::string& key, Time after) {
  const auto d = find(key);
  return d ? next_of(*d, after) : std::nullopt;
}

std::optional<Time> Schedules::fall_due(const Due& due, Time after, std::vector<Invocation>& calls) {
  const auto d = find(due.key);
  if (!d) return std::nullopt;
  const auto again = next_of(*d, after);
  if (next_of(*d, due.at - std::chrono::milliseconds(1)) == due.at) {
    calls.push_back(call_of(address_of(due.key), *d, due.at));
    calls.back().part = part_of(*d, !again && d->action_after_completion == "DELETE");
  }
  return again;
}

Invocation Schedules::call_of(const ScheduleAddress& address, const Description& d, Time at) {
  const scheduler::Target& t = *d.target;
  const std::string scheduled = format_iso8601(at, false), id = random_.hex(16);
  Invocation call;
  call.origin = "schedule";
  call.key = address.key();
  call.arn = t.arn;
  call.role_arn = t.role_arn;
  call.id = id;
  call.invoked_by = "scheduler.amazonaws.com";
  call.time = at;
  call.not_before = at + within_window(d, at);
  call.most_retries = t.retry_policy->maximum_retry_attempts.value_or(call.most_retries);
  call.longest_age_s = t.retry_policy->maximum_event_age_in_seconds.value_or(call.longest_age_s);
  if (t.sqs_parameters) call.group_id = t.sqs_parameters->message_group_id.value_or("");
  if (t.arn.starts_with(universal)) call.operation = operation_of(t.arn);
  Value event = Value::map({{"version", "0"},
                            {"id", random_.uuid()},
                            {"detail-type", "Scheduled Event"},
                            {"source", "aws.scheduler"},
                            {"account", address.account},
                            {"time", scheduled},
                            {"region", address.region},
                            {"resources", Value::list({address.arn()})},
                            {"detail", "{}"}});
  std::string input = t.input.value_or("");
  replace_all(input, "<aws.scheduler.schedule-arn>", address.arn());
  replace_all(input, "<aws.scheduler.scheduled-time>", scheduled);
  replace_all(input, "<aws.scheduler.execution-id>", id);
  if (t.event_bridge_parameters) {
    event.set("detail-type", t.event_bridge_parameters->detail_type).set("source", t.event_bridge_parameters->source);
    event.set("detail", input.empty() ? Value::map() : parse_json(input));
    input = to_json(event);
  } else if (input.empty()) {
    input = to_json(event);
  }
  call.payload = std::move(input);
  if (t.dead_letter_config) call.dead_letters = t.dead_letter_config->arn.value_or("");
  if (!call.dead_letters.empty()) {
    call.letter = call.payload;
    call.letter_attributes = {{"SCHEDULE_ARN", address.arn()},
                              {"TARGET_ARN", t.arn},
                              {"SCHEDULED_TIME", scheduled},
                              {"EXECUTION_ID", id},
                              {"IS_PAYLOAD_TRUNCATED", "false"}};
  }
  return call;
}

bool Schedules::wants(const Invocation& call) const {
  const auto d = find(call.key);
  return d && call.part.substr(0, call.part.find('/')) == part_of(*d, false);
}

// The last call of a schedule that is to go with it.
void Schedules::ended(const Invocation& call) {
  if (call.part.find('/') == call.part.npos) return;
  metadata_.change("tarn", [&](meta::Transaction& t) {
    auto stored = t.get(kind, call.key);
    if (stored && part_of(api::from<Description>(stored->at("Schedule")), true) == call.part) t.erase(kind, call.key);
  });
}

}  // namespace tarn::orchestrate
