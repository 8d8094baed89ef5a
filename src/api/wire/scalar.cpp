#include "api/wire/scalar.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace tarn::api {
namespace {

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view blank = " \t\r\n";
  std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

[[noreturn]] void malformed(std::string_view text, const char* wanted) {
  throw Error(ErrorKind::caller, "SerializationException",
              "'" + std::string(text.substr(0, 100)) + "' is not " + wanted);
}

[[noreturn]] void wrong_output(const Member& member) {
  throw Error(ErrorKind::bug, "InternalFailure",
              "the member " + std::string(member.name) + " of the output has the wrong type");
}

// HTTP dates may carry a fraction ("Sun, 02 Jan 2000 20:34:56.456 GMT"), which base's strict reader refuses.
std::optional<Time> parse_http_date_with_fraction(std::string_view text) {
  if (text.size() < 27 || text[25] != '.') return parse_http_date(text);
  std::size_t end = text.find(' ', 26);
  if (end == std::string_view::npos || end == 26) return std::nullopt;
  int ms = 0, scale = 100;
  for (char c : text.substr(26, end - 26)) {
    if (c < '0' || c > '9') return std::nullopt;
    ms += (c - '0') * scale;
    scale /= 10;
  }
  std::string whole(text.substr(0, 25));
  auto time = parse_http_date(whole.append(text.substr(end)));
  if (!time) return std::nullopt;
  return *time + std::chrono::milliseconds(ms);
}

void append_digits(std::string& out, unsigned number, int count) {
  char buffer[8];
  for (int i = count - 1; i >= 0; i--, number /= 10) buffer[i] = static_cast<char>('0' + number % 10);
  out.append(buffer, static_cast<std::size_t>(count));
}

// "2026-01-01T12:00:00.000Z" or "Thu, 01 Jan 2026 12:00:00 GMT", by arithmetic alone: a listing of S3 writes thousands
// of them.
void append_calendar(std::string& out, Time time, bool http, bool with_ms) {
  using namespace std::chrono;
  static constexpr char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const sys_days day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  const auto month = static_cast<unsigned>(date.month());
  if (http) {
    out.append(days + std::size_t{3} * weekday(day).c_encoding(), 3);
    out += ", ";
    append_digits(out, static_cast<unsigned>(date.day()), 2);
    out += ' ';
    out.append(months + std::size_t{3} * (month - 1), 3);
    out += ' ';
    append_digits(out, year, 4);
    out += ' ';
  } else {
    append_digits(out, year, 4);
    out += '-';
    append_digits(out, month, 2);
    out += '-';
    append_digits(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
  }
  append_digits(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  append_digits(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  append_digits(out, static_cast<unsigned>(clock.seconds().count()), 2);
  if (with_ms) {
    out += '.';
    append_digits(out, static_cast<unsigned>(clock.subseconds().count()), 3);
  }
  out += http ? " GMT" : "Z";
}

bool parse_boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE" || text == "1") return true;
  if (text == "false" || text == "False" || text == "FALSE" || text == "0") return false;
  malformed(text, "true or false");
}

int64_t parse_integer(std::string_view text) {
  int64_t number = 0;
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+') digits.remove_prefix(1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) malformed(text, "an integer");
  return number;
}

}  // namespace

TimestampFormat timestamp_format(const Member& member, TimestampFormat otherwise) {
  if (member.timestamp_format != TimestampFormat::unspecified) return member.timestamp_format;
  if (member.shape->timestamp_format != TimestampFormat::unspecified) return member.shape->timestamp_format;
  return otherwise;
}

void append_number(std::string& out, int64_t number) {
  char buffer[24];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, end);
}

void append_number(std::string& out, double number) {
  if (std::isnan(number) || std::isinf(number)) {
    out += std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
    return;
  }
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_timestamp(std::string& out, Time time, TimestampStyle style) {
  int64_t ms = time.time_since_epoch().count();
  switch (style.format) {
    case TimestampFormat::unix_timestamp: {
      if (ms < 0) out += '-';
      uint64_t size = ms < 0 ? 0 - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
      append_number(out, static_cast<int64_t>(size / 1000));
      if (size % 1000 == 0) return;
      std::string fraction = std::to_string(1000 + size % 1000);
      fraction[0] = '.';
      out.append(fraction, 0, fraction.find_last_not_of('0') + 1);
      return;
    }
    case TimestampFormat::rfc822:
      return append_calendar(out, time, true, false);
    default:
      return append_calendar(out, time, false, style.always_ms || ms % 1000 != 0);
  }
}

void append_scalar(std::string& out, const Member& member, const Value& value, TimestampStyle style) {
  switch (member.shape->type) {
    case Type::string:
      if (!value.is_string()) wrong_output(member);
      out += value.as_string();
      return;
    case Type::boolean:
      if (!value.is_bool()) wrong_output(member);
      out += value.as_bool() ? "true" : "false";
      return;
    case Type::integer:
    case Type::long_integer:
      if (!value.is_int()) wrong_output(member);
      append_number(out, value.as_int());
      return;
    case Type::float_number:
    case Type::double_number:
      if (!value.is_number()) wrong_output(member);
      append_number(out, value.as_double());
      return;
    case Type::timestamp:
      if (!value.is_time() && !value.is_number()) wrong_output(member);
      append_timestamp(out, value.as_time(), {timestamp_format(member, style.format), style.always_ms});
      return;
    case Type::blob:
      if (!value.is_blob()) wrong_output(member);
      out += base64_encode(value.as_blob().bytes);
      return;
    default:
      wrong_output(member);
  }
}

std::optional<double> parse_number(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity" || text == "+Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text.size() > 1 && text[0] == '+') text.remove_prefix(1);
  // from_chars would take "inf" and "nan(…)" as well, which no AWS protocol has.
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Time> time_of_seconds(double seconds) {
  static constexpr double year_1 = -62135596800, year_10000 = 253402300800;
  if (!(seconds >= year_1 && seconds < year_10000)) return std::nullopt;
  return Time(std::chrono::milliseconds(std::llround(seconds * 1000)));
}

std::optional<Time> parse_timestamp(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 3 && text[3] == ',') return parse_http_date_with_fraction(text);
  if (auto time = parse_iso8601(text)) return time;
  auto seconds = parse_number(text);
  return seconds ? time_of_seconds(*seconds) : std::nullopt;
}

Value parse_scalar(const Shape& shape, std::string_view text) {
  switch (shape.type) {
    case Type::string:
      return Value(text);
    case Type::boolean:
      return parse_boolean(trimmed(text));
    case Type::integer:
    case Type::long_integer:
      return parse_integer(trimmed(text));
    case Type::float_number:
    case Type::double_number: {
      auto number = parse_number(trimmed(text));
      if (!number) malformed(text, "a number");
      return *number;
    }
    case Type::timestamp: {
      auto time = parse_timestamp(text);
      if (!time) malformed(text, "a timestamp");
      return *time;
    }
    case Type::blob: {
      auto bytes = base64_decode(trimmed(text));
      if (!bytes) malformed(text, "base64");
      return Blob{std::move(*bytes)};
    }
    default:
      malformed(text, "a structure, list or map");
  }
}

}  // namespace tarn::api
