#include "base/log.hpp"

#include <unistd.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace tarn {
namespace {

std::atomic<LogLevel> least_level{LogLevel::info};
std::atomic<bool> as_json{false};

constexpr std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    default:
      return "error";
  }
}

std::string person_line(LogLevel level, Time now, std::string_view message, const Value& fields) {
  std::string line = format_time(now, "%H:%M:%S ");
  if (level != LogLevel::info) line += std::string(name_of(level)) + ": ";
  line += message;
  if (fields.is_map())
    for (const auto& [key, value] : fields.as_map())
      line += " " + key + "=" + (value.is_string() ? value.as_string() : to_json(value));
  return line;
}

}  // namespace

void configure_log(LogLevel least, bool json) {
  least_level = least;
  as_json = json;
}

bool logs(LogLevel level) {
  return level >= least_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, const Value& fields) {
  if (!logs(level)) return;
  Time now = SystemClock().now();
  std::string line;
  if (as_json) {
    Value event = Value::map({{"time", format_iso8601(now)}, {"level", name_of(level)}, {"message", message}});
    if (fields.is_map())
      for (const auto& [key, value] : fields.as_map()) event.set(key, value);
    line = to_json(event);
  } else {
    line = person_line(level, now, message, fields);
  }
  line += '\n';
  // One write a line keeps lines whole; a log that can't be written is not worth failing a request for.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tarn
