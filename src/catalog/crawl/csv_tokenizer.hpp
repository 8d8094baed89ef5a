// Splits delimited text into records, as it comes in.
//
// A field that begins with the quote character runs to its closing quote (a doubled quote, or one behind a backslash,
// stands for itself), over delimiters and line ends; quotes elsewhere are ordinary characters. Lines end with \n or
// \r\n. Empty lines are no records.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::catalog::crawl {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';  // '\0': none
  bool operator==(const CsvDialect&) const = default;
};

struct CsvRecord {
  uint64_t line = 0;                     // where it begins, from 1
  std::vector<std::string_view> fields;  // without their quotes; valid during the call
  bool quoted = false;                   // some field stands in quotes
};

inline constexpr std::size_t max_csv_record_size_bytes = 4 * 1024 * 1024;

// Not thread-safe.
class CsvTokenizer {
 public:
  // `take` gets each record; returning false ends the work.
  CsvTokenizer(CsvDialect dialect, std::function<bool(const CsvRecord&)> take)
      : dialect_(dialect), take_(std::move(take)) {}

  // False when `take` ended the work, or a record is longer than max_csv_record_size_bytes (then too_long()).
  bool feed(std::string_view bytes);
  // The end of the text: hands over a last record without a line end.
  void finish();
  // Forgets an unfinished record and goes on behind the next line end: for samples from the middle of a file.
  void resynchronize();

  bool too_long() const { return too_long_; }
  // Some quote inside a field was escaped by a backslash.
  bool saw_backslash_escapes() const { return saw_backslash_; }
  // A quote was opened and never closed.
  bool in_quotes() const { return state_ == State::quoted; }

 private:
  enum class State { field_start, plain, quoted, after_quote, skipping };

  bool end_record();
  void end_field();

  CsvDialect dialect_;
  std::function<bool(const CsvRecord&)> take_;
  State state_ = State::field_start;
  std::string buffer_;             // the fields of the record, one behind the other
  std::vector<std::size_t> ends_;  // where each finished field ends in it
  bool quoted_ = false, too_long_ = false, backslash_ = false, saw_backslash_ = false;
  uint64_t line_ = 1, record_line_ = 1;
  CsvRecord record_;
};

}  // namespace tarn::catalog::crawl
