// The program's log: one line an event, to standard error, for people or (with `json`) for machines.
#pragma once

#include <string_view>

#include "base/value.hpp"

namespace tarn {

enum class LogLevel { debug, info, warning, error };

// Set once by main, before threads start.
void configure_log(LogLevel least, bool json);
// Writes `message` and the members of `fields`. Thread-safe; never throws.
void log(LogLevel level, std::string_view message, const Value& fields = {});
bool logs(LogLevel level);

}  // namespace tarn
