// Reads delimited text and says what it is: its dialect, whether its first line is a header, and the type of each
// column.
//
// The rules are those of AWS's built-in CSV classifier ("AWS Glue Developer Guide", Built-in CSV classifier), bent
// towards people unless CsvOptions::strict: numbers with leading zeros (postal codes) are text, and a file of text
// alone has a header when its first line looks like one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/glue.hpp"
#include "catalog/crawl/csv_tokenizer.hpp"
#include "catalog/crawl/data_type.hpp"

namespace tarn::catalog::crawl {

struct CsvOptions {
  bool strict = false;
  bool single_column = false;                            // a file with one column counts too (it is named .csv)
  const api::glue::CsvClassifier* classifier = nullptr;  // what a custom classifier says goes before all guesses
};

struct CsvColumn {
  std::string name;           // as the catalog has it
  std::string original_name;  // as the header has it; empty without a header
  DataType type;              // unknown: all values were empty
  std::string why;            // what decided the type: "'00M' at line 2"
};

struct CsvFinding {
  CsvDialect dialect;
  bool header = false;
  std::string header_why;
  bool quotes = false;             // some field stands in quotes
  bool backslash_escapes = false;  // \" stands for a quote, instead of ""
  std::string encoding = "UTF-8";
  std::vector<CsvColumn> columns;
  uint64_t records = 0;      // without the header
  uint64_t odd_records = 0;  // with another number of fields
};

// Not thread-safe. Feed the text, then ask.
class CsvSniffer {
 public:
  // `head` is the beginning of the text (its first 256 KiB, say), from which the dialect is guessed; `whole` when there
  // is no more. It is not consumed: feed it too.
  CsvSniffer(std::string_view head, bool whole, CsvOptions options);
  ~CsvSniffer();

  // Whether the head is delimited text at all; if not, `why_not` says why, and nothing may be fed.
  bool is_csv() const;
  const std::string& why_not() const;

  void feed(std::string_view bytes);
  void skip_to_next_line();  // what is fed next comes from the middle of a line
  // Absent when the rest of the text belied the head. Call once.
  std::optional<CsvFinding> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The name that the catalog gives to a column: lower case, without blanks around it and control characters; the
// `index`-th column that has none is "colN".
std::string column_name(std::string_view original, std::size_t index);
// Makes names differ: a, a_1, a_2.
void make_unique(std::vector<std::string>& names);

}  // namespace tarn::catalog::crawl
