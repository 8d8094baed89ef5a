// When a schedule of EventBridge Scheduler falls due ("Amazon EventBridge Scheduler User Guide", Schedule types): an
// expression as clocks of a time zone show it, between two dates.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/cron.hpp"
#include "base/time_zone.hpp"

namespace tarn::orchestrate {

// Immutable; thread-safe. Where clocks are put forward over an instant of a cron expression, it is left out; where they
// are put back, an instant that they show twice counts once. A rate counts hours as they pass.
class ScheduleTimes {
 public:
  // Error (caller, ValidationException) when `expression` is none, or there is no such zone.
  ScheduleTimes(const std::string& expression, const std::string& zone);

  bool once() const { return form_ == Form::at; }
  bool rate() const { return form_ == Form::rate; }
  // The first instant after `t`. `start`: what a rate counts from, its first instant.
  std::optional<Time> next_after(Time t, Time start) const;

 private:
  enum class Form { cron, rate, at };
  std::optional<Schedule> schedule_;
  std::shared_ptr<const TimeZone> zone_;
  Form form_ = Form::cron;
};

}  // namespace tarn::orchestrate
