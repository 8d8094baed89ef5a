// Time, handed in by main so that a test can stop it. All instants are UTC with millisecond precision.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  // Blocks until `now() >= deadline` (true) or until `stop` is requested (false).
  virtual bool wait_until(Time deadline, std::stop_token stop) = 0;
};

class SystemClock : public Clock {
 public:
  Time now() const override;
  bool wait_until(Time deadline, std::stop_token stop) override;
};

// Stands still until advanced (`tarn up --clock manual`, `tarn clock advance`).
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time start) : now_(start) {}
  Time now() const override;
  bool wait_until(Time deadline, std::stop_token stop) override;
  // Moves time forward and wakes all whose deadline has come. `by` is not negative.
  void advance(std::chrono::milliseconds by);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any moved_;
  Time now_;
};

// "2026-11-21T02:58:05.123Z" (RFC 3339); `with_ms` false leaves the fraction out.
std::string format_iso8601(Time t, bool with_ms = true);
// "Sat, 21 Nov 2026 02:58:05 GMT" (RFC 9110's IMF-fixdate).
std::string format_http_date(Time t);
// "20261121T025805Z", as signatures carry it.
std::string format_basic_iso8601(Time t);
// Calendar parts by strftime's letters (%Y %m %d %H %M %S), for paths and logs.
std::string format_time(Time t, const char* strftime_format);

// Each is absent when the text has another form or names no real instant. parse_iso8601 takes an offset, "Z" or neither
// (UTC), up to nine decimals (cut to milliseconds), and a date alone.
std::optional<Time> parse_iso8601(std::string_view text);
std::optional<Time> parse_http_date(std::string_view text);
std::optional<Time> parse_basic_iso8601(std::string_view text);

}  // namespace tarn
