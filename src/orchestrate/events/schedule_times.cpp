#include "orchestrate/events/schedule_times.hpp"

#include "base/error.hpp"

namespace tarn::orchestrate {

ScheduleTimes::ScheduleTimes(const std::string& expression, const std::string& zone) {
  std::string why_not;
  schedule_ = Schedule::parse(expression, {.any_plural = true}, why_not);
  if (!schedule_)
    throw Error(ErrorKind::caller, "ValidationException",
                "Invalid Schedule Expression " + expression + ": " + why_not + ".");
  zone_ = TimeZone::find(zone);
  if (!zone_)
    throw Error(ErrorKind::caller, "ValidationException", "Invalid Schedule Expression Timezone " + zone + ".");
  form_ = expression.starts_with("rate") ? Form::rate : expression.starts_with("at") ? Form::at : Form::cron;
}

std::optional<Time> ScheduleTimes::next_after(Time t, Time start) const {
  if (form_ == Form::rate) return t < start ? start : schedule_->next_after(t, start);
  // Instants before the local time are passed already; some after it may be, where clocks were put back.
  Time local = zone_->local_at(t);
  if (form_ == Form::at) local = Time::min();
  while (auto shown = schedule_->next_after(local)) {
    auto instant = zone_->instant_of(*shown);
    // A single time that clocks never show is meant as they showed it until then.
    if (!instant && form_ == Form::at) instant = *shown - zone_->offset_at(*shown - std::chrono::hours(36));
    if (instant && *instant > t) return instant;
    if (form_ == Form::at) return std::nullopt;
    local = *shown;
  }
  return std::nullopt;
}

}  // namespace tarn::orchestrate
