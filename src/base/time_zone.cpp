#include "base/time_zone.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

namespace tarn {
namespace {

namespace chrono = std::chrono;

constexpr const char* zone_folder = "/usr/share/zoneinfo/";
constexpr std::size_t head_size = 44, max_zone_file_size_bytes = 1024 * 1024;
constexpr int32_t longest_offset_s = 26 * 3600;

// Big-endian; the caller has checked the size.
int64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  uint64_t out = (static_cast<unsigned char>(bytes[at]) & 0x80) ? ~uint64_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<int64_t>(out);
}

// The counts of a block and how long it is.
struct Block {
  std::size_t leaps, times, types, characters, standards, universals, time_size;
  std::size_t size() const {
    return times * time_size + times + types * 6 + characters + leaps * (time_size + 4) + standards + universals;
  }
};

std::optional<Block> block_at(std::string_view bytes, std::size_t at, std::size_t time_size) {
  if (bytes.size() < at + head_size || bytes.substr(at, 4) != "TZif") return std::nullopt;
  auto count = [&](int i) {
    return static_cast<std::size_t>(number(bytes, at + 20 + static_cast<std::size_t>(i) * 4, 4)) & 0xFFFFFFFF;
  };
  Block out{count(2), count(3), count(4), count(5), count(1), count(0), time_size};
  for (std::size_t n : {out.leaps, out.times, out.types, out.characters, out.standards, out.universals})
    if (n > bytes.size()) return std::nullopt;
  if (out.types == 0 || bytes.size() - at - head_size < out.size()) return std::nullopt;
  return out;
}

// A reader of POSIX's TZ strings ("CET-1CEST,M3.5.0,M10.5.0/3").
class RuleText {
 public:
  explicit RuleText(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ == text_.size(); }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip() { ++at_; }
  bool name() {
    const std::size_t begin = at_;
    if (take('<')) {
      while (!at_end() && peek() != '>') skip();
      return take('>');
    }
    while (std::isalpha(static_cast<unsigned char>(peek()))) skip();
    return at_ - begin >= 3;
  }
  std::optional<int> integer() {
    int out = 0, digits = 0;
    for (; std::isdigit(static_cast<unsigned char>(peek())) && digits < 4; ++digits, skip())
      out = out * 10 + (peek() - '0');
    return digits ? std::optional(out) : std::nullopt;
  }
  // [+-]hh[:mm[:ss]] in seconds.
  std::optional<int64_t> time() {
    const bool negative = take('-');
    if (!negative) take('+');
    int64_t out = 0;
    for (int64_t unit : {3600, 60, 1}) {
      auto n = integer();
      if (!n) return std::nullopt;
      out += *n * unit;
      if (!take(':')) break;
    }
    return negative ? -out : out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_zone_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] != '/' && name.find("..") == name.npos &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
}

}  // namespace

int64_t TimeZone::ChangeDay::second_in(int year) const {
  const chrono::year y(year);
  chrono::sys_days found = y / 1 / 1;
  if (kind == 'J') {  // 1 to 365; February 29 is never counted
    const int leap = y.is_leap() && day >= 60 ? 1 : 0;
    found += chrono::days(day - 1 + leap);
  } else if (kind == '0') {
    found += chrono::days(day);
  } else if (week == 5) {
    found = chrono::sys_days(y / chrono::month(static_cast<unsigned>(month)) /
                             chrono::weekday(static_cast<unsigned>(day))[chrono::last]);
  } else {
    found = chrono::sys_days(y / chrono::month(static_cast<unsigned>(month)) /
                             chrono::weekday(static_cast<unsigned>(day))[static_cast<unsigned>(week)]);
  }
  return chrono::duration_cast<chrono::seconds>(found.time_since_epoch()).count() + second;
}

bool TimeZone::parse_rule(std::string_view text, TimeZone& into) {
  RuleText rule(text);
  if (!rule.name()) return false;
  auto standard = rule.time();
  if (!standard || std::abs(*standard) > longest_offset_s) return false;
  into.standard_s_ = static_cast<int32_t>(-*standard);
  into.has_rule_ = true;
  if (rule.at_end()) return true;
  if (!rule.name()) return false;
  into.daylight_s_ = into.standard_s_ + 3600;
  if (rule.peek() != ',' && !rule.at_end()) {
    auto daylight = rule.time();
    if (!daylight || std::abs(*daylight) > longest_offset_s) return false;
    into.daylight_s_ = static_cast<int32_t>(-*daylight);
  }
  for (ChangeDay* change : {&into.begins_, &into.ends_}) {
    if (!rule.take(',')) return false;
    if (rule.take('M')) {
      auto month = rule.integer();
      if (!month || !rule.take('.')) return false;
      auto week = rule.integer();
      if (!week || !rule.take('.')) return false;
      auto day = rule.integer();
      if (!day || *month < 1 || *month > 12 || *week < 1 || *week > 5 || *day > 6) return false;
      *change = {'M', *month, *week, *day};
    } else {
      const char kind = rule.take('J') ? 'J' : '0';
      auto day = rule.integer();
      if (!day || *day > 365) return false;
      *change = {kind, 0, 0, *day};
    }
    if (rule.take('/')) {
      auto second = rule.time();
      if (!second) return false;
      change->second = *second;
    }
  }
  into.has_daylight_ = true;
  return rule.at_end();
}

