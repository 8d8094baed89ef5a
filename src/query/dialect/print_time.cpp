// Literals and expressions of dates, times, zones and intervals.
#include <array>

#include "query/dialect/moment.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

constexpr int max_precision = 9;  // DuckDB's nanoseconds

[[noreturn]] void invalid_literal(const TypedLiteral& e, Position at, const char* type) {
  Printer::fail(at, "INVALID_LITERAL", "'" + e.value + "' is not a valid " + type + " literal");
}

Value date_literal(const TypedLiteral& e, Position at) {
  std::optional<Moment> moment = parse_moment(e.value);
  if (!moment || !moment->has_date || moment->has_time || !moment->zone.empty()) invalid_literal(e, at, "DATE");
  return Value{"DATE '" + moment->date_text() + "'", simple_type(TypeKind::date)};
}

Value time_literal(const TypedLiteral& e, Position at) {
  std::optional<Moment> moment = parse_moment(e.value);
  if (!moment || moment->has_date || !moment->has_time) invalid_literal(e, at, "TIME");
  if (!moment->zone.empty()) Printer::unsupported(at, "time with time zone");
  Type type = simple_type(TypeKind::time);
  type.precision = static_cast<int>(moment->fraction.size());
  if (type.precision > 6) Printer::unsupported(at, "a time finer than a microsecond");
  return Value{"TIME '" + moment->time_text() + "'", type};
}

Value timestamp_literal(const TypedLiteral& e, Position at) {
  std::optional<Moment> moment = parse_moment(e.value);
  if (!moment || !moment->has_date) invalid_literal(e, at, "TIMESTAMP");
  int precision = static_cast<int>(moment->fraction.size());
  if (precision > max_precision) Printer::unsupported(at, "a timestamp finer than a nanosecond");
  std::string text = "'" + moment->date_text() + " " + moment->time_text() + "'";
  if (moment->zone.empty())
    return Value{(precision > 6 ? "TIMESTAMP_NS " : "TIMESTAMP ") + text, timestamp_type(precision)};
  std::optional<std::string> zone = known_zone(moment->zone);
  if (!zone) invalid_literal(e, at, "TIMESTAMP");
  return Value{at_zone_sql("TIMESTAMP " + text, *zone), timestamp_with_zone_type(precision, *zone)};
}

std::string field_of_local(std::string_view part, const Value& value) {
  return "date_part('" + std::string(part) + "', " + local_sql(value) + ")";
}

std::string zone_offset_minutes(const Value& value) {
  Value named = value;
  return with_names({value.sql}, [&](const std::vector<std::string>& n) {
    named.sql = n[0];
    return "((epoch_us(" + local_sql(named) + ") - epoch_us(" + instant_sql(named) + ")) // 60000000)";
  });
}

struct FieldName {
  std::string_view trino, duckdb;
  bool of_time;
};
constexpr std::array field_names = {
    FieldName{"YEAR", "year", false},
    FieldName{"QUARTER", "quarter", false},
    FieldName{"MONTH", "month", false},
    FieldName{"WEEK", "week", false},
    FieldName{"DAY", "day", false},
    FieldName{"DAY_OF_MONTH", "day", false},
    FieldName{"DAY_OF_WEEK", "isodow", false},
    FieldName{"DOW", "isodow", false},
    FieldName{"DAY_OF_YEAR", "doy", false},
    FieldName{"DOY", "doy", false},
    FieldName{"YEAR_OF_WEEK", "isoyear", false},
    FieldName{"YOW", "isoyear", false},
    FieldName{"HOUR", "hour", true},
    FieldName{"MINUTE", "minute", true},
    FieldName{"SECOND", "second", true},
    FieldName{"TIMEZONE_MINUTE", "", true},
    FieldName{"TIMEZONE_HOUR", "", true},
};

