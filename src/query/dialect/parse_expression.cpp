// Expressions, from the loosest binding to the tightest: OR, AND, NOT, predicates, ||, + -, * / %, signs, AT TIME ZONE,
// subscripts and fields.
#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

namespace {

constexpr std::array<std::string_view, 7> comparison_operators = {"=", "<>", "!=", "<", "<=", ">", ">="};

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string without_underscores(std::string_view digits) {
  std::string out(digits);
  out.erase(std::remove(out.begin(), out.end(), '_'), out.end());
  return out;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// U&'...' : the escape and four hex digits, or the escape, a plus and six. nullopt where that is broken.
std::optional<std::string> decode_unicode(std::string_view text, char escape) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != escape) {
      out += text[i++];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == escape) {
      out += escape;
      i += 2;
      continue;
    }
    bool long_form = i + 1 < text.size() && text[i + 1] == '+';
    size_t start = i + (long_form ? 2 : 1), count = long_form ? 6 : 4;
    if (start + count > text.size()) return std::nullopt;
    unsigned code = 0;
    for (size_t k = start; k < start + count; k++) {
      int digit = digit_value(text[k]);
      if (digit < 0) return std::nullopt;
      code = code * 16 + digit;
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
    append_utf8(out, code);
    i = start + count;
  }
  return out;
}

}  // namespace

ExpressionPtr Parser::raise(ExpressionPtr expression, int below) {
  expression->height = below + 1;
  highest_ = std::max(highest_, expression->height);
  if (expression->height > max_height) {
    throw Error(ErrorKind::caller, "STACK_OVERFLOW", "statement is too large (stack overflow during analysis)");
  }
  return expression;
}

ExpressionPtr Parser::expression() {
  Nesting nesting(*this);
  Rule rule(*this, "<expression>");
  return logical(false);
}

std::vector<ExpressionPtr> Parser::expression_list(std::string_view closing) {
  std::vector<ExpressionPtr> out;
  do out.push_back(expression());
  while (accept(","));
  expect(closing);
  return out;
}

ExpressionPtr Parser::logical(bool is_and) {
  Position start = here();
  ExpressionPtr first = is_and ? logical_not() : logical(true);
  std::string_view word = is_and ? "AND" : "OR";
  if (!at(word)) return first;
  Logical node{is_and, {}};
  int below = first->height;
  node.terms.push_back(std::move(first));
  while (accept(word)) {
    Rule rule(*this, "<expression>");
    node.terms.push_back(is_and ? logical_not() : logical(true));
    below = std::max(below, node.terms.back()->height);
  }
  return raise(make(start, std::move(node)), below);
}

ExpressionPtr Parser::logical_not() {
  Position start = here();
  if (!accept("NOT")) return predicated();
  Nesting nesting(*this);
  Rule rule(*this, "<expression>");
  ExpressionPtr operand = logical_not();
  int below = operand->height;
  return raise(make(start, Not{std::move(operand)}), below);
}

ExpressionPtr Parser::predicated() {
  ExpressionPtr left = value();
  record("<predicate>");
  int before = left->height;
  ExpressionPtr out = predicate(std::move(left));
  return out->height > before ? std::move(out) : raise(std::move(out), std::max(before, highest_) - 1);
}

ExpressionPtr Parser::predicate(ExpressionPtr left) {
  Position start = here();
  const Token& found = token();
  if (found.kind == TokenKind::symbol) {
    bool compares =
        std::find(comparison_operators.begin(), comparison_operators.end(), found.raw) != comparison_operators.end();
    return compares ? comparison(std::move(left)) : std::move(left);
  }
  if (looks_at("IS")) {
    next_++;
    bool negated = accept("NOT");
    if (accept("DISTINCT")) {
      expect("FROM");
      Rule rule(*this, "<expression>");
      ExpressionPtr right = value();
      int below = std::max(left->height, right->height);
      return raise(make(start, IsDistinctFrom{std::move(left), std::move(right), negated}), below);
    }
    expect("NULL");
    int below = left->height;
    return raise(make(start, IsNull{std::move(left), negated}), below);
  }
  bool negated = looks_at("NOT");
  if (negated) next_++;
  if (!looks_at("BETWEEN") && !looks_at("IN") && !looks_at("LIKE")) {
    if (!negated) return left;
    for (std::string_view word : {"BETWEEN", "IN", "LIKE"}) record(word);
    fail();
  }
  return negatable_predicate(std::move(left), negated);
}

