#include "catalog/crawl/csv_tokenizer.hpp"

namespace tarn::catalog::crawl {

void CsvTokenizer::end_field() {
  // \r belongs to the line end.
  ends_.push_back(buffer_.size());
  state_ = State::field_start;
}

bool CsvTokenizer::end_record() {
  bool empty = ends_.size() == 1 && buffer_.empty() && !quoted_;
  bool go_on = true;
  if (!empty) {
    record_.line = record_line_;
    record_.quoted = quoted_;
    record_.fields.clear();
    std::size_t from = 0;
    for (std::size_t end : ends_) {
      record_.fields.push_back(std::string_view(buffer_).substr(from, end - from));
      from = end;
    }
    go_on = take_(record_);
  }
  buffer_.clear();
  ends_.clear();
  quoted_ = false;
  record_line_ = line_;
  return go_on;
}

bool CsvTokenizer::feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char c = bytes[i];
    if (c == '\n') ++line_;
    if (buffer_.size() > max_csv_record_size_bytes) {
      too_long_ = true;
      return false;
    }
    switch (state_) {
      case State::skipping:
        if (c == '\n') {
          state_ = State::field_start;
          record_line_ = line_;
        }
        continue;
      case State::quoted:
        if (backslash_) {
          backslash_ = false;
          buffer_ += c;
        } else if (c == dialect_.quote) {
          state_ = State::after_quote;
        } else {
          // A backslash escapes a quote; before anything else it is itself.
          if (c == '\\' && i + 1 < bytes.size() && bytes[i + 1] == dialect_.quote && i + 2 < bytes.size() &&
              bytes[i + 2] != dialect_.delimiter && bytes[i + 2] != '\n' && bytes[i + 2] != '\r')
            backslash_ = saw_backslash_ = true;
          else
            buffer_ += c;
        }
        continue;
      case State::after_quote:
        if (c == dialect_.quote) {  // doubled
          buffer_ += c;
          state_ = State::quoted;
          continue;
        }
        state_ = State::plain;
        break;
      case State::field_start:
        if (dialect_.quote && c == dialect_.quote) {
          state_ = State::quoted;
          quoted_ = true;
          continue;
        }
        state_ = State::plain;
        break;
      case State::plain:
        break;
    }
    if (c == dialect_.delimiter) {
      end_field();
    } else if (c == '\n') {
      std::size_t start = ends_.empty() ? 0 : ends_.back();
      if (buffer_.size() > start && buffer_.back() == '\r') buffer_.pop_back();
      end_field();
      if (!end_record()) return false;
    } else {
      buffer_ += c;
    }
  }
  return true;
}

void CsvTokenizer::finish() {
  if (state_ == State::skipping) return;
  if (state_ == State::field_start && ends_.empty() && buffer_.empty()) return;
  std::size_t start = ends_.empty() ? 0 : ends_.back();
  if (state_ != State::quoted && buffer_.size() > start && buffer_.back() == '\r') buffer_.pop_back();
  bool unclosed = state_ == State::quoted;
  end_field();
  end_record();
  if (unclosed) state_ = State::quoted;
}

void CsvTokenizer::resynchronize() {
  buffer_.clear();
  ends_.clear();
  quoted_ = backslash_ = false;
  state_ = State::skipping;
}

}  // namespace tarn::catalog::crawl
