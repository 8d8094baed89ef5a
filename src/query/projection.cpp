#include "query/projection.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/error.hpp"

namespace tarn::query {
namespace {

using Properties = std::map<std::string, std::string>;
using Instant = std::chrono::sys_seconds;

constexpr std::size_t max_projected_values = 10'000'000;

[[noreturn]] void bad(const std::string& property, const std::string& why) {
  throw Error(ErrorKind::caller, "INVALID_TABLE_PROPERTY", "Table property '" + property + "' " + why);
}

std::string trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\n");
  if (from == text.npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(" \t\n") - from + 1));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (std::size_t comma; (comma = text.find(',', from)) != text.npos; from = comma + 1)
    out.push_back(trim(text.substr(from, comma - from)));
  out.push_back(trim(text.substr(from)));
  return out;
}

std::optional<int64_t> integer(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

enum class Unit { seconds, minutes, hours, days, weeks, months, years };

std::optional<Unit> unit(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!text.ends_with('S')) text += 'S';
  static constexpr std::string_view names[] = {"SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS"};
  for (int i = 0; i < 7; ++i)
    if (text == names[i]) return static_cast<Unit>(i);
  return std::nullopt;
}

Instant plus(Instant at, int64_t count, Unit step) {
  using namespace std::chrono;
  switch (step) {
    case Unit::seconds:
      return at + seconds(count);
    case Unit::minutes:
      return at + minutes(count);
    case Unit::hours:
      return at + hours(count);
    case Unit::days:
      return at + days(count);
    case Unit::weeks:
      return at + days(7 * count);
    case Unit::months:
    case Unit::years:
      break;
  }
  const auto midnight = floor<days>(at);
  const year_month_day date(midnight);
  const auto moved = date.year() / date.month() / 1 + months(step == Unit::years ? 12 * count : count);
  const auto last = year_month_day(moved.year() / moved.month() / std::chrono::last).day();
  return sys_days(moved.year() / moved.month() / std::min(date.day(), last)) + (at - midnight);
}

