#include "query/dialect/lexer.hpp"

#include <array>

#include "base/error.hpp"
#include "query/dialect/names.hpp"

namespace tarn::dialect {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_part(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// How many bytes the UTF-8 character at `text` takes, or 0 when it is not well-formed.
size_t character_size(std::string_view text) {
  unsigned char first = text[0];
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  size_t size = first >= 0xF0 && first < 0xF5   ? 4
                : first >= 0xE0 && first < 0xF0 ? 3
                : first >= 0xC2 && first < 0xE0 ? 2
                                                : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; i++) {
    if (!is_continuation(text[i])) return 0;
  }
  return size;
}

class Lexer {
 public:
  Lexer(std::string_view sql, Dialect dialect) : sql_(sql), dialect_(dialect) {}

  std::vector<Token> run() {
    check_encoding();
    std::vector<Token> tokens;
    while (true) {
      skip_spaces_and_comments();
      tokens.push_back(next());
      if (tokens.back().kind == TokenKind::end) return tokens;
    }
  }

 private:
  void check_encoding() {
    Position at;
    while (at.offset < sql_.size()) {
      size_t size = character_size(sql_.substr(at.offset));
      if (size == 0) {
        throw Error(ErrorKind::caller, "SYNTAX_ERROR",
                    "line " + std::to_string(at.line) + ":" + std::to_string(at.column) +
                        ": the query is not valid UTF-8 text");
      }
      at.column++;
      if (sql_[at.offset] == '\n') {
        at.line++;
        at.column = 1;
      }
      at.offset += size;
    }
  }

  char peek(size_t ahead = 0) const { return at_.offset + ahead < sql_.size() ? sql_[at_.offset + ahead] : '\0'; }
  void advance(size_t bytes) {
    for (size_t i = 0; i < bytes && at_.offset < sql_.size(); i++) {
      char c = sql_[at_.offset++];
      if (c == '\n') {
        at_.line++;
        at_.column = 1;
      } else if (at_.offset >= sql_.size() || !is_continuation(sql_[at_.offset])) {
        at_.column++;  // counted at a character's last byte
      }
    }
  }

  void skip_spaces_and_comments() {
    while (at_.offset < sql_.size()) {
      if (is_space(peek())) {
        advance(1);
      } else if (peek() == '-' && peek(1) == '-') {
        while (at_.offset < sql_.size() && peek() != '\n') advance(1);
      } else if (peek() == '/' && peek(1) == '*') {
        size_t end = sql_.find("*/", at_.offset + 2);
        if (end == std::string_view::npos) return;
        advance(end + 2 - at_.offset);
      } else {
        return;
      }
    }
  }

  Token make(TokenKind kind, size_t size, std::string value = {}) {
    Token token{kind, sql_.substr(at_.offset, size), std::move(value), at_};
    advance(size);
    return token;
  }

  Token next() {
    if (at_.offset >= sql_.size()) return Token{TokenKind::end, "<EOF>", {}, at_};
    char c = peek();
    if (c == '\'') return read_quoted(0, TokenKind::text);
    if (c == '"') return read_quoted(0, dialect_ == Dialect::trino ? TokenKind::quoted_word : TokenKind::text);
    if (c == '`') return read_quoted(0, dialect_ == Dialect::trino ? TokenKind::backquoted : TokenKind::quoted_word);
    if (dialect_ == Dialect::trino && (c == 'x' || c == 'X') && peek(1) == '\'')
      return read_quoted(1, TokenKind::binary);
    if (dialect_ == Dialect::trino && (c == 'u' || c == 'U') && peek(1) == '&' && peek(2) == '\'') {
      return read_quoted(2, TokenKind::unicode_text);
    }
    if (is_letter(c) || c == '_') return read_word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number();
    return read_symbol();
  }

  Token read_word() {
    size_t size = 0;
    while (is_word_part(peek(size))) size++;
    return make(TokenKind::word, size, upper_case(sql_.substr(at_.offset, size)));
  }

