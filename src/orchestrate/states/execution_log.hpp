// What an execution writes to CloudWatch Logs ("Logging in CloudWatch Logs", AWS Step Functions Developer Guide): its
// events, those that the machine's level asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::states {

// The machine's LoggingConfiguration, as an execution keeps it; no level: nothing is logged.
struct LogSettings {
  std::string level;  // ALL, ERROR, FATAL
  std::string group;
  bool with_data = false;
};
LogSettings log_settings_of(const Value& logging_configuration);

// Whether events of this type are logged at this level.
bool is_logged(const LogSettings& settings, std::string_view event_type);

// `event` (of the history) as a line of the log.
std::string log_line(const LogSettings& settings, const Value& event, const std::string& execution_arn, int redrives);

// The stream of an execution: of its machine and the minute in which it began.
std::string log_stream_of(const std::string& machine_arn, Time started, uint64_t number);

}  // namespace tarn::states