// A date by a pattern of Java's DateTimeFormatter: the letters y M d H m s, text in quotes, the rest as it stands.
class Pattern {
 public:
  Pattern(std::string property, std::string_view text) : property_(std::move(property)) {
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (c == '\'') {
        const auto end = text.find('\'', i + 1);
        if (end == text.npos) bad(property_, "has a quote that does not end");
        parts_.push_back({0, 0, end == i + 1 ? "'" : std::string(text.substr(i + 1, end - i - 1))});
        i = end + 1;
      } else if (std::isalpha(static_cast<unsigned char>(c))) {
        std::size_t end = i;
        while (end < text.size() && text[end] == c) ++end;
        const char letter = c == 'u' ? 'y' : c;
        if (std::string_view("yMdHms").find(letter) == std::string_view::npos || (letter == 'M' && end - i > 2))
          bad(property_, "has the letter '" + std::string(end - i, c) +
                             "', which tarn's projections don't know: they know y M d H m s");
        parts_.push_back({letter, static_cast<int>(end - i), ""});
        i = end;
      } else {
        parts_.push_back({0, 0, std::string(1, c)});
        ++i;
      }
    }
  }

  std::string print(Instant at) const {
    const auto midnight = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(at - midnight);
    std::string out;
    for (const auto& part : parts_) {
      int64_t value = 0;
      switch (part.letter) {
        case 'y':
          value = static_cast<int>(date.year()) % (part.width == 2 ? 100 : 1'000'000);
          break;
        case 'M':
          value = static_cast<unsigned>(date.month());
          break;
        case 'd':
          value = static_cast<unsigned>(date.day());
          break;
        case 'H':
          value = time.hours().count();
          break;
        case 'm':
          value = time.minutes().count();
          break;
        case 's':
          value = time.seconds().count();
          break;
        default:
          out += part.text;
          continue;
      }
      std::string digits = std::to_string(value);
      if (digits.size() < static_cast<std::size_t>(part.width))
        digits.insert(0, static_cast<std::size_t>(part.width) - digits.size(), '0');
      out += digits;
    }
    return out;
  }

  std::optional<Instant> parse(std::string_view text) const {
    int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    for (const auto& part : parts_) {
      if (part.letter == 0) {
        if (!text.starts_with(part.text)) return std::nullopt;
        text.remove_prefix(part.text.size());
        continue;
      }
      std::size_t width = 0;
      const std::size_t most = part.width > 1 ? static_cast<std::size_t>(part.width) : (part.letter == 'y' ? 4 : 2);
      while (width < text.size() && width < most && std::isdigit(static_cast<unsigned char>(text[width]))) ++width;
      const auto value = integer(text.substr(0, width));
      if (!value || (part.width > 1 && width != most)) return std::nullopt;
      text.remove_prefix(width);
      (part.letter == 'y'   ? year
       : part.letter == 'M' ? month
       : part.letter == 'd' ? day
       : part.letter == 'H' ? hour
       : part.letter == 'm' ? minute
                            : second) = *value;
      if (part.letter == 'y' && part.width == 2) year += 2000;
    }
    using namespace std::chrono;
    const year_month_day date(std::chrono::year(static_cast<int>(year)),
                              std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day)));
    if (!text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  }

  // The smallest unit that the pattern tells apart.
  Unit precision() const {
    Unit out = Unit::years;
    for (const auto& part : parts_) {
      const Unit here = part.letter == 's'   ? Unit::seconds
                        : part.letter == 'm' ? Unit::minutes
                        : part.letter == 'H' ? Unit::hours
                        : part.letter == 'd' ? Unit::days
                        : part.letter == 'M' ? Unit::months
                                             : Unit::years;
      if (part.letter != 0) out = std::min(out, here);
    }
    return out;
  }

 private:
  struct Part {
    char letter;  // 0: plain text
    int width;
    std::string text;
  };
  std::string property_;
  std::vector<Part> parts_;
};

// "NOW", "NOW-3YEARS", "NOW+1DAY", or a date by the pattern.
Instant bound(const std::string& property, const std::string& text, const Pattern& pattern, Instant now) {
  if (!text.starts_with("NOW")) {
    const auto at = pattern.parse(text);
    if (!at) bad(property, "has the bound '" + text + "', which does not follow the column's format");
    return *at;
  }
  std::string rest;
  for (char c : text.substr(3))
    if (c != ' ') rest += c;
  if (rest.empty()) return now;
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
  const auto count = integer(std::string_view(rest).substr(1, digits - 1));
  const auto step = unit(rest.substr(digits));
  if ((rest[0] != '-' && rest[0] != '+') || !count || !step)
    bad(property, "has the bound '" + text + "': write NOW-3YEARS, say");
  return plus(now, rest[0] == '-' ? -*count : *count, *step);
}

class KeyProperties {
 public:
  KeyProperties(const Properties& properties, const std::string& key)
      : properties_(properties), prefix_("projection." + key + ".") {}
  std::string name(const char* what) const { return prefix_ + what; }
  std::optional<std::string> find(const char* what) const {
    const auto found = properties_.find(name(what));
    return found == properties_.end() ? std::nullopt : std::optional(trim(found->second));
  }
  std::string get(const char* what) const {
    auto found = find(what);
    if (!found || found->empty()) bad(name(what), "is missing");
    return *found;
  }
  std::pair<std::string, std::string> range() const {
    const auto ends = split(get("range"));
    if (ends.size() != 2) bad(name("range"), "is no pair 'first,last'");
    return {ends[0], ends[1]};
  }
  int64_t interval() const {
    const auto text = find("interval");
    const auto count = text ? integer(*text) : 1;
    if (!count || *count < 1) bad(name("interval"), "is no positive number");
    return *count;
  }

