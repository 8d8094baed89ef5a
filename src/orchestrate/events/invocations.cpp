#include "orchestrate/events/invocations.hpp"

#include <algorithm>
#include <cctype>

#include "api/structs.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace tarn::orchestrate {
namespace {

constexpr int64_t longest_pause_s = 480;  // 185 retries then fill about a day

Value to_record(const Invocation& i) {
  return Value::map({{"Origin", i.origin},
                     {"Key", i.key},
                     {"Part", i.part},
                     {"Arn", i.arn},
                     {"Role", i.role_arn},
                     {"Payload", i.payload},
                     {"Operation", i.operation},
                     {"Group", i.group_id},
                     {"Trace", i.trace},
                     {"Id", i.id},
                     {"InvokedBy", i.invoked_by},
                     {"Time", i.time.time_since_epoch().count()},
                     {"NotBefore", i.not_before.time_since_epoch().count()},
                     {"Retries", i.most_retries},
                     {"Age", i.longest_age_s},
                     {"DeadLetters", i.dead_letters},
                     {"Letter", i.letter},
                     {"LetterAttributes", api::to_value(i.letter_attributes)}});
}

Invocation from_record(const Value& v) {
  Invocation i;
  i.origin = v.string_or("Origin");
  i.key = v.string_or("Key");
  i.part = v.string_or("Part");
  i.arn = v.string_or("Arn");
  i.role_arn = v.string_or("Role");
  i.payload = v.string_or("Payload");
  i.operation = v.string_or("Operation");
  i.group_id = v.string_or("Group");
  i.trace = v.string_or("Trace");
  i.id = v.string_or("Id");
  i.invoked_by = v.string_or("InvokedBy");
  i.time = Time(std::chrono::milliseconds(v.int_or("Time")));
  i.not_before = Time(std::chrono::milliseconds(v.int_or("NotBefore")));
  i.most_retries = v.int_or("Retries");
  i.longest_age_s = v.int_or("Age");
  i.dead_letters = v.string_or("DeadLetters");
  i.letter = v.string_or("Letter");
  api::from_value(v.at("LetterAttributes"), i.letter_attributes);
  return i;
}

bool has_word(std::string_view text, std::string_view word) {
  return text.find(word) != text.npos;
}

// The service's own word for what went wrong; schedules tell the target's code instead.
std::string error_code(const Invocation& i, const Error& e) {
  if (i.origin == "schedule") return e.code();
  const std::string& code = e.code();
  if (e.kind() == ErrorKind::missing || has_word(code, "NotFound") || has_word(code, "NonExistent") ||
      has_word(code, "DoesNotExist"))
    return "NO_RESOURCE";
  switch (e.kind()) {
    case ErrorKind::denied:
      return "NO_PERMISSIONS";
    case ErrorKind::limit:
      return "THROTTLING";
    case ErrorKind::bug:
    case ErrorKind::outside:
      return "ERROR_FROM_TARGET";
    default:
      return "SDK_CLIENT_ERROR";
  }
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// Names as the API's reference writes them, whichever case their first letter has in the model.
Value named_as_in_model(const Value& input, const api::Operation& operation) {
  Value out = Value::map();
  for (const auto& [name, value] : input.as_map()) {
    std::string own = name;
    if (operation.input)
      for (const api::Member& m : operation.input->members)
        if (m.name.size() == name.size() && !name.empty() && m.name.substr(1) == std::string_view(name).substr(1) &&
            std::tolower(static_cast<unsigned char>(m.name[0])) == std::tolower(static_cast<unsigned char>(name[0])))
          own = m.name;
    out.set(own, value);
  }
  return out;
}

}  // namespace

Invocations::Invocations(notify::Deliveries& deliveries, notify::Targets& targets, api::Operations& operations,
                         govern::Identities& identities, Clock& clock, Random& random, Metrics& metrics)
    : deliveries_(deliveries),
      targets_(targets),
      operations_(operations),
      identities_(identities),
      clock_(clock),
      random_(random),
      invoked_(metrics.counter("tarn_target_invocations_total", "Calls that targets of rules and schedules took.")),
      failed_(metrics.counter("tarn_target_invocations_failed_total", "Calls that were given up.")),
      dead_(metrics.counter("tarn_target_dead_letters_total", "Calls that went into dead-letter queues.")) {}

void Invocations::start() {
  deliveries_.start([this](notify::Delivery& d, std::stop_token stop) { return attempt(d, std::move(stop)); });
}

void Invocations::add(const std::vector<Invocation>& invocations, notify::StoreBatch together_with) {
  std::vector<notify::Delivery> deliveries;
  deliveries.reserve(invocations.size());
  for (const Invocation& i : invocations) {
    notify::Delivery d;
    d.content = to_record(i);
    d.due_ms = i.not_before.time_since_epoch().count();
    // What goes into one group of a FIFO queue keeps its order.
    if (!i.group_id.empty()) d.lane = i.arn + '\n' + i.group_id;
    deliveries.push_back(std::move(d));
  }
  deliveries_.add(std::move(deliveries), std::move(together_with));
}

void Invocations::ended(const Invocation& i) {
  auto origin = origins_.find(i.origin);
  if (origin == origins_.end() || !origin->second.ended) return;
  try {
    origin->second.ended(i);
  } catch (const Error& e) {
    log(LogLevel::error, "the end of a call was not noted", Value::map({{"target", i.arn}, {"why", e.message()}}));
  }
}

void Invocations::call(const Invocation& i, int64_t attempts) {
  std::string payload = i.payload;
  if (i.origin == "schedule") replace_all(payload, "<aws.scheduler.attempt-number>", std::to_string(attempts));
  std::optional<api::Principal> role;
  if (!i.role_arn.empty()) role = identities_.role_session(i.role_arn, i.origin == "rule" ? "events" : i.id);
  if (!i.operation.empty()) {
    const auto colon = i.operation.find(':');
    const api::Service* service = api::find_service(i.operation.substr(0, colon));
    const api::Operation* operation =
        service ? api::find_operation(*service, std::string_view(i.operation).substr(colon + 1)) : nullptr;
    if (!operation)
      throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not know the operation " + i.operation + ".");
    const auto key = meta::key_parts(i.key);
    api::Context context;
    context.principal = role.value_or(govern::Identities::root_of(key.at(0)));
    context.region = key.at(1);
    context.request_id = random_.uuid();
    context.now = clock_.now();
    context.user_agent = i.invoked_by;
    operations_.call(context, *service, *operation, named_as_in_model(parse_json(payload), *operation));
    return;
  }
  if (i.arn.find(":event-bus/") != i.arn.npos) {
    Invocation event = i;
    event.payload = payload;
    take_event_(event);
    return;
  }
  notify::TargetInput input;
  input.body = std::move(payload);
  input.group_id = i.group_id;
  input.invoked_by = i.invoked_by;
  input.id = i.id;
  input.trace = i.trace;
  input.time = i.time;
  input.as = std::move(role);
  targets_.deliver(i.arn, input);
}

std::optional<Time> Invocations::attempt(notify::Delivery& d, std::stop_token) {
  Invocation i = from_record(d.content);
  if (d.content.find("Condition")) return bury(d, i);
  const Time now = clock_.now();
  try {
    auto origin = origins_.find(i.origin);
    if (origin == origins_.end() || (origin->second.wants && !origin->second.wants(i))) return std::nullopt;
    tell(i, CallStep::attempted);
    call(i, d.attempts);
    invoked_.add();
    tell(i, CallStep::taken);
    ended(i);
    return std::nullopt;
  } catch (const Error& e) {
    tell(i, CallStep::failed);
    if (!notify::is_worth_retrying(e)) return give_up(d, i, e, "");
    if (d.attempts > i.most_retries) return give_up(d, i, e, "MaximumRetryAttempts");
    const Time begun = std::max(Time(std::chrono::milliseconds(d.added_ms)), i.not_before);
    const int64_t pause_s = std::min<int64_t>(int64_t{1} << std::min<int64_t>(d.attempts, 10), longest_pause_s);
    const Time again = now + std::chrono::seconds(pause_s);
    if (again - begun > std::chrono::seconds(i.longest_age_s)) return give_up(d, i, e, "MaximumEventAgeInSeconds");
    return again;
  }
}

std::optional<Time> Invocations::give_up(notify::Delivery& d, Invocation& i, const Error& why, const char* condition) {
  failed_.add();
  tell(i, CallStep::given_up);
  log(LogLevel::warning, "a target was not called",
      Value::map({{"target", i.arn}, {"why", why.message()}, {"dead letters", i.dead_letters}}));
  if (i.dead_letters.empty()) {
    ended(i);
    return std::nullopt;
  }
  i.letter_attributes["ERROR_CODE"] = error_code(i, why);
  i.letter_attributes["ERROR_MESSAGE"] = why.message().empty() ? why.code() : why.message();
  i.letter_attributes["RETRY_ATTEMPTS"] = std::to_string(d.attempts - 1);
  if (*condition) i.letter_attributes["EXHAUSTED_RETRY_CONDITION"] = condition;
  d.content = to_record(i);
  d.content.set("Condition", condition);
  d.attempts = 0;
  return clock_.now();
}

// Into the dead-letter queue; what the queue can't take now is tried again for a day.
std::optional<Time> Invocations::bury(notify::Delivery& d, const Invocation& i) {
  notify::TargetInput input;
  input.body = i.letter;
  input.invoked_by = i.invoked_by;
  for (const auto& [name, value] : i.letter_attributes) input.attributes[name] = {"String", value};
  try {
    targets_.deliver(i.dead_letters, input);
    dead_.add();
    tell(i, CallStep::buried);
  } catch (const Error& e) {
    if (notify::is_worth_retrying(e) && d.attempts < 185)
      return clock_.now() +
             std::chrono::seconds(std::min<int64_t>(int64_t{1} << std::min<int64_t>(d.attempts, 10), longest_pause_s));
    log(LogLevel::error, "a dead letter was lost", Value::map({{"queue", i.dead_letters}, {"why", e.message()}}));
  }
  ended(i);
  return std::nullopt;
}

}  // namespace tarn::orchestrate
