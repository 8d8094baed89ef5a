#include "query/dialect/parser.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

namespace {

// Words that are no identifiers unless quoted (Trino, "Reserved keywords"). Sorted.
constexpr std::array<std::string_view, 80> reserved = {
    "ALTER",        "AND",
    "AS",           "BETWEEN",
    "BY",           "CASE",
    "CAST",         "CONSTRAINT",
    "CREATE",       "CROSS",
    "CUBE",         "CURRENT_CATALOG",
    "CURRENT_DATE", "CURRENT_PATH",
    "CURRENT_ROLE", "CURRENT_SCHEMA",
    "CURRENT_TIME", "CURRENT_TIMESTAMP",
    "CURRENT_USER", "DEALLOCATE",
    "DELETE",       "DESCRIBE",
    "DISTINCT",     "DROP",
    "ELSE",         "END",
    "ESCAPE",       "EXCEPT",
    "EXECUTE",      "EXISTS",
    "EXTRACT",      "FALSE",
    "FOR",          "FROM",
    "FULL",         "GROUP",
    "GROUPING",     "HAVING",
    "IN",           "INNER",
    "INSERT",       "INTERSECT",
    "INTO",         "IS",
    "JOIN",         "JSON_ARRAY",
    "JSON_EXISTS",  "JSON_OBJECT",
    "JSON_QUERY",   "JSON_TABLE",
    "JSON_VALUE",   "LEFT",
    "LIKE",         "LISTAGG",
    "LOCALTIME",    "LOCALTIMESTAMP",
    "NATURAL",      "NORMALIZE",
    "NOT",          "NULL",
    "ON",           "OR",
    "ORDER",        "OUTER",
    "PREPARE",      "RECURSIVE",
    "RIGHT",        "ROLLUP",
    "SELECT",       "SKIP",
    "TABLE",        "THEN",
    "TRIM",         "TRUE",
    "UESCAPE",      "UNION",
    "UNNEST",       "USING",
    "VALUES",       "WHEN",
};
constexpr std::array<std::string_view, 2> reserved_rest = {"WHERE", "WITH"};

bool is_reserved(std::string_view word) {
  return std::binary_search(reserved.begin(), reserved.end(), word) ||
         std::find(reserved_rest.begin(), reserved_rest.end(), word) != reserved_rest.end();
}

bool is_symbol_or_word(const Token& token, std::string_view what) {
  if (token.kind == TokenKind::word) return token.value == what;
  return token.kind == TokenKind::symbol && token.raw == what;
}

}  // namespace

// ---- The public functions

Statement parse(std::string_view sql) {
  if (sql.size() > static_cast<size_t>(limits::max_query_string_size_bytes)) {
    throw Error(ErrorKind::caller, "SYNTAX_ERROR",
                "The query is longer than " + std::to_string(limits::max_query_string_size_bytes) + " bytes");
  }
  return Parser(sql, Parser::dialect_of(sql)).whole_statement();
}

QueryPtr parse_query(std::string_view sql) {
  return Parser(sql, Dialect::trino).whole_query();
}
ExpressionPtr parse_expression(std::string_view sql) {
  return Parser(sql, Dialect::trino).whole_expression();
}
std::optional<Type> parse_trino_type(std::string_view text) {
  try {
    return Parser(text, Dialect::trino).whole_type();
  } catch (const Error&) {
    return std::nullopt;
  }
}

// ---- Construction and whole texts

Parser::Parser(std::string_view sql, Dialect dialect) : sql_(sql), tokens_(tokenize(sql, dialect)) {
  // Athena takes one semicolon at the end.
  size_t count = tokens_.size();
  if (count >= 2 && tokens_[count - 2].raw == ";" && tokens_[count - 2].kind == TokenKind::symbol) {
    tokens_.erase(tokens_.end() - 2);
  }
}

Statement Parser::whole_statement() {
  Statement out = dialect_of(sql_) == Dialect::hive ? hive_statement() : statement();
  if (token().kind != TokenKind::end) {
    record("<EOF>");
    fail();
  }
  out.parameter_count = parameters_;
  return out;
}

QueryPtr Parser::whole_query() {
  QueryPtr out = query();
  record("<EOF>");
  if (token().kind != TokenKind::end) fail();
  return out;
}

ExpressionPtr Parser::whole_expression() {
  ExpressionPtr out = expression();
  record("<EOF>");
  if (token().kind != TokenKind::end) fail();
  return out;
}

std::optional<Type> Parser::whole_type() {
  TypeName name = type_name();
  if (token().kind != TokenKind::end || !name.unknown_name.empty()) return std::nullopt;
  return name.type;
}

