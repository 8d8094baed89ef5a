#include "query/dialect/moment.hpp"

#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>

namespace tarn::dialect {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    at_++;
    return true;
  }
  void skip_spaces() {
    while (peek() == ' ') at_++;
  }
  std::optional<int64_t> number(size_t most) {
    size_t start = at_;
    int64_t value = 0;
    while (std::isdigit(static_cast<unsigned char>(peek())) && at_ - start < most)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == start) return std::nullopt;
    return value;
  }
  std::string digits() {
    size_t start = at_;
    while (std::isdigit(static_cast<unsigned char>(peek()))) at_++;
    return std::string(text_.substr(start, at_ - start));
  }
  std::string rest() {
    std::string out(text_.substr(at_));
    at_ = text_.size();
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }
  size_t position() const { return at_; }
  void back_to(size_t position) { at_ = position; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool read_date(Reader& reader, Moment& out) {
  bool negative = reader.take('-');
  auto year = reader.number(6);
  if (!year || !reader.take('-')) return false;
  auto month = reader.number(2);
  if (!month || !reader.take('-')) return false;
  auto day = reader.number(2);
  if (!day) return false;
  out.year = static_cast<int>(negative ? -*year : *year);
  out.month = static_cast<int>(*month);
  out.day = static_cast<int>(*day);
  out.has_date = true;
  using namespace std::chrono;
  return year_month_day{std::chrono::year(out.year), std::chrono::month(static_cast<unsigned>(out.month)),
                        std::chrono::day(static_cast<unsigned>(out.day))}
             .ok() &&
         out.month > 0 && out.day > 0;
}

bool read_time(Reader& reader, Moment& out) {
  auto hour = reader.number(2);
  if (!hour || !reader.take(':')) return false;
  auto minute = reader.number(2);
  if (!minute) return false;
  out.hour = static_cast<int>(*hour);
  out.minute = static_cast<int>(*minute);
  out.has_time = true;
  if (reader.take(':')) {
    auto second = reader.number(2);
    if (!second) return false;
    out.second = static_cast<int>(*second);
    if (reader.take('.')) {
      out.fraction = reader.digits();
      if (out.fraction.empty() || out.fraction.size() > 12) return false;
    }
  }
  return out.hour < 24 && out.minute < 60 && out.second < 60;
}

constexpr std::array<std::string_view, 6> fields = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};

size_t field_index(std::string_view name) {
  for (size_t i = 0; i < fields.size(); i++) {
    if (fields[i] == name) return i;
  }
  return fields.size();
}

}  // namespace

std::string Moment::date_text() const {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d", year, month, day);
  return buffer;
}

std::string Moment::time_text() const {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%02d:%02d:%02d", hour, minute, second);
  return buffer + (fraction.empty() ? std::string() : "." + fraction);
}

std::optional<Moment> parse_moment(std::string_view text) {
  Reader reader(text);
  Moment out;
  reader.skip_spaces();
  size_t start = reader.position();
  if (!read_date(reader, out)) {
    reader.back_to(start);
    out = Moment{};
    if (!read_time(reader, out)) return std::nullopt;
  } else {
    reader.skip_spaces();
    size_t after_date = reader.position();
    if (std::isdigit(static_cast<unsigned char>(reader.peek()))) {
      if (!read_time(reader, out)) return std::nullopt;
    } else {
      reader.back_to(after_date);
    }
  }
  reader.skip_spaces();
  if (!reader.done()) out.zone = reader.rest();
  return out;
}

std::optional<IntervalAmount> parse_interval(std::string_view text, std::string_view from, std::string_view to) {
  size_t first = field_index(from), last = to.empty() ? first : field_index(to);
  if (last < first || (first <= 1) != (last <= 1)) return std::nullopt;
  Reader reader(text);
  reader.skip_spaces();
  bool negative = reader.take('-');
  if (!negative) reader.take('+');
  static constexpr std::array<int64_t, 6> units = {12, 1, 86'400'000, 3'600'000, 60'000, 1000};
  // What stands between a field and the one before it.
  static constexpr std::array<char, 6> separators = {0, '-', 0, ' ', ':', ':'};
  IntervalAmount out;
  out.months = last <= 1;
  for (size_t i = first; i <= last; i++) {
    if (i > first && !reader.take(separators[i])) return std::nullopt;
    std::optional<int64_t> amount = reader.number(12);
    if (!amount) return std::nullopt;
    int64_t part;
    if (__builtin_mul_overflow(*amount, units[i], &part) || __builtin_add_overflow(out.amount, part, &out.amount))
      return std::nullopt;
    if (i == 5 && reader.take('.')) {
      std::string fraction = reader.digits();
      if (fraction.empty()) return std::nullopt;
      fraction.resize(3, '0');
      if (__builtin_add_overflow(out.amount, std::stoi(fraction), &out.amount)) return std::nullopt;
    }
  }
  if (!reader.done()) return std::nullopt;
  if (negative) out.amount = -out.amount;
  return out;
}

}  // namespace tarn::dialect
