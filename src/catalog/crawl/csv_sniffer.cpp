#include "catalog/crawl/csv_sniffer.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "base/text_encoding.hpp"
#include "catalog/crawl/csv_votes.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::string_view delimiters = ",\t|;\x01";
constexpr std::size_t max_csv_columns = 4096;
constexpr std::size_t dialect_records = 1000;

std::string_view trimmed(std::string_view v) {
  while (!v.empty() && (v.front() == ' ' || v.front() == '\t')) v.remove_prefix(1);
  while (!v.empty() && (v.back() == ' ' || v.back() == '\t')) v.remove_suffix(1);
  return v;
}

// How the head looks when it is split by one dialect.
struct Shape {
  std::map<std::size_t, std::size_t> records_by_width;
  std::size_t records = 0, first_width = 0;
  bool quotes = false, broken = false;

  std::size_t width() const {
    auto most = std::max_element(records_by_width.begin(), records_by_width.end(),
                                 [](auto& a, auto& b) { return a.second < b.second; });
    return most == records_by_width.end() ? 0 : most->first;
  }
  // Between 0 (no structure) and about 2.
  double score() const {
    std::size_t w = width();
    if (w < 2 || broken) return 0;
    double even = static_cast<double>(records_by_width.at(w)) / static_cast<double>(records);
    return even * even * (1 + 0.05 * static_cast<double>(std::min<std::size_t>(w, 20))) * (first_width == w ? 1 : 0.7);
  }
};

Shape shape_of(std::string_view head, bool whole, CsvDialect dialect) {
  Shape shape;
  CsvTokenizer tokenizer(dialect, [&](const CsvRecord& r) {
    if (shape.records++ == 0) shape.first_width = r.fields.size();
    ++shape.records_by_width[r.fields.size()];
    shape.quotes |= r.quoted;
    return shape.records < dialect_records;
  });
  bool went_through = tokenizer.feed(head);
  if (went_through && (whole || shape.records == 0)) tokenizer.finish();
  shape.broken = tokenizer.too_long() || (whole && went_through && tokenizer.in_quotes());
  return shape;
}

// Whether a first line could be names of columns: words, no two alike.
bool looks_like_name(std::string_view cell) {
  if (cell.empty() || cell.size() > 60) return false;
  unsigned char first = static_cast<unsigned char>(cell[0]);
  if (!std::isalpha(first) && first != '_' && first != '#' && first != '(' && first < 0x80) return false;
  if (cell.find('@') != cell.npos || cell.find("://") != cell.npos) return false;
  std::size_t digits = 0, words = 1;
  for (char c : cell) {
    digits += std::isdigit(static_cast<unsigned char>(c)) != 0;
    words += c == ' ';
  }
  return words <= 7 && digits * 2 <= cell.size();
}

bool is_word_of_text(std::string_view cell) {
  return (csv_candidates_of(cell, true) & (csv_long | csv_double | csv_date | csv_timestamp | csv_boolean)) == 0;
}

}  // namespace

struct CsvSniffer::State {
  CsvOptions options;
  CsvDialect dialect;
  std::string why_not;
  bool csv = false, quotes = false, trim = true;
  std::size_t width = 0;
  uint32_t candidates = default_csv_candidates;

  Utf8Check utf8;
  std::optional<CsvTokenizer> tokenizer;
  bool first_chunk = true;
  std::vector<std::string> first;  // the fields of the first record
  uint64_t first_line = 1;
  std::vector<CsvVotes> votes;  // of all records but the first
  std::vector<bool> recurs;     // whether a field of the first record is a value of its column elsewhere
  uint64_t records = 0, odd = 0;

  const api::glue::CsvClassifier* classifier() const { return options.classifier; }

  void guess(std::string_view head, bool whole);
  bool take(const CsvRecord& r);
  bool decide_header(std::string& why) const;
  bool decide_header_strictly(std::string& why) const;
  CsvFinding finding();
};

