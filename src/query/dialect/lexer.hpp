// Text to tokens, for Trino's SQL and for Hive's DDL, which differ in what double quotes, backticks and backslashes
// mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/dialect/ast.hpp"

namespace tarn::dialect {

enum class TokenKind : unsigned char {
  word,          // a keyword or an unquoted identifier
  quoted_word,   // "name" (Trino), `name` (Hive)
  backquoted,    // `name` in Trino's SQL, which refuses it
  digit_word,    // 1abc
  text,          // 'text'; Hive: also "text"
  unicode_text,  // U&'\0041'
  binary,        // X'00FF'
  integer,
  decimal,
  floating,
  symbol,
  unrecognized,  // a character that no token begins with, or a quote that is never closed
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view raw;  // as written; "<EOF>" at the end
  std::string value;     // of a word: upper-case; of quoted things: what stands inside, unescaped
  Position at;
};

enum class Dialect : unsigned char { trino, hive };

// All tokens of `sql`, an `end` at last; comments are left out. The tokens' `raw` point into `sql`. Throws Error
// (caller, SYNTAX_ERROR) only for text that is not UTF-8 or holds a zero byte: all else becomes a token that the parser
// refuses where it stands.
std::vector<Token> tokenize(std::string_view sql, Dialect dialect);

}  // namespace tarn::dialect