Dialect Parser::dialect_of(std::string_view sql) {
  std::vector<Token> tokens = tokenize(sql, Dialect::hive);
  auto word = [&](size_t i) -> std::string_view {
    return i < tokens.size() && tokens[i].kind == TokenKind::word ? std::string_view(tokens[i].value)
                                                                  : std::string_view();
  };
  std::string_view first = word(0), second = word(1);
  if (first == "MSCK") return Dialect::hive;
  if (first == "ALTER") return second == "VIEW" ? Dialect::trino : Dialect::hive;
  if (first == "DROP") return second == "VIEW" ? Dialect::trino : Dialect::hive;
  if (first == "SHOW") return Dialect::hive;
  if (first == "DESCRIBE" || first == "DESC")
    return second == "INPUT" || second == "OUTPUT" ? Dialect::trino : Dialect::hive;
  if (first != "CREATE") return Dialect::trino;
  if (second == "EXTERNAL" || second == "DATABASE" || second == "SCHEMA") return Dialect::hive;
  if (second != "TABLE") return Dialect::trino;
  // CREATE TABLE t [(a, b)] [COMMENT ..] [WITH ..] AS is Trino's; a column with a type makes it Hive's.
  size_t i = 2;
  if (word(i) == "IF") i += 3;
  while (i < tokens.size() && tokens[i].kind != TokenKind::end && tokens[i].raw != "(") {
    std::string_view here = word(i);
    if (here == "AS" || here == "WITH") return Dialect::trino;
    i++;
  }
  if (i + 2 >= tokens.size() || tokens[i].raw != "(") return Dialect::hive;
  return tokens[i + 2].raw == "," || tokens[i + 2].raw == ")" ? Dialect::trino : Dialect::hive;
}

// ---- Tokens and errors

Parser::Nesting::Nesting(Parser& parser) : parser_(parser) {
  if (++parser_.nesting_ > max_nesting) {
    parser_.nesting_--;
    throw Error(ErrorKind::caller, "STACK_OVERFLOW", "statement is too large (stack overflow while parsing)");
  }
}

Parser::Rule::Rule(Parser& parser, std::string_view name) : parser_(parser), before_(parser.quiet_at_) {
  parser_.record(name);
  parser_.quiet_at_ = parser_.next_;
}

bool Parser::looks_at(std::string_view what, size_t ahead) const {
  return is_symbol_or_word(token(ahead), what);
}

void Parser::record(std::string_view expected) {
  if (quiet_at_ == next_) return;
  if (next_ != expected_at_) {
    expected_.clear();
    expected_at_ = next_;
  }
  expected_.insert(expected.front() == '<' && expected.size() > 2 && expected.back() == '>'
                       ? std::string(expected)
                       : "'" + std::string(expected) + "'");
}

bool Parser::at(std::string_view what) {
  record(what);
  return looks_at(what);
}

bool Parser::accept(std::string_view what) {
  if (!at(what)) return false;
  next_++;
  return true;
}

void Parser::expect(std::string_view what) {
  if (!accept(what)) fail();
}

void Parser::fail() {
  std::string list;
  if (expected_at_ == next_) {
    for (const std::string& item : expected_) list += (list.empty() ? "" : ", ") + item;
  }
  const Token& found = token();
  if (found.kind == TokenKind::backquoted) {
    fail_at(found.at, "backquoted identifiers are not supported; use double quotes to quote identifiers");
  }
  if (found.kind == TokenKind::digit_word &&
      (list.find("<identifier>") != std::string::npos || list.find("<expression>") != std::string::npos)) {
    fail_at(found.at, "identifiers must not start with a digit; surround the identifier with double quotes");
  }
  std::string message = "mismatched input '" + std::string(found.raw) + "'";
  if (!list.empty()) message += ". Expecting: " + list;
  fail_at(found.at, message);
}

void Parser::fail_at(Position at, const std::string& message, const std::string& code) const {
  throw Error(ErrorKind::caller, code,
              "line " + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + message);
}

std::string Parser::text_since(const Position& start) const {
  if (next_ == 0) return {};
  const Token& last = tokens_[next_ - 1];
  size_t end = last.at.offset + last.raw.size();
  return std::string(sql_.substr(start.offset, end - start.offset));
}

// ---- Names

bool Parser::is_identifier(size_t ahead) const {
  const Token& found = token(ahead);
  return found.kind == TokenKind::quoted_word || (found.kind == TokenKind::word && !is_reserved(found.value));
}

bool Parser::at_identifier() {
  record("<identifier>");
  return is_identifier();
}

Identifier Parser::identifier() {
  if (!at_identifier()) fail();
  const Token& found = tokens_[next_++];
  bool quoted = found.kind == TokenKind::quoted_word;
  if (quoted && found.value.empty()) fail_at(found.at, "Zero-length delimited identifier not allowed");
  return Identifier{quoted ? found.value : std::string(found.raw), quoted, found.at};
}

std::vector<Identifier> Parser::identifier_list() {
  expect("(");
  std::vector<Identifier> out;
  do out.push_back(identifier());
  while (accept(","));
  expect(")");
  return out;
}

TableReference Parser::table_name() {
  std::vector<Identifier> parts = {identifier()};
  Position start = parts[0].at;
  while (accept(".")) parts.push_back(identifier());
  if (parts.size() > 3) {
    std::string full;
    for (const Identifier& part : parts) full += (full.empty() ? "" : ".") + part.name;
    fail_at(start, "Too many dots in table name: " + full);
  }
  TableReference out;
  out.at = start;
  out.table = lower_case(parts.back().name);
  if (parts.size() > 1) out.database = lower_case(parts[parts.size() - 2].name);
  if (parts.size() > 2) out.catalog = lower_case(parts[0].name);
  return out;
}

