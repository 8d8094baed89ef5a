#include "compute/functions/invoker.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "compute/functions/limits.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;

constexpr auto first_retry_delay = 60s, second_retry_delay = 120s;
constexpr int64_t longest_throttle_delay_s = 300;
constexpr std::size_t max_error_attribute_size = 1024;

FunctionName name_of(const Value& content) {
  return {content.string_or("Account"), content.string_or("Region"), content.string_or("Name"),
          content.string_or("Qualifier")};
}

// As a JSON value where the text is JSON.
Value json_or_text(const std::string& text) {
  try {
    return parse_json(text);
  } catch (const Error&) {
    return text;
  }
}

std::string error_message_of(const InvocationResult* result, const char* condition) {
  if (!result) return condition;
  std::string out = json_or_text(result->payload).string_or("errorMessage");
  if (out.size() > max_error_attribute_size) out.resize(max_error_attribute_size);
  return out.empty() ? std::string(condition) : out;
}

Time later(Time now, int64_t tries) {
  return now + std::chrono::seconds(std::min(longest_throttle_delay_s, int64_t{1} << std::min<int64_t>(tries, 9)));
}

}  // namespace

void Invoker::start() {
  parts_.deliveries.start([this](Delivery& d, const std::stop_token& stop) { return attempt(d, stop); });
}

std::shared_ptr<Invocation> Invoker::begin(const FunctionName& name, const Event& event) {
  const RunnableFunction function = parts_.functions.runnable(name);
  InvocationRequest request;
  request.request_id = event.request_id.empty() ? parts_.random.uuid() : event.request_id;
  request.payload = event.payload.empty() ? "{}" : event.payload;
  request.client_context = event.client_context;
  request.invoked_arn = function.invoked_arn;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.now().time_since_epoch()).count();
  std::array<char, 32> hex;
  std::snprintf(hex.data(), hex.size(), "%08llx", static_cast<unsigned long long>(seconds));
  request.trace_id = "Root=1-" + std::string(hex.data()) + "-" + parts_.random.hex(24) +
                     ";Parent=" + parts_.random.hex(16) + ";Sampled=0";
  auto invocation = std::make_shared<Invocation>(std::move(request));
  invocation->when_ending(
      [metrics = parts_.metrics, name](const InvocationResult* result) mutable { metrics.ended(name, result); });
  try {
    parts_.metrics.began(name, parts_.environments.run(function, invocation));
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::limit) parts_.metrics.throttled(name);
    throw;
  }
  return invocation;
}

void Invoker::enqueue(const FunctionName& name, const Event& event) {
  parts_.functions.runnable(name);
  Delivery d;
  d.content = Value::map({{"Account", name.account},
                          {"Region", name.region},
                          {"Name", name.name},
                          {"Qualifier", name.qualifier},
                          {"RequestId", event.request_id.empty() ? parts_.random.uuid() : event.request_id},
                          {"Payload", event.payload.empty() ? std::string("{}") : event.payload}});
  if (!event.client_context.empty()) d.content.set("ClientContext", event.client_context);
  parts_.deliveries.add({std::move(d)});
  parts_.metrics.event_received(name);
}

std::optional<Time> Invoker::attempt(Delivery& d, const std::stop_token& stop) {
  if (d.content.find("Messages")) return hand_on(d);
  try {
    return run(d, stop);
  } catch (const Error& e) {
    const Time now = parts_.clock.now();
    if (stop.stop_requested()) return now;
    if (e.kind() == ErrorKind::missing) {
      parts_.metrics.event_dropped(name_of(d.content));
      log(LogLevel::warning, "an asynchronous invocation was dropped: its function is gone",
          Value::map({{"function", name_of(d.content).qualified_arn()}}));
      return std::nullopt;
    }
    // Throttled, or tarn's own failure: not the function's attempt.
    const int64_t tries = d.content.int_or("SystemTries");
    d.content.set("SystemTries", tries + 1);
    return later(now, tries);
  }
}

