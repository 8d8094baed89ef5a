// Dates and times (Trino's page "Date and time functions and operators").
#include <array>

#include "query/dialect/functions.hpp"
#include "query/dialect/moment.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"
#include "query/dialect/time_format.hpp"

namespace tarn::dialect {

namespace {

// The result as the argument's kind of time: a TIMESTAMP in its zone, a date.
std::string as_kind_of(const Value& like, const std::string& local) {
  if (like.type.kind == TypeKind::date) return "CAST(" + local + " AS DATE)";
  if (like.type.kind != TypeKind::timestamp_with_zone) return local;
  if (!like.type.zone.empty()) return at_zone_sql(local, like.type.zone);
  return with_names({like.sql, local}, [](const std::vector<std::string>& n) {
    std::string zone = "(" + n[0] + ").z";
    std::string offset = "(CAST(" + zone + "[2:3] AS BIGINT) * 60 + CAST(" + zone + "[5:6] AS BIGINT)) * 60000000";
    std::string micros = "epoch_us(CAST(" + n[1] + " AS TIMESTAMP))";
    std::string instant = "CASE WHEN " + zone + " = 'UTC' THEN CAST(CAST(" + n[1] +
                          " AS TIMESTAMP) AS TIMESTAMPTZ) WHEN " + zone +
                          "[1] IN ('+', '-') THEN CAST(make_timestamp(" + micros + " - CASE " + zone +
                          "[1] WHEN '-' THEN -1 ELSE 1 END * " + offset + ") AS TIMESTAMPTZ) ELSE timezone(" + zone +
                          ", CAST(" + n[1] + " AS TIMESTAMP)) END";
    return "CASE WHEN " + n[0] + " IS NOT NULL THEN struct_pack(t := " + instant + ", z := " + zone + ") END";
  });
}

// "-05:00", or "-0500" without the colon: how far the clock of the value's zone is from UTC then.
std::string offset_text(const Value& value, bool colon) {
  std::string minutes =
      "CAST((epoch_us(" + local_sql(value) + ") - epoch_us(" + instant_sql(value) + ")) // 60000000 AS BIGINT)";
  return with_names({minutes}, [&](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " < 0 THEN '-' ELSE '+' END || format('{:02d}" + (colon ? ":" : "") + "{:02d}', abs(" +
           n[0] + ") // 60, abs(" + n[0] + ") % 60)";
  });
}

std::string write_field(Call& call) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 1> other_names = {
      {{"week_of_year", "week"}}};
  std::string field = call.call.name;
  for (const auto& [name, meaning] : other_names) {
    if (field == name) field = meaning;
  }
  return extracted(call.style(), field, call.arguments[0], call.at.at, call.call.arguments[0]->at).sql;
}

std::string write_millisecond(Call& call) {
  return "(date_part('millisecond', " + local_sql(call.arguments[0]) + ") % 1000)";
}

std::string write_date(Call& call) {
  std::optional<Value> out = cast_value(call.style(), call.arguments[0], simple_type(TypeKind::date), false);
  return out->sql;
}

struct Unit {
  std::string_view name;
  bool of_date;
  const char* add;  // DuckDB's function that makes the interval, its factor behind it
  int factor;
};
constexpr std::array units = {
    Unit{"millisecond", false, "to_milliseconds", 1},
    Unit{"second", false, "to_seconds", 1},
    Unit{"minute", false, "to_minutes", 1},
    Unit{"hour", false, "to_hours", 1},
    Unit{"day", true, "to_days", 1},
    Unit{"week", true, "to_days", 7},
    Unit{"month", true, "to_months", 1},
    Unit{"quarter", true, "to_months", 3},
    Unit{"year", true, "to_months", 12},
};

const Unit& unit_of(Call& call, const Type& type) {
  std::string name = lower_case(call.literal(0));
  for (const Unit& unit : units) {
    if (unit.name == name && (unit.of_date || type.kind != TypeKind::date)) return unit;
  }
  std::string kind = type.kind == TypeKind::date ? "DATE" : type.kind == TypeKind::time ? "TIME" : "TIMESTAMP";
  Printer::fail(call.call.arguments[0]->at, "INVALID_FUNCTION_ARGUMENT",
                "'" + call.literal(0) + "' is not a valid " + kind + " field");
}

std::string write_date_trunc(Call& call) {
  const Unit& unit = unit_of(call, call.arguments[1].type);
  std::string local = local_sql(call.arguments[1]);
  if (call.arguments[1].type.kind == TypeKind::time) {
    return "CAST(date_trunc('" + std::string(unit.name) + "', DATE '1970-01-01' + " + local + ") AS TIME)";
  }
  call.result.zone = call.arguments[1].type.zone;
  return as_kind_of(call.arguments[1], "date_trunc('" + std::string(unit.name) + "', " + local + ")");
}

std::string write_date_add(Call& call) {
  const Value& value = call.arguments[2];
  const Unit& unit = unit_of(call, value.type);
  std::string amount = unit.factor == 1 ? call.sql(1) : "(" + call.sql(1) + " * " + std::to_string(unit.factor) + ")";
  bool days_or_months = std::string_view(unit.add) == "to_days" || std::string_view(unit.add) == "to_months";
  std::string interval =
      std::string(unit.add) + "(" + (days_or_months ? "CAST(" + amount + " AS INTEGER)" : amount) + ")";
  Type interval_type = simple_type(std::string_view(unit.add) == "to_months" ? TypeKind::interval_year_month
                                                                             : TypeKind::interval_day_second);
  if (value.type.kind == TypeKind::date) return "CAST(" + value.sql + " + " + interval + " AS DATE)";
  Value moved = arithmetic(call.style(), "+", value, Value{interval, interval_type}, call.at.at);
  call.result = value.type;
  return moved.sql;
}

std::string write_date_diff(Call& call) {
  const Unit& unit = unit_of(call, call.arguments[1].type);
  auto local = [](const Value& v) {
    if (v.type.kind == TypeKind::time) return "(DATE '1970-01-01' + " + v.sql + ")";
    return v.type.kind == TypeKind::timestamp_with_zone ? "make_timestamp(epoch_us(" + instant_sql(v) + "))" : v.sql;
  };
  // Full units, both ways.
  return "date_sub('" + std::string(unit.name) + "', " + local(call.arguments[1]) + ", " + local(call.arguments[2]) +
         ")";
}

std::string write_last_day(Call& call) {
  return "last_day(" + local_sql(call.arguments[0]) + ")";
}

std::string write_to_unixtime(Call& call) {
  const Value& value = call.arguments[0];
  return "(epoch_us(" + (value.type.kind == TypeKind::timestamp_with_zone ? instant_sql(value) : value.sql) +
         ") / 1000000)";
}

std::string write_from_unixtime(Call& call) {
  call.result = timestamp_with_zone_type(3);
  if (call.arguments.size() == 2) {
    std::optional<std::string> zone = known_zone(call.literal(1));
    if (!zone) call.fail("INVALID_FUNCTION_ARGUMENT", "'" + call.literal(1) + "' is not a valid time zone");
    call.result.zone = *zone;
  }
  return "CAST(make_timestamp(CAST(round(" + call.sql(0) + " * 1000) AS BIGINT) * 1000) AS TIMESTAMPTZ)";
}

// With an offset in hours and minutes.
std::string write_from_unixtime_offset(Call& call) {
  for (size_t i : {1, 2}) {
    if (!call.arguments[i].number)
      Printer::unsupported(call.call.arguments[i]->at, "from_unixtime with an offset that is not a literal");
  }
  auto literal = [&](size_t i) {
    std::string digits = call.sql(i).substr(0, call.sql(i).find(" AS "));
    return std::stoll(digits.substr(digits.find_first_of("-0123456789")));
  };
  long long minutes = literal(1) * 60 + (literal(1) < 0 ? -literal(2) : literal(2));
  if (minutes < -14 * 60 || minutes > 14 * 60 || literal(2) < 0 || literal(2) > 59) {
    call.fail("INVALID_FUNCTION_ARGUMENT", "Invalid offset minutes " + std::to_string(minutes));
  }
  auto two = [](long long n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  long long size = minutes < 0 ? -minutes : minutes;
  call.result = timestamp_with_zone_type(3, (minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60));
  return "CAST(make_timestamp(CAST(round(" + call.sql(0) + " * 1000) AS BIGINT) * 1000) AS TIMESTAMPTZ)";
}

std::string write_parse_duration(Call& call) {
  const std::string& text = call.sql(0);
  constexpr const char* pattern = R"('\s*([0-9]+(?:\.[0-9]+)?)\s*(ns|us|ms|s|m|h|d)\s*')";
  std::string number = "CAST(regexp_extract(" + text + ", " + pattern + ", 1) AS DOUBLE)";
  std::string unit = "CASE regexp_extract(" + text + ", " + pattern +
                     ", 2) WHEN 'ns' THEN 1e-6 WHEN 'us' THEN 1e-3 WHEN 'ms' THEN 1 WHEN 's' THEN 1000 WHEN 'm' THEN "
                     "60000 WHEN 'h' THEN 3600000 ELSE 86400000 END";
  return call.guard("NOT regexp_full_match(" + text + ", " + pattern + ")", "INVALID_FUNCTION_ARGUMENT",
                    "'duration is not a valid data duration string: ' || " + text,
                    "to_milliseconds(CAST(round(" + number + " * " + unit + ") AS BIGINT))");
}

// "3 days, 2 hours, 1 minute, 5 seconds"; parts that are zero are left out.
std::string write_human_readable_seconds(Call& call) {
  return with_names({"abs(CAST(trunc(" + call.sql(0) + ") AS BIGINT))"}, [](const std::vector<std::string>& n) {
    std::string parts;
    auto part = [&](const std::string& amount, const std::string& word) {
      parts += (parts.empty() ? "" : ", ") + ("CASE " + amount + " WHEN 0 THEN NULL WHEN 1 THEN '1 " + word +
                                              "' ELSE (" + amount + ") || ' " + word + "s' END");
    };
    part("(" + n[0] + " // 604800)", "week");
    part("(" + n[0] + " % 604800 // 86400)", "day");
    part("(" + n[0] + " % 86400 // 3600)", "hour");
    part("(" + n[0] + " % 3600 // 60)", "minute");
    part("(" + n[0] + " % 60)", "second");
    return "CASE WHEN " + n[0] + " = 0 THEN '0 seconds' WHEN " + n[0] + " IS NOT NULL THEN concat_ws(', ', " + parts +
           ") END";
  });
}

std::string write_at_timezone(Call& call) {
  std::optional<std::string> zone = known_zone(call.literal(1));
  if (!zone) call.fail("INVALID_FUNCTION_ARGUMENT", "'" + call.literal(1) + "' is not a valid time zone");
  call.result = timestamp_with_zone_type(call.arguments[0].type.precision, *zone);
  return instant_sql(call.arguments[0]);
}

std::string write_with_timezone(Call& call) {
  std::optional<std::string> zone = known_zone(call.literal(1));
  if (!zone) call.fail("INVALID_FUNCTION_ARGUMENT", "'" + call.literal(1) + "' is not a valid time zone");
  call.result = timestamp_with_zone_type(call.arguments[0].type.precision, *zone);
  return at_zone_sql(call.sql(0), *zone);
}

std::string write_timezone(Call& call) {
  return "CASE WHEN " + instant_sql(call.arguments[0]) + " IS NOT NULL THEN " + zone_sql(call.arguments[0]) + " END";
}

// ---- Formats

std::string write_date_format(Call& call) {
  TimeFormat format = mysql_format(call.literal(1));
  if (!format.unsupported.empty()) {
    call.fail("INVALID_FUNCTION_ARGUMENT", format.unsupported + " not supported in date format string");
  }
  return "strftime(" + local_sql(call.arguments[0]) + ", " + quote_text(format.pattern) + ")";
}

// Without a year, Trino says 1970 and DuckDB 1900.
std::string parsed_time(const std::string& text, const TimeFormat& format) {
  if (format.has_year) return "strptime(" + text + ", " + quote_text(format.pattern) + ")";
  return "strptime('1970 ' || " + text + ", " + quote_text("%Y " + format.pattern) + ")";
}

std::string write_date_parse(Call& call) {
  TimeFormat format = mysql_format(call.literal(1));
  if (!format.unsupported.empty()) {
    call.fail("INVALID_FUNCTION_ARGUMENT", format.unsupported + " not supported in date format string");
  }
  return parsed_time(call.sql(0), format);
}

std::string write_format_datetime(Call& call) {
  TimeFormat format = joda_format(call.literal(1));
  if (!format.unsupported.empty()) Printer::unsupported(call.at.at, "format_datetime with " + format.unsupported);
  const Value& value = call.arguments[0];
  std::string text = "strftime(" + local_sql(value) + ", " + quote_text(format.pattern) + ")";
  if (!format.has_zone) return text;
  bool utc = value.type.kind != TypeKind::timestamp_with_zone || value.type.zone == "UTC";
  if (!format.zone_last) {
    if (!utc) Printer::unsupported(call.at.at, "format_datetime with Z in the middle, of other zones than UTC");
    return text;
  }
  bool colon = call.literal(1).ends_with("ZZ");
  if (!utc) return "(" + text + " || " + offset_text(value, colon) + ")";
  return "(" + text + (colon ? " || '+00:00')" : " || '+0000')");
}

std::string write_parse_datetime(Call& call) {
  TimeFormat format = joda_format(call.literal(1));
  bool middle_zone = format.has_zone && !format.zone_last;
  if (!format.unsupported.empty() || middle_zone) {
    Printer::unsupported(call.at.at, "parse_datetime with " + (middle_zone ? "Z in the middle" : format.unsupported));
  }
  call.result = timestamp_with_zone_type(3);
  if (!format.has_zone) return "CAST(" + parsed_time(call.sql(0), format) + " AS TIMESTAMPTZ)";
  call.result.zone.clear();
  std::string parts = "regexp_extract(" + call.sql(0) + R"(, '^(.*?)(Z|[+-][0-9]{2}:?[0-9]{2})$', ['l', 'z']))";
  return with_names({parts}, [&](const std::vector<std::string>& n) {
    std::string zone = "(" + n[0] + ").z";
    std::string offset = "(CAST(" + zone + "[2:3] AS BIGINT) * 60 + CAST(right(" + zone +
                         ", 2) AS BIGINT)) * 60000000 * CASE WHEN " + zone + "[1] = '-' THEN -1 ELSE 1 END";
    std::string local = "epoch_us(" + parsed_time("(" + n[0] + ").l", format) + ")";
    return "CASE WHEN " + zone + " = 'Z' THEN struct_pack(t := CAST(make_timestamp(" + local +
           ") AS TIMESTAMPTZ), z := 'UTC') WHEN " + zone + " IS NOT NULL THEN struct_pack(t := CAST(make_timestamp(" +
           local + " - " + offset + ") AS TIMESTAMPTZ), z := " + zone + "[1:3] || ':' || right(" + zone + ", 2)) END";
  });
}

// ISO 8601's three ways to name a day: of a month, of a year, of a week (Monday where none is said).
std::string iso_date(const std::string& text) {
  return "CASE WHEN regexp_full_match(" + text + ", '[0-9]{4}-W[0-9]{2}(-[1-7])?') THEN CAST(strptime(CASE length(" +
         text + ") WHEN 8 THEN " + text + " || '-1' ELSE " + text +
         " END, '%G-W%V-%u') AS DATE) WHEN regexp_full_match(" + text + ", '[0-9]{4}-[0-9]{3}') THEN CAST(strptime(" +
         text + ", '%Y-%j') AS DATE) WHEN regexp_full_match(" + text + ", '[0-9]{4}(-[0-9]{2})?') THEN CAST(" + text +
         " || CASE length(" + text + ") WHEN 4 THEN '-01-01' ELSE '-01' END AS DATE) ELSE CAST(" + text +
         " AS DATE) END";
}

constexpr std::string_view iso_date_text = R"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?|-[0-9]{3}|-W[0-9]{2}(?:-[1-7])?)?)";

std::string write_from_iso8601_date(Call& call) {
  const std::string& text = call.sql(0);
  return call.guard("NOT regexp_full_match(" + text + ", " + quote_text(iso_date_text) + ")",
                    "INVALID_FUNCTION_ARGUMENT", "'Invalid format: \"' || " + text + " || '\"'", iso_date(text));
}

// ISO 8601: a date, then T, a time cut anywhere, and an offset. The zone is the text's own.
std::string write_from_iso8601_timestamp(Call& call) {
  call.result = timestamp_with_zone_type(3, "");
  const std::string& text = call.sql(0);
  const std::string pattern =
      "^(" + std::string(iso_date_text) +
      R"()(?:T([0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)?)?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$)";
  std::string parts = "regexp_extract(" + text + ", " + quote_text(pattern) + ", ['d', 't', 'z'])";
  std::string built = with_names({parts}, [](const std::vector<std::string>& n) {
    std::string date = "(" + n[0] + ").d", time = "(" + n[0] + ").t", zone = "(" + n[0] + ").z";
    std::string full_date = "strftime(" + iso_date(date) + ", '%Y-%m-%d')";
    std::string full_time = "(CASE length(" + time + ") WHEN 0 THEN '00:00:00' WHEN 2 THEN " + time +
                            " || ':00:00' WHEN 5 THEN " + time + " || ':00' ELSE replace(" + time + ", ',', '.') END)";
    std::string local =
        "epoch_us(date_trunc('millisecond', CAST(" + full_date + " || ' ' || " + full_time + " AS TIMESTAMP)))";
    std::string minutes = "CAST(coalesce(nullif(right(replace(" + zone + ", ':', ''), -3), ''), '0') AS BIGINT)";
    std::string offset = "(CAST(" + zone + "[2:3] AS BIGINT) * 60 + " + minutes + ") * 60000000 * CASE WHEN " + zone +
                         "[1] = '-' THEN -1 ELSE 1 END";
    return "CASE WHEN " + zone + " IN ('', 'Z') THEN struct_pack(t := CAST(make_timestamp(" + local +
           ") AS TIMESTAMPTZ), z := 'UTC') WHEN " + zone + " IS NOT NULL THEN struct_pack(t := CAST(make_timestamp(" +
           local + " - " + offset + ") AS TIMESTAMPTZ), z := " + zone + "[1:3] || ':' || lpad(CAST(" + minutes +
           " AS VARCHAR), 2, '0')) END";
  });
  return call.guard("NOT regexp_matches(" + text + ", " + quote_text(pattern) + ")", "INVALID_FUNCTION_ARGUMENT",
                    "'Invalid format: \"' || " + text + " || '\"'", built);
}

std::string write_to_iso8601(Call& call) {
  const Value& value = call.arguments[0];
  if (value.type.kind == TypeKind::date) return "CAST(" + value.sql + " AS VARCHAR)";
  std::string text = "replace(" + timestamp_text_sql(local_sql(value), value.type.precision) + ", ' ', 'T')";
  if (value.type.kind != TypeKind::timestamp_with_zone) return text;
  const std::string& zone = value.type.zone;
  if (zone == "UTC") return "(" + text + " || 'Z')";
  std::string offset = offset_text(value, true);
  if (!zone.empty()) return "(" + text + " || " + offset + ")";
  return "(" + text + " || CASE " + zone_sql(value) + " WHEN 'UTC' THEN 'Z' ELSE " + offset + " END)";
}

std::string write_now(Call& call) {
  Scope none;
  Expression now;
  now.node = CurrentTime{"current_timestamp", std::nullopt};
  return call.printer.expression(now, none).sql;
}

std::string write_to_milliseconds(Call& call) {
  return "CAST(round(epoch(" + call.sql(0) + ") * 1000) AS BIGINT)";
}

constexpr FunctionRow time_rows[] = {
    {"at_timezone", "timestamp(p) with time zone, varchar(x) -> timestamp(p) with time zone", "", write_at_timezone},
    {"current_timezone", "-> varchar", "'UTC'"},
    {"date", "date -> date", "$1"},
    {"date", "varchar(x) -> date", "", write_date},
    {"date", "timestamp(p) -> date", "", write_date},
    {"date", "timestamp(p) with time zone -> date", "", write_date},
    {"date_add", "varchar(x), bigint, date -> date", "", write_date_add},
    {"date_add", "varchar(x), bigint, timestamp(p) -> timestamp(p)", "", write_date_add},
    {"date_add", "varchar(x), bigint, timestamp(p) with time zone -> timestamp(p) with time zone", "", write_date_add},
    {"date_add", "varchar(x), bigint, time(p) -> time(p)", "", write_date_add},
    {"date_diff", "varchar(x), date, date -> bigint", "", write_date_diff},
    {"date_diff", "varchar(x), timestamp(p), timestamp(p) -> bigint", "", write_date_diff},
    {"date_diff", "varchar(x), timestamp(p) with time zone, timestamp(p) with time zone -> bigint", "",
     write_date_diff},
    {"date_diff", "varchar(x), time(p), time(p) -> bigint", "", write_date_diff},
    {"date_format", "timestamp(p), varchar(x) -> varchar", "", write_date_format},
    {"date_format", "timestamp(p) with time zone, varchar(x) -> varchar", "", write_date_format},
    {"date_parse", "varchar(x), varchar(y) -> timestamp(3)", "", write_date_parse},
    {"date_trunc", "varchar(x), date -> date", "", write_date_trunc},
    {"date_trunc", "varchar(x), timestamp(p) -> timestamp(p)", "", write_date_trunc},
    {"date_trunc", "varchar(x), timestamp(p) with time zone -> timestamp(p) with time zone", "", write_date_trunc},
    {"date_trunc", "varchar(x), time(p) -> time(p)", "", write_date_trunc},
    {"day", "date -> bigint", "", write_field},
    {"day", "timestamp(p) -> bigint", "", write_field},
    {"day", "timestamp(p) with time zone -> bigint", "", write_field},
    {"day", "interval day to second -> bigint", "", write_field},
    {"day_of_month", "date -> bigint", "", write_field},
    {"day_of_month", "timestamp(p) -> bigint", "", write_field},
    {"day_of_month", "timestamp(p) with time zone -> bigint", "", write_field},
    {"day_of_week", "date -> bigint", "", write_field},
    {"day_of_week", "timestamp(p) -> bigint", "", write_field},
    {"day_of_week", "timestamp(p) with time zone -> bigint", "", write_field},
    {"day_of_year", "date -> bigint", "", write_field},
    {"day_of_year", "timestamp(p) -> bigint", "", write_field},
    {"day_of_year", "timestamp(p) with time zone -> bigint", "", write_field},
    {"dow", "date -> bigint", "", write_field},
    {"dow", "timestamp(p) -> bigint", "", write_field},
    {"dow", "timestamp(p) with time zone -> bigint", "", write_field},
    {"doy", "date -> bigint", "", write_field},
    {"doy", "timestamp(p) -> bigint", "", write_field},
    {"doy", "timestamp(p) with time zone -> bigint", "", write_field},
    {"format_datetime", "timestamp(p), varchar(x) -> varchar", "", write_format_datetime},
    {"format_datetime", "timestamp(p) with time zone, varchar(x) -> varchar", "", write_format_datetime},
    {"from_iso8601_date", "varchar(x) -> date", "", write_from_iso8601_date},
    {"from_iso8601_timestamp", "varchar(x) -> timestamp(3) with time zone", "", write_from_iso8601_timestamp},
    {"from_unixtime", "double -> timestamp(3) with time zone", "", write_from_unixtime},
    {"from_unixtime", "double, varchar(x) -> timestamp(3) with time zone", "", write_from_unixtime},
    {"hour", "timestamp(p) -> bigint", "", write_field},
    {"hour", "timestamp(p) with time zone -> bigint", "", write_field},
    {"hour", "time(p) -> bigint", "", write_field},
    {"hour", "interval day to second -> bigint", "", write_field},
    {"from_unixtime", "double, bigint, bigint -> timestamp(3) with time zone", "", write_from_unixtime_offset},
    {"human_readable_seconds", "double -> varchar", "", write_human_readable_seconds},
    {"last_day_of_month", "date -> date", "", write_last_day},
    {"last_day_of_month", "timestamp(p) -> date", "", write_last_day},
    {"last_day_of_month", "timestamp(p) with time zone -> date", "", write_last_day},
    {"millisecond", "timestamp(p) -> bigint", "", write_millisecond},
    {"millisecond", "timestamp(p) with time zone -> bigint", "", write_millisecond},
    {"millisecond", "time(p) -> bigint", "", write_millisecond},
    {"minute", "timestamp(p) -> bigint", "", write_field},
    {"minute", "timestamp(p) with time zone -> bigint", "", write_field},
    {"minute", "time(p) -> bigint", "", write_field},
    {"minute", "interval day to second -> bigint", "", write_field},
    {"month", "date -> bigint", "", write_field},
    {"month", "timestamp(p) -> bigint", "", write_field},
    {"month", "timestamp(p) with time zone -> bigint", "", write_field},
    {"month", "interval year to month -> bigint", "", write_field},
    {"now", "-> timestamp(3) with time zone", "", write_now},
    {"parse_datetime", "varchar(x), varchar(y) -> timestamp(3) with time zone", "", write_parse_datetime},
    {"quarter", "date -> bigint", "", write_field},
    {"quarter", "timestamp(p) -> bigint", "", write_field},
    {"quarter", "timestamp(p) with time zone -> bigint", "", write_field},
    {"second", "timestamp(p) -> bigint", "", write_field},
    {"second", "timestamp(p) with time zone -> bigint", "", write_field},
    {"second", "time(p) -> bigint", "", write_field},
    {"second", "interval day to second -> bigint", "", write_field},
    {"parse_duration", "varchar(x) -> interval day to second", "", write_parse_duration},
    {"timezone", "timestamp(p) with time zone -> varchar", "", write_timezone},
    {"timezone_hour", "timestamp(p) with time zone -> bigint", "", write_field},
    {"timezone_minute", "timestamp(p) with time zone -> bigint", "", write_field},
    {"to_iso8601", "date -> varchar(16)", "", write_to_iso8601},
    {"to_iso8601", "timestamp(p) -> varchar(26)", "", write_to_iso8601},
    {"to_iso8601", "timestamp(p) with time zone -> varchar(32)", "", write_to_iso8601},
    {"to_milliseconds", "interval day to second -> bigint", "", write_to_milliseconds},
    {"to_unixtime", "timestamp(p) -> double", "", write_to_unixtime},
    {"to_unixtime", "timestamp(p) with time zone -> double", "", write_to_unixtime},
    {"week", "date -> bigint", "", write_field},
    {"week", "timestamp(p) -> bigint", "", write_field},
    {"week", "timestamp(p) with time zone -> bigint", "", write_field},
    {"week_of_year", "date -> bigint", "", write_field},
    {"week_of_year", "timestamp(p) -> bigint", "", write_field},
    {"week_of_year", "timestamp(p) with time zone -> bigint", "", write_field},
    {"with_timezone", "timestamp(p), varchar(x) -> timestamp(p) with time zone", "", write_with_timezone},
    {"year", "date -> bigint", "", write_field},
    {"year", "timestamp(p) -> bigint", "", write_field},
    {"year", "timestamp(p) with time zone -> bigint", "", write_field},
    {"year", "interval year to month -> bigint", "", write_field},
    {"year_of_week", "date -> bigint", "", write_field},
    {"year_of_week", "timestamp(p) -> bigint", "", write_field},
    {"year_of_week", "timestamp(p) with time zone -> bigint", "", write_field},
    {"yow", "date -> bigint", "", write_field},
    {"yow", "timestamp(p) -> bigint", "", write_field},
    {"yow", "timestamp(p) with time zone -> bigint", "", write_field},
};

}  // namespace

FunctionTable time_functions() {
  return {FunctionKind::scalar, time_rows};
}

}  // namespace tarn::dialect