std::string Parser::text() {
  record("<string>");
  if (token().kind != TokenKind::text && token().kind != TokenKind::unicode_text) fail();
  ExpressionPtr parsed = literal();
  return std::get<StringLiteral>(parsed->node).value;
}

int Parser::small_number() {
  record("<integer>");
  const Token& found = token();
  if (found.kind != TokenKind::integer || found.raw.size() > 9) fail();
  int value = 0;
  for (char c : found.raw) {
    if (c < '0' || c > '9') fail();
    value = value * 10 + (c - '0');
  }
  next_++;
  return value;
}

// ---- Types

TypeName Parser::type_name() {
  TypeName out;
  out.at = here();
  Rule rule(*this, "<type>");
  out.type = type(out.unknown_name);
  return out;
}

Type Parser::type(std::string& unknown) {
  Nesting nesting(*this);
  Type out = base_type(unknown);
  while (at("ARRAY")) {  // integer ARRAY
    next_++;
    if (accept("[")) {
      small_number();
      expect("]");
    }
    out = array_type(std::move(out));
  }
  return out;
}

Type Parser::base_type(std::string& unknown) {
  if (looks_at("ROW") && looks_at("(", 1)) return row_type_fields(unknown);
  if (looks_at("ARRAY") || looks_at("MAP")) {
    bool is_array = looks_at("ARRAY");
    std::string_view closing = looks_at("<", 1) ? ">" : ")";
    if (looks_at("<", 1) || looks_at("(", 1)) {
      next_ += 2;
      Type first = type(unknown);
      if (!is_array) {
        expect(",");
        first = map_type(std::move(first), type(unknown));
      } else {
        first = array_type(std::move(first));
      }
      expect(closing);
      return first;
    }
  }
  if (looks_at("TIMESTAMP") || looks_at("TIME")) return timed_type(unknown);
  if (looks_at("DOUBLE") && looks_at("PRECISION", 1)) {
    next_ += 2;
    return simple_type(TypeKind::double_precision);
  }
  if (looks_at("INTERVAL")) {
    next_++;
    std::string from = interval_field();
    expect("TO");
    std::string to = interval_field();
    return simple_type(from == "YEAR" || from == "MONTH" ? TypeKind::interval_year_month
                                                         : TypeKind::interval_day_second);
  }
  Identifier name = identifier();
  std::vector<int> parameters;
  std::string shown = lower_case(name.name);
  bool nested = false;
  if (accept("(")) {
    shown += "(";
    do {
      if (token().kind == TokenKind::integer) {
        parameters.push_back(small_number());
        shown += std::to_string(parameters.back());
      } else {
        record("<integer>");
        Rule rule(*this, "<type>");
        shown += to_trino(type(unknown));
        nested = true;
      }
      if (looks_at(",")) shown += ", ";
    } while (accept(","));
    expect(")");
    shown += ")";
  }
  std::optional<Type> found = nested ? std::nullopt : type_by_name(name.name, parameters);
  if (found) return *found;
  if (unknown.empty()) unknown = shown;
  return Type{};
}

Type Parser::row_type_fields(std::string& unknown) {
  next_++;
  expect("(");
  Type out = simple_type(TypeKind::row);
  do {
    // A field is a type, or a name and a type: what follows the first word tells.
    std::string name;
    bool timed = (looks_at("TIMESTAMP") || looks_at("TIME")) && (looks_at("WITH", 1) || looks_at("WITHOUT", 1));
    bool double_word = looks_at("DOUBLE") && looks_at("PRECISION", 1);
    bool array_suffix = looks_at("ARRAY", 1) && !looks_at("(", 2) && !looks_at("<", 2);
    if (is_identifier() && !timed && !double_word && !array_suffix && !looks_at(",", 1) && !looks_at(")", 1) &&
        !looks_at("(", 1) && !looks_at("<", 1)) {
      name = identifier().name;
    }
    out.field_names.push_back(lower_case(name));
    out.children.push_back(type(unknown));
  } while (accept(","));
  expect(")");
  return out;
}

Type Parser::timed_type(std::string& unknown) {
  std::string name = lower_case(tokens_[next_++].raw);
  std::vector<int> parameters;
  if (accept("(")) {
    parameters.push_back(small_number());
    expect(")");
  }
  if (looks_like(0, "WITH", "TIME", "ZONE")) {
    next_ += 3;
    name += " with time zone";
  } else if (looks_like(0, "WITHOUT", "TIME", "ZONE")) {
    next_ += 3;
  }
  std::optional<Type> found = type_by_name(name, parameters);
  if (found) return *found;
  if (unknown.empty()) unknown = name;
  return Type{};
}

std::string Parser::interval_field() {
  for (std::string_view field : {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}) {
    if (accept(field)) return std::string(field);
  }
  fail();
}

}  // namespace tarn::dialect