std::optional<Time> Invoker::run(Delivery& d, const std::stop_token& stop) {
  const FunctionName name = name_of(d.content);
  const auto settings = parts_.functions.find_event_config(name);
  const int64_t most_tries = 1 + (settings ? settings->maximum_retry_attempts.value_or(limits::default_event_retries)
                                           : limits::default_event_retries);
  const int64_t most_age_s = settings ? settings->maximum_event_age_in_seconds.value_or(limits::default_event_age_s)
                                      : limits::default_event_age_s;
  const RunnableFunction function = parts_.functions.runnable(name);
  const Time expires = Time(std::chrono::milliseconds(d.added_ms)) + std::chrono::seconds(most_age_s);
  if (parts_.clock.now() > expires) return conclude(d, "EventAgeExceeded", nullptr);
  if (function.reserved_concurrency == 0) return conclude(d, "ZeroReservedConcurrency", nullptr);

  if (!d.content.find("Tries"))
    parts_.metrics.event_taken(name, parts_.clock.now() - Time(std::chrono::milliseconds(d.added_ms)));
  auto invocation = begin(
      name, {d.content.string_or("Payload"), d.content.string_or("RequestId"), d.content.string_or("ClientContext")});
  const InvocationResult result = invocation->result();
  if (stop.stop_requested() && result.function_failed) return parts_.clock.now();
  const int64_t tries = d.content.int_or("Tries") + 1;
  d.content.set("Tries", tries);
  if (!result.function_failed) return conclude(d, "Success", &result);
  if (tries >= most_tries) return conclude(d, "RetriesExhausted", &result);
  return parts_.clock.now() + (tries == 1 ? first_retry_delay : second_retry_delay);
}

// What a destination is told ("Adding a destination").
Value Invoker::invocation_record(const Delivery& d, const char* condition, const InvocationResult* result) const {
  FunctionName name = name_of(d.content);
  if (name.qualifier.empty()) name.qualifier = latest_version;
  Value out = Value::map({{"version", "1.0"},
                          {"timestamp", format_iso8601(parts_.clock.now())},
                          {"requestContext", Value::map({{"requestId", d.content.string_or("RequestId")},
                                                         {"functionArn", name.qualified_arn()},
                                                         {"condition", condition},
                                                         {"approximateInvokeCount", d.content.int_or("Tries")}})},
                          {"requestPayload", json_or_text(d.content.string_or("Payload"))}});
  if (!result) return out;
  Value response = Value::map({{"statusCode", 200}, {"executedVersion", result->executed_version}});
  if (result->function_failed) response.set("functionError", "Unhandled");
  return out.set("responseContext", response).set("responsePayload", json_or_text(result->payload));
}

std::optional<Time> Invoker::conclude(Delivery& d, const char* condition, const InvocationResult* result) {
  const FunctionName name = name_of(d.content);
  const bool success = std::string_view(condition) == "Success";
  if (!success) parts_.metrics.event_dropped(name);
  const auto settings = parts_.functions.find_event_config(name);
  Value messages = Value::list();
  if (settings && settings->destination_config) {
    const auto& to = *settings->destination_config;
    const auto destination = success ? (to.on_success ? to.on_success->destination : std::nullopt)
                                     : (to.on_failure ? to.on_failure->destination : std::nullopt);
    if (destination && !destination->empty())
      messages.push_back(
          Value::map({{"To", *destination}, {"Body", to_json(invocation_record(d, condition, result))}}));
  }
  const auto dead_letters = parts_.functions.runnable(name).configuration.dead_letter_config;
  if (!success && dead_letters && dead_letters->target_arn)
    messages.push_back(Value::map({{"To", *dead_letters->target_arn},
                                   {"Body", d.content.string_or("Payload")},
                                   {"ErrorCode", result ? "200" : "429"},
                                   {"ErrorMessage", error_message_of(result, condition)}}));
  if (messages.as_list().empty()) return std::nullopt;
  d.content.set("Messages", messages);
  return hand_on(d);
}

std::optional<Time> Invoker::hand_on(Delivery& d) {
  ValueList left;
  for (const Value& message : d.content.find("Messages")->as_list()) {
    notify::TargetInput input;
    input.body = message.string_or("Body");
    input.invoked_by = "lambda.amazonaws.com";
    if (message.find("ErrorCode")) {
      input.attributes["RequestID"] = {"String", d.content.string_or("RequestId")};
      input.attributes["ErrorCode"] = {"Number", message.string_or("ErrorCode")};
      input.attributes["ErrorMessage"] = {"String", message.string_or("ErrorMessage")};
    }
    try {
      parts_.targets.deliver(message.string_or("To"), input);
    } catch (const Error& e) {
      log(LogLevel::warning, "the result of an asynchronous invocation was not handed on",
          Value::map({{"function", name_of(d.content).qualified_arn()},
                      {"to", message.string_or("To")},
                      {"why", e.message()}}));
      if (notify::is_worth_retrying(e))
        left.push_back(message);
      else
        parts_.metrics.destination_failed(name_of(d.content), message.find("ErrorCode") != nullptr);
    }
  }
  if (left.empty()) return std::nullopt;
  d.content.set("Messages", left);
  const int64_t tries = d.content.int_or("HandOnTries");
  d.content.set("HandOnTries", tries + 1);
  return later(parts_.clock.now(), tries);
}

}  // namespace tarn::compute