ExpressionPtr Parser::comparison(ExpressionPtr left) {
  Position start = here();
  std::string op(tokens_[next_++].raw);
  if (op == "!=") op = "<>";
  bool all = at("ALL");
  bool quantified = (all || at("ANY") || at("SOME")) && looks_at("(", 1);
  if (quantified && (looks_at("SELECT", 2) || looks_at("WITH", 2) || looks_at("VALUES", 2) || looks_at("TABLE", 2) ||
                     looks_at("(", 2))) {
    next_ += 2;
    QueryPtr subquery = query();
    expect(")");
    int below = left->height;
    return raise(make(start, QuantifiedComparison{op, all, std::move(left), std::move(subquery)}), below);
  }
  Rule rule(*this, "<expression>");
  ExpressionPtr right = value();
  int below = std::max(left->height, right->height);
  return raise(make(start, Comparison{op, std::move(left), std::move(right)}), below);
}

ExpressionPtr Parser::negatable_predicate(ExpressionPtr left, bool negated) {
  Position start = negated ? tokens_[next_ - 1].at : here();
  int below = left->height;
  if (accept("BETWEEN")) {
    Rule low_rule(*this, "<expression>");
    ExpressionPtr low = value();
    expect("AND");
    Rule high_rule(*this, "<expression>");
    ExpressionPtr high = value();
    below = std::max({below, low->height, high->height});
    return raise(make(start, Between{std::move(left), std::move(low), std::move(high), negated}), below);
  }
  if (accept("IN")) {
    expect("(");
    if (query_ahead()) {
      QueryPtr subquery = query();
      expect(")");
      return raise(make(start, InSubquery{std::move(left), std::move(subquery), negated}), below);
    }
    record("<query>");
    std::vector<ExpressionPtr> items = expression_list(")");
    for (const ExpressionPtr& item : items) below = std::max(below, item->height);
    return raise(make(start, InList{std::move(left), std::move(items), negated}), below);
  }
  expect("LIKE");
  Rule rule(*this, "<expression>");
  ExpressionPtr pattern = value();
  below = std::max(below, pattern->height);
  ExpressionPtr escape;
  if (accept("ESCAPE")) {
    Rule escape_rule(*this, "<expression>");
    escape = value();
    below = std::max(below, escape->height);
  }
  return raise(make(start, Like{std::move(left), std::move(pattern), std::move(escape), negated}), below);
}

ExpressionPtr Parser::value() {
  return chain(0);
}

ExpressionPtr Parser::chain(int level) {
  static constexpr std::array<std::array<std::string_view, 3>, 3> operators = {
      {{"||", "", ""}, {"+", "-", ""}, {"*", "/", "%"}}};
  auto operand = [&] { return level == 2 ? signed_value() : chain(level + 1); };
  ExpressionPtr left = operand();
  while (true) {
    std::string_view op;
    for (std::string_view candidate : operators[level]) {
      if (!candidate.empty() && at(candidate)) op = candidate;
    }
    if (op.empty()) return left;
    Position op_at = here();
    next_++;
    Rule rule(*this, "<expression>");
    ExpressionPtr right = operand();
    int below = std::max(left->height, right->height);
    left = raise(make(op_at, Binary{std::string(op), std::move(left), std::move(right)}), below);
  }
}

ExpressionPtr Parser::signed_value() {
  Position start = here();
  bool minus = looks_at("-");
  if (!minus && !looks_at("+")) return with_time_zone();
  TokenKind following = token(1).kind;
  bool number_follows =
      following == TokenKind::integer || following == TokenKind::decimal || following == TokenKind::floating;
  if (minus && number_follows) return with_time_zone();  // the sign belongs to the literal
  next_++;
  Nesting nesting(*this);
  Rule rule(*this, "<expression>");
  ExpressionPtr operand = signed_value();
  int below = operand->height;
  return raise(make(start, Unary{minus ? '-' : '+', std::move(operand)}), below);
}

ExpressionPtr Parser::with_time_zone() {
  ExpressionPtr out = primary();
  while (at("AT") && looks_at("TIME", 1)) {  // AT is a name too
    Position start = here();
    next_ += 2;
    expect("ZONE");
    record("<string>");
    ExpressionPtr zone = at("INTERVAL") ? interval() : make(here(), StringLiteral{text()});
    int below = out->height;
    out = raise(make(start, AtTimeZone{std::move(out), std::move(zone)}), below);
  }
  return out;
}

