// Times with a zone. DuckDB's TIMESTAMPTZ is an instant alone, so the zone stands in the type where it is known before
// the query runs, and else beside the instant in a struct.
#include <cctype>

#include "query/dialect/names.hpp"
#include "query/dialect/value.hpp"

namespace tarn::dialect {

namespace {

// Minutes of "+02:00", "-05", "+0530"; nullopt for what is no offset.
std::optional<int> offset_minutes(std::string_view zone) {
  if (zone.size() < 2 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
  std::string digits;
  for (char c : zone.substr(1)) {
    if (c == ':') continue;
    if (!std::isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    digits += c;
  }
  if (digits.size() == 1 || digits.size() == 3) digits.insert(0, "0");
  if (digits.size() != 2 && digits.size() != 4) return std::nullopt;
  int hours = (digits[0] - '0') * 10 + (digits[1] - '0');
  int minutes = digits.size() == 4 ? (digits[2] - '0') * 10 + (digits[3] - '0') : 0;
  if (hours > 14 || minutes > 59) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

bool is_utc(std::string_view zone) {
  std::string name = upper_case(zone);
  return name == "UTC" || name == "Z" || name == "GMT" || name == "UT" || name == "ZULU" || name == "ETC/UTC";
}

std::string shifted(const std::string& timestamp_us, int minutes) {
  if (minutes == 0) return "make_timestamp(" + timestamp_us + ")";
  return "make_timestamp(" + timestamp_us + " + (" + std::to_string(static_cast<long long>(minutes) * 60'000'000) +
         "))";
}

}  // namespace

std::string zone_literal(std::string_view name) {
  return quote_text(name);
}

std::optional<std::string> known_zone(std::string_view name) {
  if (is_utc(name)) return name == "GMT" || name == "gmt" ? "GMT" : "UTC";
  if (std::optional<int> minutes = offset_minutes(name)) {
    int size = *minutes < 0 ? -*minutes : *minutes;
    auto two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return (*minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60);
  }
  // A region: Area/City, or an old name of one word (EST, Japan). DuckDB says whether it is one.
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0]))) return std::nullopt;
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '/' && c != '_' && c != '-' && c != '+')
      return std::nullopt;
  }
  return std::string(name);
}

std::string instant_sql(const Value& value) {
  return value.type.zone.empty() ? "(" + value.sql + ").t" : value.sql;
}

std::string zone_sql(const Value& value) {
  return value.type.zone.empty() ? "(" + value.sql + ").z" : zone_literal(value.type.zone);
}

std::string local_sql(const Value& value) {
  if (value.type.kind != TypeKind::timestamp_with_zone) return value.sql;
  if (!value.type.zone.empty()) {
    if (is_utc(value.type.zone)) return shifted("epoch_us(" + value.sql + ")", 0);
    if (std::optional<int> minutes = offset_minutes(value.type.zone))
      return shifted("epoch_us(" + value.sql + ")", *minutes);
    return "timezone(" + zone_literal(value.type.zone) + ", " + value.sql + ")";
  }
  return with_names({value.sql}, [](const std::vector<std::string>& names) {
    std::string t = "(" + names[0] + ").t", z = "(" + names[0] + ").z";
    std::string offset = "(CAST(" + z + "[2:3] AS BIGINT) * 60 + CAST(" + z + "[5:6] AS BIGINT)) * 60000000";
    return "CASE WHEN " + z + "[1] = '+' THEN make_timestamp(epoch_us(" + t + ") + " + offset + ") WHEN " + z +
           "[1] = '-' THEN make_timestamp(epoch_us(" + t + ") - " + offset + ") WHEN " + z +
           " = 'UTC' THEN make_timestamp(epoch_us(" + t + ")) ELSE timezone(" + z + ", " + t + ") END";
  });
}

std::string at_zone_sql(const std::string& local, const std::string& zone) {
  if (is_utc(zone)) return "CAST(CAST(" + local + " AS TIMESTAMP) AS TIMESTAMPTZ)";
  if (std::optional<int> minutes = offset_minutes(zone)) {
    return "CAST(" + shifted("epoch_us(CAST(" + local + " AS TIMESTAMP))", -*minutes) + " AS TIMESTAMPTZ)";
  }
  return "timezone(" + zone_literal(zone) + ", CAST(" + local + " AS TIMESTAMP))";
}

std::string timestamp_text_sql(const std::string& timestamp, int precision) {
  static constexpr const char* formats[] = {"%Y-%m-%d %H:%M:%S", "", "", "%Y-%m-%d %H:%M:%S.%g"};
  if (precision == 0 || precision == 3) return "strftime(" + timestamp + ", '" + formats[precision] + "')";
  if (precision > 6)
    return "left(strftime(CAST(" + timestamp + " AS TIMESTAMP_NS), '%Y-%m-%d %H:%M:%S.%n'), " +
           std::to_string(20 + precision) + ")";
  std::string full = "strftime(" + timestamp + ", '%Y-%m-%d %H:%M:%S.%f')";
  return precision == 6 ? full : "left(" + full + ", " + std::to_string(20 + precision) + ")";
}

}  // namespace tarn::dialect
