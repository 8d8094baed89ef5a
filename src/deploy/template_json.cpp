// JSON with the position of each part: base/json.hpp gives none.
#include <charconv>

#include "base/json.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

class JsonReader {
 public:
  JsonReader(std::string_view text, Template& into) : text_(text), into_(into) {}

  void read() {
    into_.body = value(0);
    skip_space();
    if (at_ < text_.size()) broken();
  }

 private:
  [[noreturn]] void broken(const std::string& why = {}) const {
    const Position p = position();
    throw validation_error("Template format error: JSON not well-formed. (line " + std::to_string(p.line) +
                           ", column " + std::to_string(p.column) + ")" + (why.empty() ? "" : ": " + why));
  }

  Position position() const { return {line_, at_ - line_start_ + 1}; }

  void mark(Position where) {
    if (path_.size() <= limits::max_position_path_size_bytes) into_.positions.emplace(path_, where);
  }

  void skip_space() {
    for (; at_ < text_.size(); at_++) {
      const char c = text_[at_];
      if (c == '\n') {
        line_++;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  char next() {
    skip_space();
    if (at_ >= text_.size()) broken();
    return text_[at_];
  }

  void expect(char c) {
    if (next() != c) broken();
    at_++;
  }

  Value value(std::size_t depth) {
    if (depth > limits::max_template_depth) broken("too deep");
    switch (next()) {
      case '{':
        return map(depth);
      case '[':
        return list(depth);
      case '"':
        return string();
      default:
        return literal();
    }
  }

  Value map(std::size_t depth) {
    Value out = Value::map();
    std::set<std::string> seen;
    at_++;
    if (next() == '}') {
      at_++;
      return out;
    }
    for (;; at_++) {
      if (next() != '"') broken();
      const Position here = position();
      std::string key = string();
      if (!seen.insert(key).second) broken("the key \"" + key + "\" stands there twice");
      expect(':');
      const std::size_t length = path_.size();
      path_ += '/' + key;
      mark(here);
      Value member = value(depth + 1);
      path_.resize(length);
      out.as_map().push_back({std::move(key), std::move(member)});
      if (next() == '}') break;
      if (text_[at_] != ',') broken();
    }
    at_++;
    return out;
  }

  Value list(std::size_t depth) {
    Value out = Value::list();
    at_++;
    if (next() == ']') {
      at_++;
      return out;
    }
    for (;; at_++) {
      next();
      const std::size_t length = path_.size();
      path_ += '/' + std::to_string(out.as_list().size());
      mark(position());
      out.push_back(value(depth + 1));
      path_.resize(length);
      if (next() == ']') break;
      if (text_[at_] != ',') broken();
    }
    at_++;
    return out;
  }

  unsigned hex4() {
    unsigned out = 0;
    if (text_.size() - at_ < 4) broken();
    const char* first = text_.data() + at_;
    if (std::from_chars(first, first + 4, out, 16).ptr != first + 4) broken();
    at_ += 4;
    return out;
  }

  void append_rune(std::string& out, unsigned rune) {
    if (rune < 0x80) {
      out += static_cast<char>(rune);
    } else if (rune < 0x800) {
      out += static_cast<char>(0xC0 | (rune >> 6));
      out += static_cast<char>(0x80 | (rune & 0x3F));
    } else if (rune < 0x10000) {
      out += static_cast<char>(0xE0 | (rune >> 12));
      out += static_cast<char>(0x80 | ((rune >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (rune & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (rune >> 18));
      out += static_cast<char>(0x80 | ((rune >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((rune >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (rune & 0x3F));
    }
  }

  void escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (at_ >= text_.size()) broken();
    const char c = text_[at_++];
    if (c != 'u') {
      const std::size_t which = letters.find(c);
      if (which == std::string_view::npos) broken();
      out += meanings[which];
      return;
    }
    unsigned rune = hex4();
    if (rune >= 0xD800 && rune < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) broken();
      rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
    } else if (rune >= 0xD800 && rune < 0xE000) {
      broken();
    }
    append_rune(out, rune);
  }

  std::string string() {
    std::string out;
    for (at_++;; at_++) {
      if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) broken();
      if (text_[at_] == '"') break;
      if (text_[at_] == '\\') {
        at_++;
        escape(out);
        at_--;
      } else {
        out += text_[at_];
      }
    }
    at_++;
    return out;
  }

  Value literal() {
    std::size_t end = at_;
    while (end < text_.size() && std::string_view(" \t\r\n,]}").find(text_[end]) == std::string_view::npos) end++;
    const std::string_view word = text_.substr(at_, end - at_);
    Value out;
    if (word == "true" || word == "false") {
      out = word == "true";
    } else if (word != "null") {
      if (word.find_first_not_of("-+.0123456789eE") != std::string_view::npos) broken();
      try {
        out = parse_json(word);
      } catch (const Error&) {
        broken();
      }
      // An integer beyond 64 bits stays text, with all its digits.
      if (out.is_double() && word.find_first_of(".eE") == std::string_view::npos) out = word;
    }
    at_ = end;
    return out;
  }

  std::string_view text_;
  Template& into_;
  std::size_t at_ = 0, line_ = 1, line_start_ = 0;
  std::string path_;
};

}  // namespace

void read_json(std::string_view text, Template& into) {
  JsonReader(text, into).read();
}

}  // namespace tarn::deploy