  // The quote stands `prefix` bytes ahead. Doubled quotes stand for one; Hive's texts also take a backslash before any
  // character.
  Token read_quoted(size_t prefix, TokenKind kind) {
    char mark = peek(prefix);
    bool backslashes = dialect_ == Dialect::hive && kind == TokenKind::text;
    std::string value;
    size_t i = prefix + 1;
    while (at_.offset + i < sql_.size()) {
      char c = peek(i);
      if (backslashes && c == '\\' && at_.offset + i + 1 < sql_.size()) {
        i += unescape(i, value);
      } else if (c == mark && peek(i + 1) == mark) {
        value += mark;
        i += 2;
      } else if (c == mark) {
        return make(kind, i + 1, std::move(value));
      } else {
        value += c;
        i++;
      }
    }
    return make(TokenKind::unrecognized, prefix + 1);
  }

  // Hive's BaseSemanticAnalyzer.unescapeSQLString: \n, \t, \001 (three octal digits), \u0001; any other character
  // stands for itself, but \% and \_ keep their backslash. Returns how many bytes of the text were taken.
  size_t unescape(size_t i, std::string& value) {
    char c = peek(i + 1);
    auto octal = [&](size_t k) { return peek(k) >= '0' && peek(k) <= '7'; };
    if (c >= '0' && c <= '1' && octal(i + 2) && octal(i + 3)) {
      value += static_cast<char>((c - '0') * 64 + (peek(i + 2) - '0') * 8 + (peek(i + 3) - '0'));
      return 4;
    }
    if (c == 'u') {
      unsigned code = 0;
      size_t k = 0;
      for (; k < 4; k++) {
        int digit = hex_value(peek(i + 2 + k));
        if (digit < 0) break;
        code = code * 16 + digit;
      }
      if (k == 4) {
        append_utf8(value, code);
        return 6;
      }
    }
    switch (c) {
      case '0':
        value += '\0';
        break;
      case 'n':
        value += '\n';
        break;
      case 'r':
        value += '\r';
        break;
      case 't':
        value += '\t';
        break;
      case 'b':
        value += '\b';
        break;
      case 'Z':
        value += '\x1A';
        break;
      case '%':
      case '_':
        value += '\\';
        [[fallthrough]];
      default:
        value += c;
    }
    return 2;
  }
  static int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xE0 | (code >> 12));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  size_t digits_at(size_t i) const {
    size_t n = 0;
    while (is_digit(peek(i + n)) || (n > 0 && peek(i + n) == '_' && is_digit(peek(i + n + 1)))) n++;
    return n;
  }

  Token read_number() {
    if (peek() == '0' && is_letter(peek(1))) {
      size_t size = radix_size();
      if (size > 2 && !is_word_part(peek(size))) return make(TokenKind::integer, size);
    }
    size_t size = digits_at(0);
    TokenKind kind = TokenKind::integer;
    if (peek(size) == '.') {
      kind = TokenKind::decimal;
      size += 1 + digits_at(size + 1);
    }
    if (peek(size) == 'e' || peek(size) == 'E') {
      size_t sign = peek(size + 1) == '+' || peek(size + 1) == '-' ? 1 : 0;
      size_t exponent = digits_at(size + 1 + sign);
      if (exponent > 0) return make(TokenKind::floating, size + 1 + sign + exponent);
    }
    if (kind == TokenKind::integer && is_word_part(peek(size))) {
      while (is_word_part(peek(size))) size++;
      return make(TokenKind::digit_word, size, upper_case(sql_.substr(at_.offset, size)));
    }
    return make(kind, size);
  }
  size_t radix_size() const {
    char radix = static_cast<char>(peek(1) | 0x20);
    size_t i = 2;
    auto fits = [&](char c) {
      if (c == '_') return true;
      int digit = hex_value(c);
      return radix == 'x'   ? digit >= 0
             : radix == 'o' ? digit >= 0 && digit < 8
                            : radix == 'b' && digit >= 0 && digit < 2;
    };
    while (fits(peek(i))) i++;
    return i;
  }

  Token read_symbol() {
    static constexpr std::array two = {"<=", ">=", "<>", "!=", "||", "->", "=>"};
    for (const char* symbol : two) {
      if (peek() == symbol[0] && peek(1) == symbol[1]) return make(TokenKind::symbol, 2);
    }
    static constexpr std::string_view one = ",.()[]=<>+-*/%?;:{}|^$";
    if (one.find(peek()) != std::string_view::npos) return make(TokenKind::symbol, 1);
    return make(TokenKind::unrecognized, character_size(sql_.substr(at_.offset)));
  }

  std::string_view sql_;
  Dialect dialect_;
  Position at_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view sql, Dialect dialect) {
  return Lexer(sql, dialect).run();
}

}  // namespace tarn::dialect
