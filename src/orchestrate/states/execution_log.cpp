#include "orchestrate/states/execution_log.hpp"

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "notify/message_store.hpp"

namespace tarn::states {

LogSettings log_settings_of(const Value& configuration) {
  LogSettings out;
  const std::string level = configuration.string_or("level", "OFF");
  const Value* destinations = configuration.find("destinations");
  if (level == "OFF" || !destinations || destinations->as_list().empty()) return out;
  const Value* group = destinations->as_list().front().find("cloudWatchLogsLogGroup");
  std::string arn = group ? group->string_or("logGroupArn") : "";
  const std::size_t name = arn.find(":log-group:");
  if (name == std::string::npos) return out;
  arn.erase(0, name + 11);
  if (arn.ends_with(":*")) arn.resize(arn.size() - 2);
  return {level, arn, configuration.bool_or("includeExecutionData")};
}

bool is_logged(const LogSettings& settings, std::string_view type) {
  if (settings.level.empty()) return false;
  if (settings.level == "ALL") return true;
  const bool failure = type.ends_with("Failed") || type.ends_with("TimedOut") || type.ends_with("Aborted");
  if (settings.level == "FATAL") return failure && type.starts_with("Execution");
  return failure || type == "FailStateEntered";
}

std::string log_line(const LogSettings& settings, const Value& event, const std::string& execution_arn, int redrives) {
  Value details = Value::map();
  for (const ValueMember& m : event.as_map())
    if (m.value.is_map()) details = m.value;
  if (!settings.with_data)
    for (const char* name : {"input", "inputDetails", "output", "outputDetails", "parameters"}) details.erase(name);
  const int64_t at_ms = event.at("timestamp").as_time().time_since_epoch().count();
  return to_json(Value::map({{"id", std::to_string(event.int_or("id"))},
                             {"type", event.string_or("type")},
                             {"details", std::move(details)},
                             {"redrive_count", std::to_string(redrives)},
                             {"previous_event_id", std::to_string(event.int_or("previousEventId"))},
                             {"event_timestamp", std::to_string(at_ms)},
                             {"execution_arn", execution_arn}}));
}

std::string log_stream_of(const std::string& machine_arn, Time started, uint64_t number) {
  std::string digits;
  notify::append_number_bytes(digits, number);
  return "states/" + machine_arn.substr(machine_arn.rfind(':') + 1) + "/" + format_time(started, "%Y-%m-%d-%H-%M") +
         "/" + hex_encode(digits).substr(8);
}

}  // namespace tarn::states