void CsvSniffer::State::guess(std::string_view head, bool whole) {
  bool single = options.single_column;
  char quote = '"';
  std::string given(delimiters);
  if (auto* c = classifier()) {
    single = c->allow_single_column.value_or(false);
    if (c->quote_symbol && !c->quote_symbol->empty()) quote = (*c->quote_symbol)[0];
    if (c->delimiter && !c->delimiter->empty()) given = *c->delimiter;
    trim = !c->disable_value_trimming.value_or(false);
    if (c->custom_datatype_configured.value_or(false) && c->custom_datatypes)
      candidates = csv_candidates(*c->custom_datatypes);
  }
  double best = 0;
  Shape chosen;
  for (char q : {quote, '\0'}) {
    for (char d : given) {
      Shape shape = shape_of(head, whole, {d, q});
      if (shape.score() <= best * 1.001) continue;
      best = shape.score();
      dialect = {d, q};
      chosen = shape;
    }
    if (best > 0) break;  // without quotes only where quotes lead nowhere
  }
  if (best == 0 && single) {
    dialect = {given[0], quote};
    chosen = shape_of(head, whole, dialect);
    if (chosen.width() == 1) best = 1;
  }
  width = chosen.width();
  double even =
      chosen.records ? static_cast<double>(chosen.records_by_width[width]) / static_cast<double>(chosen.records) : 0;
  std::size_t least = options.strict && !classifier() ? 3 : 1;  // AWS asks for two rows of data
  if (best == 0)
    why_not = "no delimiter splits its lines into two columns or more";
  else if (even < 0.7)
    why_not = "its lines have no common number of columns";
  else if (width > max_csv_columns)
    why_not = "it has more than 4096 columns";
  else if (chosen.records < least)
    why_not = "it has less than two lines of data";
  else if (classifier() && classifier()->header && classifier()->header->size() != width)
    why_not = "it has another number of columns than the classifier's Header";
  csv = why_not.empty();
  if (csv && chosen.first_width > width && width > 1) width = chosen.first_width;
}

bool CsvSniffer::State::take(const CsvRecord& r) {
  quotes |= r.quoted;
  if (first.empty()) {
    first_line = r.line;
    for (auto f : r.fields) first.emplace_back(f);
    width = std::max(width, first.size());
    votes.assign(width, CsvVotes(candidates, options.strict));
    recurs.assign(width, false);
    return true;
  }
  ++records;
  if (r.fields.size() != width) ++odd;
  for (std::size_t i = 0; i < r.fields.size() && i < width; ++i) {
    std::string_view value = trim ? trimmed(r.fields[i]) : r.fields[i];
    votes[i].vote(value, r.line);
    if (i < first.size() && !recurs[i] && !value.empty() && value == first[i]) recurs[i] = true;
  }
  return true;
}

bool CsvSniffer::State::decide_header_strictly(std::string& why) const {
  for (std::size_t i = 0; i < first.size(); ++i) {
    bool last = i + 1 == first.size();
    std::string_view cell = trimmed(first[i]);
    if (cell.empty() ? !last : !is_word_of_text(cell)) {
      why = "'" + std::string(cell) + "' is no name";
      return false;
    }
    if (!last && cell.size() >= 150) {
      why = "a field of the first line has 150 characters or more";
      return false;
    }
  }
  for (std::size_t i = 0; i < width; ++i) {
    DataType type = votes[i].type();
    if (type.kind == DataType::Kind::scalar && type.name != "string") {
      why = "column " + std::to_string(i) + " is text in the first line and " + type.name + " below it";
      return true;
    }
  }
  why = "all columns are text, so the first line is like the others";
  return false;
}

bool CsvSniffer::State::decide_header(std::string& why) const {
  if (auto* c = classifier()) {
    std::string option = c->contains_header.value_or("UNKNOWN");
    if (option != "UNKNOWN") {
      why = "the classifier says " + option;
      return option == "PRESENT";
    }
    if (c->header) {  // its own names may stand in the file as well
      why = "compared with the classifier's Header";
      return std::equal(first.begin(), first.end(), c->header->begin(), c->header->end());
    }
  }
  if (decide_header_strictly(why)) return true;
  if (options.strict) return false;
  std::set<std::string> names;
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::string_view cell = trimmed(first[i]);
    bool nameless =
        cell.empty() && (i == 0 || i + 1 == first.size()) && first.size() > 1;  // an index column, a trailing delimiter
    if (nameless) continue;
    if (!looks_like_name(cell) || !is_word_of_text(cell) || !names.insert(column_name(cell, i)).second || recurs[i]) {
      why = "'" + std::string(cell.substr(0, 40)) +
            (recurs[i] ? "' is a value of its column too" : "' does not look like a column's name");
      return false;
    }
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!votes[i].all_numeric_looking() || trimmed(first[i]).empty()) continue;
    why = "column " + std::to_string(i) + " is a word in the first line and begins with a digit below it";
    return true;
  }
  why = records ? "the first line has different words that are nowhere values" : "there is only one line, of words";
  return true;
}

