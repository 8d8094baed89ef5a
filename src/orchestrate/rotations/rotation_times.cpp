#include "orchestrate/rotations/rotation_times.hpp"

#include <charconv>
#include <string_view>
#include <vector>

#include "base/cron.hpp"
#include "base/error.hpp"

namespace tarn::orchestrate {
namespace {

using api::secretsmanager::RotationRulesType;
using std::chrono::days;
using std::chrono::hours;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterException", what);
}

struct Rate {
  int64_t count = 0;
  bool in_days = false;
};

// "rate(10 days)"; absent when it is no rate in hours or days.
std::optional<Rate> parse_rate(std::string_view text) {
  if (!text.starts_with("rate(") || !text.ends_with(")")) return std::nullopt;
  text = text.substr(5, text.size() - 6);
  const std::size_t space = text.find(' ');
  Rate out;
  if (space == text.npos || std::from_chars(text.data(), text.data() + space, out.count).ptr != text.data() + space)
    return std::nullopt;
  const std::string_view unit = text.substr(space + 1);
  out.in_days = unit.starts_with("day");
  return out.in_days || unit.starts_with("hour") ? std::optional(out) : std::nullopt;
}

std::optional<Rate> rate_of(const RotationRulesType& rules) {
  if (rules.automatically_after_days) return Rate{*rules.automatically_after_days, true};
  return rules.schedule_expression ? parse_rate(*rules.schedule_expression) : std::nullopt;
}

std::vector<std::string_view> cron_fields(std::string_view expression) {
  std::vector<std::string_view> out;
  if (!expression.starts_with("cron(") || !expression.ends_with(")")) return out;
  expression = expression.substr(5, expression.size() - 6);
  while (!expression.empty()) {
    const std::size_t end = std::min(expression.find(' '), expression.size());
    if (end > 0) out.push_back(expression.substr(0, end));
    expression.remove_prefix(std::min(end + 1, expression.size()));
  }
  return out;
}

// Rotation schedules may leave the star of a step out: "cron(0 /8 * * ? *)".
std::optional<Schedule> parse_schedule(std::string expression, std::string& why) {
  for (std::size_t at = expression.find(" /"); at != expression.npos; at = expression.find(" /", at + 2))
    expression.insert(at + 1, "*");
  return Schedule::parse(expression, {.rate = true, .at = false}, why);
}

void check_expression(const std::string& expression) {
  std::string why;
  if (!parse_schedule(expression, why))
    invalid("Invalid rotation schedule expression " + expression + ": " + why + ".");
  if (expression.starts_with("rate(")) {
    const auto rate = parse_rate(expression);
    if (!rate) invalid("A rotation schedule's rate is in hours or days.");
    if (!rate->in_days && rate->count < 4) invalid("A secret can't be rotated more often than every four hours.");
    if (rate->count > 999) invalid("A rotation schedule's rate is at most 999.");
    return;
  }
  const auto fields = cron_fields(expression);
  if (fields.size() != 6 || fields[0] != "0") invalid("The minutes of a rotation schedule must be 0.");
  if (fields[5] != "*") invalid("The year of a rotation schedule must be *.");
  const auto schedule = *parse_schedule(expression, why);
  Time last = Time(days(366));
  for (int i = 0; i < 48; i++) {
    const auto next = schedule.next_after(last);
    if (!next) break;
    if (i > 0 && *next - last < hours(4)) invalid("A secret can't be rotated more often than every four hours.");
    last = *next;
  }
}

hours duration_of(const RotationRulesType& rules) {
  return hours(std::atoi(rules.duration->c_str()));
}

Time closing(const RotationRulesType& rules, Time opens) {
  if (rules.duration) return opens + duration_of(rules);
  const auto rate = rate_of(rules);
  const auto fields = rate ? std::vector<std::string_view>() : cron_fields(*rules.schedule_expression);
  const bool hourly = rate ? !rate->in_days : fields.size() == 6 && fields[1].find_first_of("/,-*") != fields[1].npos;
  return hourly ? opens + hours(1) : std::chrono::floor<days>(opens) + days(1);
}

}  // namespace

void check_rotation_rules(const RotationRulesType& rules) {
  if (rules.automatically_after_days && rules.schedule_expression)
    invalid("You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.");
  if (!rules.automatically_after_days && !rules.schedule_expression) {
    if (rules.duration) invalid("Duration needs AutomaticallyAfterDays or ScheduleExpression.");
    return;
  }
  if (rules.schedule_expression) check_expression(*rules.schedule_expression);
  if (!rules.duration) return;
  if (duration_of(rules) < hours(1) || duration_of(rules) > hours(24))
    invalid("The duration of a rotation window is from 1h to 24h.");
  const auto first = next_window(rules, Time(days(366)));
  const auto second = first ? next_window(rules, first->opens) : std::nullopt;
  if (second && first->closes > second->opens)
    invalid("The rotation window must not go on into the next one. Shorten Duration.");
}

std::optional<RotationWindow> next_window(const RotationRulesType& rules, Time t) {
  Time opens;
  if (const auto rate = rate_of(rules)) {
    opens = rate->in_days ? Time(std::chrono::floor<days>(t) + days(rate->count))
                          : Time(std::chrono::floor<hours>(t) + hours(rate->count));
  } else {
    std::string why;
    const auto schedule = rules.schedule_expression ? parse_schedule(*rules.schedule_expression, why) : std::nullopt;
    const auto next = schedule ? schedule->next_after(t) : std::nullopt;
    if (!next) return std::nullopt;
    opens = *next;
  }
  return RotationWindow{opens, closing(rules, opens)};
}

}  // namespace tarn::orchestrate