ExpressionPtr Parser::primary() {
  Position start = here();
  ExpressionPtr out = primary_start();
  while (true) {
    int below = out->height;
    if (at(".") && !(looks_at("*", 1))) {
      next_++;
      out = raise(make(start, Dereference{std::move(out), identifier()}), below);
    } else if (accept("[")) {
      Rule rule(*this, "<expression>");
      ExpressionPtr index = value();
      expect("]");
      below = std::max(below, index->height);
      out = raise(make(start, Subscript{std::move(out), std::move(index)}), below);
    } else {
      return out;
    }
  }
}

ExpressionPtr Parser::primary_start() {
  int before = highest_;
  highest_ = 0;
  ExpressionPtr out = literal();
  if (!out) out = keyword_primary();
  if (!out) out = special_call();
  if (!out && looks_at("(")) out = lambda_ahead() ? lambda() : parenthesized();
  if (!out && is_identifier()) out = looks_at("->", 1) ? lambda() : name_or_call();
  if (!out) {
    record("<expression>");
    fail();
  }
  out = raise(std::move(out), highest_);
  highest_ = std::max(before, out->height);
  return out;
}

// ---- Literals

ExpressionPtr Parser::literal() {
  Position start = here();
  const Token& found = token();
  switch (found.kind) {
    case TokenKind::text:
      next_++;
      return make(start, StringLiteral{found.value});
    case TokenKind::unicode_text: {
      next_++;
      char escape = '\\';
      if (accept("UESCAPE")) {
        if (token().kind != TokenKind::text || token().value.size() != 1)
          fail_at(start, "Invalid Unicode escape character");
        escape = tokens_[next_++].value[0];
      }
      std::optional<std::string> decoded = decode_unicode(found.value, escape);
      if (!decoded) fail_at(start, "Invalid Unicode escape sequence");
      return make(start, StringLiteral{*decoded});
    }
    case TokenKind::binary: {
      next_++;
      std::string digits, bytes;
      for (char c : found.value) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
        if (digit_value(c) < 0) fail_at(start, "Binary literal can only contain hexadecimal digits");
        digits += c;
      }
      if (digits.size() % 2 != 0) fail_at(start, "Binary literal must contain an even number of digits");
      for (size_t i = 0; i < digits.size(); i += 2) {
        bytes += static_cast<char>(digit_value(digits[i]) * 16 + digit_value(digits[i + 1]));
      }
      return make(start, BinaryLiteral{bytes});
    }
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::floating:
      return number();
    case TokenKind::symbol:
      if (found.raw == "-") return number();
      if (found.raw == "?") {
        next_++;
        return make(start, Parameter{parameters_++});
      }
      return nullptr;
    default:
      return nullptr;
  }
}

ExpressionPtr Parser::number() {
  Position start = here();
  std::string sign = looks_at("-") ? "-" : "";
  if (!sign.empty()) next_++;
  const Token& found = tokens_[next_++];
  std::string text = sign + without_underscores(found.raw);
  if (found.kind == TokenKind::integer) return make(start, IntegerLiteral{text});
  if (found.kind == TokenKind::decimal) return make(start, DecimalLiteral{text});
  return make(start, DoubleLiteral{text});
}

ExpressionPtr Parser::interval() {
  Position start = here();
  expect("INTERVAL");
  IntervalLiteral node;
  if (looks_at("-") || looks_at("+")) {
    node.negative = looks_at("-");
    next_++;
  }
  node.value = text();
  node.from = interval_field();
  if (accept("TO")) node.to = interval_field();
  return make(start, std::move(node));
}

// ---- What begins with a keyword

ExpressionPtr Parser::keyword_primary() {
  const Token& found = token();
  if (found.kind != TokenKind::word) return nullptr;
  Position start = found.at;
  const std::string& word = found.value;
  bool opens = looks_at("(", 1);
  if (word == "NULL") {
    next_++;
    return make(start, NullLiteral{});
  }
  if (word == "TRUE" || word == "FALSE") {
    next_++;
    return make(start, BooleanLiteral{word == "TRUE"});
  }
  if (word == "CASE") return case_expression();
  if (word == "CAST" && opens) return cast(false);
  if (word == "TRY_CAST" && opens) return cast(true);
  if (word == "EXISTS") {
    next_++;
    expect("(");
    QueryPtr subquery = query();
    expect(")");
    return make(start, Exists{std::move(subquery)});
  }
  if (word == "ROW" && opens) {
    next_ += 2;
    return make(start, RowConstructor{expression_list(")")});
  }
  if (word == "ARRAY" && looks_at("[", 1)) {
    next_ += 2;
    ArrayConstructor node;
    if (!accept("]")) node.items = expression_list("]");
    return make(start, std::move(node));
  }
  TokenKind following = token(1).kind;
  if (word == "INTERVAL" &&
      (following == TokenKind::text || following == TokenKind::unicode_text || looks_at("-", 1) || looks_at("+", 1))) {
    return interval();
  }
  if (word == "DOUBLE" && looks_at("PRECISION", 1) && token(2).kind == TokenKind::text) {
    next_ += 2;
    return make(start,
                TypedLiteral{TypeName{simple_type(TypeKind::double_precision), "", start}, tokens_[next_++].value});
  }
  return current_value();
}

