// What the values of one CSV column allow as its type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/crawl/data_type.hpp"

namespace tarn::catalog::crawl {

enum CsvCandidate : uint32_t {
  csv_boolean = 1,
  csv_short = 2,
  csv_int = 4,
  csv_long = 8,
  csv_float = 16,
  csv_double = 32,
  csv_decimal = 64,
  csv_date = 128,
  csv_timestamp = 256,
  csv_binary = 512,
};

// What AWS's built-in classifier may find beside string.
inline constexpr uint32_t default_csv_candidates = csv_boolean | csv_long | csv_double;
// The candidates that a classifier's CustomDatatypes name.
uint32_t csv_candidates(const std::vector<std::string>& type_names);

// The candidates that a value allows; `value` is not empty. With `leading_zeros` 007 is a number.
uint32_t csv_candidates_of(std::string_view value, bool leading_zeros);

class CsvVotes {
 public:
  CsvVotes(uint32_t candidates, bool leading_zeros) : left_(candidates), leading_zeros_(leading_zeros) {}

  // An empty value is null, which is no vote.
  void vote(std::string_view value, uint64_t line);
  // Takes the votes of another column's values as well.
  DataType type() const;
  const std::string& why() const { return why_; }

  uint64_t values() const { return values_; }
  // Whether each value began with a digit or a sign.
  bool all_numeric_looking() const { return values_ > 0 && numeric_looking_ == values_; }

 private:
  uint32_t left_;
  bool leading_zeros_;
  uint64_t values_ = 0, numeric_looking_ = 0;
  int whole_digits_ = 0, fraction_digits_ = 0;  // of decimals
  std::string why_;
};

}  // namespace tarn::catalog::crawl
