#include "catalog/crawl/csv_votes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/clock.hpp"

namespace tarn::catalog::crawl {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool equals_fold(std::string_view value, std::string_view lower) {
  if (value.size() != lower.size()) return false;
  for (std::size_t i = 0; i < value.size(); ++i)
    if ((value[i] | 0x20) != lower[i]) return false;
  return true;
}

struct Number {
  int whole_digits, fraction_digits;
  bool exponent, leading_zero;
};

std::optional<Number> scan_number(std::string_view v) {
  std::size_t i = !v.empty() && (v[0] == '-' || v[0] == '+') ? 1 : 0;
  std::size_t start = i;
  while (i < v.size() && is_digit(v[i])) ++i;
  Number n{static_cast<int>(i - start), 0, false, i - start > 1 && v[start] == '0'};
  if (i < v.size() && v[i] == '.') {
    std::size_t dot = ++i;
    while (i < v.size() && is_digit(v[i])) ++i;
    n.fraction_digits = static_cast<int>(i - dot);
    if (n.fraction_digits == 0) n.exponent = true;  // "1." is no decimal
  }
  if (n.whole_digits + n.fraction_digits == 0) return std::nullopt;
  if (i < v.size() && (v[i] == 'e' || v[i] == 'E')) {
    n.exponent = true;
    if (++i < v.size() && (v[i] == '-' || v[i] == '+')) ++i;
    std::size_t digits = i;
    while (i < v.size() && is_digit(v[i])) ++i;
    if (i == digits || i - digits > 3) return std::nullopt;
  }
  return i == v.size() ? std::optional(n) : std::nullopt;
}

uint32_t integer_candidates(std::string_view v) {
  if (v[0] == '+') v.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), value);
  if (error != std::errc() || end != v.data() + v.size()) return 0;
  uint32_t out = csv_long;
  if (value >= INT32_MIN && value <= INT32_MAX) out |= csv_int;
  if (value >= INT16_MIN && value <= INT16_MAX) out |= csv_short;
  return out;
}

uint32_t time_candidates(std::string_view v) {
  if (v.size() < 10 || v[4] != '-' || v[7] != '-') return 0;
  std::string iso(v);
  if (v.size() > 10 && iso[10] == ' ') iso[10] = 'T';
  if (!parse_iso8601(iso)) return 0;
  return v.size() == 10 ? csv_date | csv_timestamp : csv_timestamp;
}

}  // namespace

uint32_t csv_candidates(const std::vector<std::string>& type_names) {
  uint32_t out = 0;
  for (const std::string& name : type_names) {
    auto is = [&](std::string_view lower) { return equals_fold(name, lower); };
    if (is("boolean")) out |= csv_boolean;
    if (is("short")) out |= csv_short;
    if (is("int")) out |= csv_int;
    if (is("long")) out |= csv_long;
    if (is("float")) out |= csv_float;
    if (is("double")) out |= csv_double;
    if (is("decimal")) out |= csv_decimal;
    if (is("date")) out |= csv_date;
    if (is("timestamp")) out |= csv_timestamp;
    if (is("binary")) out |= csv_binary;
  }
  return out;
}

uint32_t csv_candidates_of(std::string_view v, bool leading_zeros) {
  uint32_t out = csv_binary;
  if (is_digit(v[0]) || v[0] == '-' || v[0] == '+' || v[0] == '.') {
    if (auto n = scan_number(v)) {
      if (n->leading_zero && !leading_zeros) return out;
      out |= csv_double | csv_float;
      if (!n->exponent && n->whole_digits + n->fraction_digits <= 38) out |= csv_decimal;
      if (!n->exponent && n->fraction_digits == 0) {
        // An integer that bigint can't hold would lose its last digits as a double: it stays text.
        uint32_t integers = integer_candidates(v);
        if (!(integers & csv_long)) return csv_binary | (out & csv_decimal);
        out |= integers;
      }
    } else {
      out |= time_candidates(v);
    }
  } else if (equals_fold(v, "true") || equals_fold(v, "false")) {
    out |= csv_boolean;
  }
  return out;
}

void CsvVotes::vote(std::string_view value, uint64_t line) {
  if (value.empty()) return;
  ++values_;
  if (is_digit(value[0]) || value[0] == '-' || value[0] == '+') ++numeric_looking_;
  if (left_ == 0) return;
  uint32_t now = left_ & csv_candidates_of(value, leading_zeros_);
  if (now & csv_decimal) {
    auto n = scan_number(value);
    whole_digits_ = std::max(whole_digits_, n->whole_digits);
    fraction_digits_ = std::max(fraction_digits_, n->fraction_digits);
    if (whole_digits_ + fraction_digits_ > 38) now &= ~static_cast<uint32_t>(csv_decimal);
  }
  if (now != left_ && values_ > 1 ? true : now == 0) {
    std::string_view shown = value.substr(0, 40);
    why_ = "'" + std::string(shown) + (shown.size() < value.size() ? "…" : "") + "' at line " + std::to_string(line);
  }
  left_ = now;
}

DataType CsvVotes::type() const {
  if (values_ == 0) return {};
  auto left = [&](CsvCandidate c) { return (left_ & c) != 0; };
  if (left(csv_boolean)) return DataType::scalar("boolean");
  if (left(csv_short)) return DataType::scalar("smallint");
  if (left(csv_int)) return DataType::scalar("int");
  if (left(csv_long)) return DataType::scalar("bigint");
  if (left(csv_decimal))
    return DataType::scalar("decimal(" + std::to_string(std::max(1, whole_digits_ + fraction_digits_)) + "," +
                            std::to_string(fraction_digits_) + ")");
  if (left(csv_double)) return DataType::scalar("double");
  if (left(csv_float)) return DataType::scalar("float");
  if (left(csv_date)) return DataType::scalar("date");
  if (left(csv_timestamp)) return DataType::scalar("timestamp");
  if (left(csv_binary)) return DataType::scalar("binary");
  return DataType::scalar("string");
}

}  // namespace tarn::catalog::crawl