ExpressionPtr Parser::current_value() {
  static constexpr std::array<std::string_view, 9> words = {"CURRENT_DATE",    "CURRENT_TIME",   "CURRENT_TIMESTAMP",
                                                            "LOCALTIME",       "LOCALTIMESTAMP", "CURRENT_USER",
                                                            "CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH"};
  const Token& found = token();
  size_t which = std::find(words.begin(), words.end(), found.value) - words.begin();
  if (which == words.size()) return nullptr;
  next_++;
  CurrentTime node{lower_case(found.value), std::nullopt};
  bool timed = which >= 1 && which <= 4;
  if (timed && accept("(")) {
    node.precision = small_number();
    expect(")");
  }
  return make(found.at, std::move(node));
}

ExpressionPtr Parser::case_expression() {
  Position start = here();
  expect("CASE");
  Case node;
  if (!at("WHEN")) node.operand = expression();
  do {
    expect("WHEN");
    WhenClause clause;
    clause.condition = expression();
    expect("THEN");
    clause.result = expression();
    node.whens.push_back(std::move(clause));
  } while (at("WHEN"));
  if (accept("ELSE")) node.otherwise = expression();
  expect("END");
  return make(start, std::move(node));
}

ExpressionPtr Parser::cast(bool is_try) {
  Position start = here();
  next_ += 2;
  Cast node;
  node.is_try = is_try;
  node.operand = expression();
  expect("AS");
  node.type = type_name();
  expect(")");
  return make(start, std::move(node));
}

// ---- Parentheses and lambdas

bool Parser::lambda_ahead() const {
  size_t i = 1;
  if (!looks_at(")", i)) {
    while (true) {
      if (!is_identifier(i)) return false;
      if (looks_at(")", i + 1)) break;
      if (!looks_at(",", i + 1)) return false;
      i += 2;
    }
    i++;
  }
  return looks_at("->", i + 1);
}

ExpressionPtr Parser::lambda() {
  Position start = here();
  Lambda node;
  if (accept("(")) {
    if (!accept(")")) {
      do node.parameters.push_back(identifier());
      while (accept(","));
      expect(")");
    }
  } else {
    node.parameters.push_back(identifier());
  }
  expect("->");
  node.body = expression();
  return make(start, std::move(node));
}

bool Parser::query_ahead() const {
  if (!looks_at("(")) {
    return looks_at("SELECT") || looks_at("WITH") || looks_at("VALUES") || (looks_at("TABLE") && is_identifier(1));
  }
  // A parenthesis: it belongs to a query when what follows its end continues one. ((SELECT 1) + 1) does not.
  size_t i = 1, open = 1, depth = 1;
  while (looks_at("(", depth)) depth++;
  if (!looks_at("SELECT", depth) && !looks_at("WITH", depth) && !looks_at("VALUES", depth) && !looks_at("TABLE", depth))
    return false;
  while (open > 0 && token(i).kind != TokenKind::end) {
    if (looks_at("(", i)) open++;
    if (looks_at(")", i)) open--;
    i++;
  }
  for (std::string_view word : {"UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH"}) {
    if (looks_at(word, i)) return true;
  }
  return false;
}

ExpressionPtr Parser::parenthesized() {
  Position start = here();
  expect("(");
  Parentheses inside(*this);
  if (query_ahead()) {
    QueryPtr subquery = query();
    expect(")");
    return make(start, ScalarSubquery{std::move(subquery)});
  }
  record("<query>");
  ExpressionPtr first = expression();
  if (accept(",")) {
    RowConstructor row;
    row.items.push_back(std::move(first));
    for (ExpressionPtr& item : expression_list(")")) row.items.push_back(std::move(item));
    return make(start, std::move(row));
  }
  expect(")");
  return first;
}

}  // namespace tarn::dialect