std::optional<TimeZone> TimeZone::parse(std::string_view bytes) {
  auto first = block_at(bytes, 0, 4);
  if (!first || bytes[4] < '2') return std::nullopt;  // the first version ends in 2038; nobody writes it alone
  const std::size_t second_at = head_size + first->size();
  auto block = block_at(bytes, second_at, 8);
  if (!block) return std::nullopt;
  const std::size_t times = second_at + head_size, indexes = times + block->times * 8, types = indexes + block->times;
  TimeZone out;
  auto offset_of = [&](std::size_t type) { return static_cast<int32_t>(number(bytes, types + type * 6, 4)); };
  for (std::size_t i = 0; i < block->types; ++i)
    if (std::abs(static_cast<int64_t>(offset_of(i))) > longest_offset_s) return std::nullopt;
  out.first_offset_s_ = offset_of(0);
  for (std::size_t i = 0; i < block->times; ++i) {
    const auto type = static_cast<unsigned char>(bytes[indexes + i]);
    const int64_t at = number(bytes, times + i * 8, 8);
    if (type >= block->types || (i > 0 && at <= out.transitions_.back().at_s)) return std::nullopt;
    out.transitions_.push_back({at, offset_of(type)});
  }
  std::string_view footer = bytes.substr(second_at + head_size + block->size());
  if (footer.size() < 2 || footer.front() != '\n') return std::nullopt;
  footer.remove_prefix(1);
  footer = footer.substr(0, footer.find('\n'));
  if (!footer.empty() && !parse_rule(footer, out)) return std::nullopt;
  return out;
}

chrono::seconds TimeZone::offset_at(Time t) const {
  const int64_t s = chrono::floor<chrono::seconds>(t).time_since_epoch().count();
  const bool by_rule = has_rule_ && (transitions_.empty() || s >= transitions_.back().at_s);
  if (!by_rule) {
    auto after = std::upper_bound(transitions_.begin(), transitions_.end(), s,
                                  [](int64_t value, const Transition& tr) { return value < tr.at_s; });
    return chrono::seconds(after == transitions_.begin() ? first_offset_s_ : std::prev(after)->offset_s);
  }
  if (!has_daylight_) return chrono::seconds(standard_s_);
  const chrono::year_month_day day(chrono::floor<chrono::days>(t + chrono::seconds(standard_s_)));
  const int year = static_cast<int>(day.year());
  const int64_t begins = begins_.second_in(year) - standard_s_, ends = ends_.second_in(year) - daylight_s_;
  const bool daylight =
      begins < ends ? s >= begins && s < ends : s >= begins || s < ends;  // the south's goes over New Year
  return chrono::seconds(daylight ? daylight_s_ : standard_s_);
}

std::optional<Time> TimeZone::instant_of(Time local) const {
  std::optional<Time> out;
  // The offsets before and after a change that might be near.
  for (chrono::hours away : {chrono::hours(-36), chrono::hours(36)}) {
    const Time candidate = local - offset_at(local + away);
    if (local_at(candidate) == local && (!out || candidate < *out)) out = candidate;
  }
  return out;
}

std::shared_ptr<const TimeZone> TimeZone::find(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> known;
  std::lock_guard lock(mutex);
  if (auto it = known.find(name); it != known.end()) return it->second;
  std::optional<TimeZone> zone;
  if (name == "UTC") {
    zone = TimeZone();
  } else if (is_zone_name(name)) {
    std::ifstream file(zone_folder + std::string(name), std::ios::binary);
    std::string bytes(max_zone_file_size_bytes, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    zone = parse(bytes);
  }
  if (!zone) return nullptr;  // not kept: anybody may ask for any name
  auto out = std::make_shared<const TimeZone>(std::move(*zone));
  known.emplace(name, out);
  return out;
}

}  // namespace tarn