 private:
  const Properties& properties_;
  std::string prefix_;
};

std::vector<std::string> integers(const KeyProperties& key) {
  const auto [first_text, last_text] = key.range();
  const auto first = integer(first_text), last = integer(last_text);
  if (!first || !last || *first > *last) bad(key.name("range"), "is no pair of numbers 'first,last'");
  const int64_t step = key.interval();
  int64_t digits = 0;
  if (auto text = key.find("digits")) {
    const auto count = integer(*text);
    if (!count || *count < 1 || *count > 18) bad(key.name("digits"), "is no number of digits");
    digits = *count;
  }
  if (static_cast<uint64_t>(*last - *first) / static_cast<uint64_t>(step) >= max_projected_values)
    bad(key.name("range"), "has too many values");
  std::vector<std::string> out;
  for (int64_t value = *first; value <= *last; value += step) {
    std::string text = std::to_string(value < 0 ? -value : value);
    if (static_cast<int64_t>(text.size()) < digits) text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
    out.push_back(value < 0 ? "-" + text : text);
  }
  return out;
}

std::vector<std::string> dates(const KeyProperties& key, Time now) {
  const Pattern pattern(key.name("format"), key.get("format"));
  const auto [first_text, last_text] = key.range();
  const Instant instant = std::chrono::floor<std::chrono::seconds>(now);
  const Instant first = bound(key.name("range"), first_text, pattern, instant),
                last = bound(key.name("range"), last_text, pattern, instant);
  Unit step = pattern.precision();
  if (auto text = key.find("interval.unit")) {
    const auto given = unit(*text);
    if (!given) bad(key.name("interval.unit"), "is none of YEARS, MONTHS, WEEKS, DAYS, HOURS, MINUTES, SECONDS");
    step = *given;
  } else if (step < Unit::days) {
    bad(key.name("interval.unit"), "is missing: it is required where the format tells hours or less apart");
  }
  const int64_t count = key.interval();
  std::vector<std::string> out;
  for (int64_t i = 0;; ++i) {
    const Instant at = plus(first, i * count, step);
    if (at > last) break;
    if (out.size() == max_projected_values) bad(key.name("range"), "has too many values");
    std::string text = pattern.print(at);
    if (out.empty() || out.back() != text) out.push_back(std::move(text));
  }
  if (std::string end = pattern.print(last);
      first <= last && (out.empty() || out.back() < end) && step == pattern.precision() && count == 1)
    out.push_back(std::move(end));
  return out;
}

}  // namespace

std::optional<Projection> parse_projection(const Properties& properties, const std::vector<ScanColumn>& keys,
                                           Time now) {
  const auto enabled = properties.find("projection.enabled");
  if (enabled == properties.end() || keys.empty()) return std::nullopt;
  std::string word = trim(enabled->second);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word != "true") return std::nullopt;

  Projection out;
  if (const auto found = properties.find("storage.location.template"); found != properties.end())
    out.location_template = trim(found->second);
  for (const auto& column : keys) {
    const KeyProperties key(properties, column.name);
    std::string type = key.get("type");
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto& projected = out.keys.emplace_back();
    if (type == "enum") {
      projected = {ProjectedKey::Kind::enumeration, split(key.get("values"))};
    } else if (type == "integer") {
      projected = {ProjectedKey::Kind::integer, integers(key)};
    } else if (type == "date") {
      projected = {ProjectedKey::Kind::date, dates(key, now)};
    } else if (type == "injected") {
      projected.kind = ProjectedKey::Kind::injected;
    } else {
      bad(key.name("type"), "is none of enum, integer, date, injected");
    }
    if (!out.location_template.empty() && out.location_template.find("${" + column.name + "}") == std::string::npos)
      bad("storage.location.template", "does not name the partition column ${" + column.name + "}");
  }
  return out;
}

}  // namespace tarn::query