std::optional<std::string> interval_field(std::string_view field, const Value& value) {
  const std::string& x = value.sql;
  if (value.type.kind == TypeKind::interval_year_month) {
    if (field != "YEAR" && field != "MONTH") return std::nullopt;
    return "date_part('" + lower_case(field) + "', " + x + ")";
  }
  static constexpr std::array<std::pair<std::string_view, std::pair<int64_t, int64_t>>, 4> units = {
      {{"DAY", {86'400'000, 0}}, {"HOUR", {3'600'000, 24}}, {"MINUTE", {60'000, 60}}, {"SECOND", {1000, 60}}}};
  for (const auto& [name, unit] : units) {
    if (name != field) continue;
    std::string whole = "(CAST(round(epoch(" + x + ") * 1000) AS BIGINT) // " + std::to_string(unit.first) + ")";
    return unit.second > 0 ? "(" + whole + " % " + std::to_string(unit.second) + ")" : whole;
  }
  return std::nullopt;
}

}  // namespace

Value extracted(const Style&, std::string_view given, const Value& value, Position at, Position value_at) {
  std::string field = upper_case(given);
  const FieldName* found = nullptr;
  for (const FieldName& candidate : field_names) {
    if (candidate.trino == field) found = &candidate;
  }
  if (!found) {
    std::string all;
    for (const FieldName& candidate : field_names) all += (all.empty() ? "" : ", ") + std::string(candidate.trino);
    Printer::fail(at, "SYNTAX_ERROR", "Invalid EXTRACT field " + std::string(given) + ", valid fields are: " + all);
  }
  const Type& type = value.type;
  Type bigint = simple_type(TypeKind::bigint);
  bool zone_field = found->duckdb.empty();
  if (type.kind == TypeKind::interval_year_month || type.kind == TypeKind::interval_day_second) {
    std::optional<std::string> sql = interval_field(field, value);
    if (sql) return Value{*sql, bigint};
  } else if (zone_field && type.kind == TypeKind::timestamp_with_zone) {
    std::string minutes = zone_offset_minutes(value);
    return Value{field == "TIMEZONE_HOUR" ? "(" + minutes + " // 60)" : "(" + minutes + " % 60)", bigint};
  } else if (!zone_field &&
             (type.kind == TypeKind::timestamp || type.kind == TypeKind::timestamp_with_zone ||
              (type.kind == TypeKind::date && !found->of_time) || (type.kind == TypeKind::time && found->of_time))) {
    return Value{field_of_local(found->duckdb, value), bigint};
  }
  Printer::fail(value_at, "TYPE_MISMATCH", "Cannot extract " + field + " from " + to_trino(type));
}

Value Printer::node(const TypedLiteral& e, const Expression& at, const Scope&) {
  if (!e.type.unknown_name.empty()) fail(at.at, "TYPE_NOT_FOUND", "Unknown type: " + e.type.unknown_name);
  switch (e.type.type.kind) {
    case TypeKind::date:
      return date_literal(e, at.at);
    case TypeKind::time:
      return time_literal(e, at.at);
    case TypeKind::timestamp:
      return timestamp_literal(e, at.at);
    case TypeKind::json:
      return Value{"json(" + quote_text(e.value) + ")", e.type.type};
    case TypeKind::decimal: {
      // The literal's own digits make its type.
      std::string digits = e.value;
      if (digits.find_first_not_of("+-.0123456789") != std::string::npos || digits.empty())
        invalid_literal(e, at.at, "DECIMAL");
      if (digits.find('.') == std::string::npos) digits += ".";
      Scope none;
      return node(DecimalLiteral{digits.starts_with("+") ? digits.substr(1) : digits}, at, none);
    }
    default:
      break;
  }
  Value text{quote_text(e.value), varchar_type()};
  Type type = e.type.type;
  if (type.kind == TypeKind::character) type.precision = 65536;
  if (type.kind == TypeKind::varchar) return Value{text.sql, type, e.value};
  std::optional<Value> out = cast_value(style_, text, type, false);
  if (!out)
    fail(at.at, "INVALID_LITERAL", "'" + e.value + "' is not a valid " + upper_case(to_trino(type)) + " literal");
  return *out;
}

Value Printer::node(const IntervalLiteral& e, const Expression& at, const Scope&) {
  std::optional<IntervalAmount> amount = parse_interval(e.value, e.from, e.to);
  if (!amount) fail(at.at, "INVALID_LITERAL", "'" + e.value + "' is not a valid INTERVAL literal");
  int64_t value = e.negative ? -amount->amount : amount->amount;
  if (amount->months)
    return Value{"to_months(" + std::to_string(value) + ")", simple_type(TypeKind::interval_year_month)};
  Type type = simple_type(TypeKind::interval_day_second);
  constexpr int64_t day_ms = 86'400'000;
  if (value % day_ms == 0 && value / day_ms <= INT32_MAX && value / day_ms >= INT32_MIN) {
    return Value{"to_days(" + std::to_string(value / day_ms) + ")", type};
  }
  return Value{"to_microseconds(" + std::to_string(value) + "000)", type};
}

Value Printer::node(const Extract& e, const Expression& at, const Scope& scope) {
  return extracted(style_, e.field.name, expression(*e.operand, scope), at.at, e.operand->at);
}

Value Printer::node(const AtTimeZone& e, const Expression& at, const Scope& scope) {
  Value value = expression(*e.operand, scope);
  if (value.type.kind == TypeKind::timestamp)
    value = coerced(style_, value, timestamp_with_zone_type(value.type.precision));
  if (value.type.kind != TypeKind::timestamp_with_zone) {
    fail(e.operand->at, "TYPE_MISMATCH",
         "Type of value must be a time or timestamp with or without time zone (actual " + to_trino(value.type) + ")");
  }
  std::string name;
  if (auto* text = std::get_if<StringLiteral>(&e.zone->node)) {
    name = text->value;
  } else {
    const auto& interval = std::get<IntervalLiteral>(e.zone->node);
    std::optional<IntervalAmount> amount = parse_interval(interval.value, interval.from, interval.to);
    if (!amount || amount->months) fail(e.zone->at, "TYPE_MISMATCH", "Expected time zone interval");
    int64_t minutes = (interval.negative ? -amount->amount : amount->amount) / 60'000;
    int64_t size = minutes < 0 ? -minutes : minutes;
    auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    name = (minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60);
  }
  std::optional<std::string> zone = known_zone(name);
  if (!zone) fail(at.at, "INVALID_FUNCTION_ARGUMENT", "'" + name + "' is not a valid time zone");
  return Value{instant_sql(value), timestamp_with_zone_type(value.type.precision, *zone)};
}

Value Printer::node(const CurrentTime& e, const Expression& at, const Scope&) {
  int precision = e.precision.value_or(3);
  std::string now = options_.now_ms ? "make_timestamp(" + std::to_string(*options_.now_ms) + "000)"
                                    : "date_trunc('millisecond', make_timestamp(epoch_us(now())))";
  if (e.name == "current_date") return Value{"CAST(" + now + " AS DATE)", simple_type(TypeKind::date)};
  if (e.name == "current_timestamp")
    return Value{"CAST(" + now + " AS TIMESTAMPTZ)", timestamp_with_zone_type(precision)};
  if (e.name == "localtimestamp") return Value{now, timestamp_type(precision)};
  if (e.name == "localtime") {
    Type type = simple_type(TypeKind::time);
    type.precision = precision;
    return Value{"CAST(" + now + " AS TIME)", type};
  }
  if (e.name == "current_user") return Value{quote_text(options_.user), varchar_type()};
  if (e.name == "current_catalog") return Value{quote_text(options_.catalog), varchar_type()};
  if (e.name == "current_schema") return Value{quote_text(options_.database), varchar_type()};
  unsupported(at.at, e.name);
}

}  // namespace tarn::dialect