CsvFinding CsvSniffer::State::finding() {
  CsvFinding out;
  out.dialect = dialect;
  out.quotes = quotes;
  out.backslash_escapes = tokenizer->saw_backslash_escapes();
  out.encoding = utf8.valid() ? "UTF-8" : "ISO-8859-1";
  out.odd_records = odd;
  out.header = decide_header(out.header_why);
  out.records = records + (out.header ? 0 : 1);
  if (!out.header)
    for (std::size_t i = 0; i < first.size(); ++i)
      votes[i].vote(trim ? trimmed(first[i]) : std::string_view(first[i]), first_line);
  std::size_t columns = width;
  bool trailing = columns > 1 && out.header && trimmed(first.back()).empty() && first.size() == columns &&
                  votes.back().values() == 0;
  if (trailing) --columns;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns; ++i) {
    std::string original = out.header && i < first.size() ? first[i] : "";
    if (auto* c = classifier(); c && c->header && i < c->header->size()) original = (*c->header)[i];
    if (!utf8.valid()) original = latin1_to_utf8(original);
    CsvColumn& column = out.columns.emplace_back();
    column.original_name = original;
    column.type = votes[i].type();
    column.why = votes[i].why();
    names.push_back(column_name(original, i));
  }
  make_unique(names);
  for (std::size_t i = 0; i < columns; ++i) out.columns[i].name = names[i];
  return out;
}

CsvSniffer::CsvSniffer(std::string_view head, bool whole, CsvOptions options) : state_(std::make_unique<State>()) {
  state_->options = options;
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  state_->guess(head, whole);
  if (state_->csv)
    state_->tokenizer.emplace(state_->dialect, [s = state_.get()](const CsvRecord& r) { return s->take(r); });
}

CsvSniffer::~CsvSniffer() = default;

bool CsvSniffer::is_csv() const {
  return state_->csv;
}
const std::string& CsvSniffer::why_not() const {
  return state_->why_not;
}

void CsvSniffer::feed(std::string_view bytes) {
  if (state_->first_chunk && bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  state_->first_chunk = false;
  state_->utf8.feed(bytes);
  if (!state_->tokenizer->too_long()) state_->tokenizer->feed(bytes);
}

void CsvSniffer::skip_to_next_line() {
  state_->utf8.resynchronize();
  state_->tokenizer->resynchronize();
}

std::optional<CsvFinding> CsvSniffer::finish() {
  State& s = *state_;
  s.tokenizer->finish();
  if (s.tokenizer->too_long())
    s.why_not = "a record is longer than 4 MiB (an unclosed quote, perhaps)";
  else if (s.first.empty())
    s.why_not = "it has no lines";
  else if (s.records > 10 && s.odd * 2 > s.records)
    s.why_not = "its lines have no common number of columns";
  if (!s.why_not.empty()) return std::nullopt;
  return s.finding();
}

std::string column_name(std::string_view original, std::size_t index) {
  std::string out;
  for (char c : trimmed(original)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  if (out.size() > 255) {
    out.resize(255);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  }
  return out.empty() ? "col" + std::to_string(index) : out;
}

void make_unique(std::vector<std::string>& names) {
  std::set<std::string> taken(names.begin(), names.end()), seen;
  for (std::string& name : names) {
    if (seen.insert(name).second) continue;
    std::string base = name;
    for (int n = 1; !taken.insert(name = base + "_" + std::to_string(n)).second;) ++n;
    seen.insert(name);
  }
}

}  // namespace tarn::catalog::crawl
