#include "catalog/partition_expression.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <variant>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "catalog/catalog.hpp"

namespace tarn::catalog {
namespace {

[[noreturn]] void invalid(std::string message) {
  throw Error(ErrorKind::caller, "InvalidInputException", std::move(message));
}

// What a condition says of a partition. `open`: not decided by the values known so far.
enum class Truth { no, yes, null, open };

enum class KeyClass { text, integer, decimal, floating, date, timestamp };

// A decimal number of any length as its digits, without leading or trailing zeros; zero has neither.
struct Decimal {
  bool negative = false;
  std::string whole, fraction;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  if (text.starts_with('-') || text.starts_with('+')) {
    d.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  auto dot = std::min(text.find('.'), text.size());
  std::string_view whole = text.substr(0, dot),
                   fraction = dot < text.size() ? text.substr(dot + 1) : std::string_view();
  auto digits = [](std::string_view s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole.size() + fraction.size() == 0 || !digits(whole) || !digits(fraction)) return std::nullopt;
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  d.whole = whole;
  d.fraction = fraction;
  if (whole.empty() && fraction.empty()) d.negative = false;
  return d;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int size = a.whole.size() == b.whole.size() ? 0 : a.whole.size() < b.whole.size() ? -1 : 1;
  int order = size ? size : a.whole.compare(b.whole);
  if (order == 0) order = a.fraction.compare(b.fraction);
  return a.negative ? -order : order;
}

bool operator<(const Decimal& a, const Decimal& b) {
  return compare(a, b) < 0;
}

// A key's value, ready to be compared: the alternative follows from the key's class.
using Typed = std::variant<std::string, Decimal, double, Time>;

int compare(const Typed& a, const Typed& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}
std::optional<Time> parse_instant(std::string_view text, bool date_only) {
  if (date_only && text.size() != 10) return std::nullopt;
  std::string iso(text);
  if (iso.size() > 10 && iso[10] == ' ') iso[10] = 'T';
  return parse_iso8601(iso);
}

std::optional<Typed> parse_typed(KeyClass key_class, std::string_view text) {
  switch (key_class) {
    case KeyClass::text:
      return Typed(std::string(text));
    case KeyClass::integer:
    case KeyClass::decimal: {
      auto d = parse_decimal(text);
      if (!d || (key_class == KeyClass::integer && text.find('.') != text.npos)) return std::nullopt;
      return Typed(*std::move(d));
    }
    case KeyClass::floating: {
      std::string copy(text);
      char* end = nullptr;
      double d = std::strtod(copy.c_str(), &end);
      if (copy.empty() || end != copy.c_str() + copy.size() || d != d) return std::nullopt;
      return Typed(d);
    }
    case KeyClass::date:
    case KeyClass::timestamp: {
      auto t = parse_instant(text, key_class == KeyClass::date);
      return t ? std::optional<Typed>(*t) : std::nullopt;
    }
  }
  return std::nullopt;
}

KeyClass class_of(const std::string& type) {
  std::string base = fold_name(type.substr(0, type.find('(')));
  while (!base.empty() && base.back() == ' ') base.pop_back();
  if (base == "string" || base == "char" || base == "varchar") return KeyClass::text;
  if (base == "int" || base == "integer" || base == "bigint" || base == "long" || base == "tinyint" ||
      base == "smallint")
    return KeyClass::integer;
  if (base == "decimal") return KeyClass::decimal;
  if (base == "double" || base == "float") return KeyClass::floating;
  if (base == "date") return KeyClass::date;
  if (base == "timestamp") return KeyClass::timestamp;
  invalid("Unknown type : '" + type + "'");
}

const char* noun_of(KeyClass key_class) {
  switch (key_class) {
    case KeyClass::integer:
      return "an integer";
    case KeyClass::decimal:
      return "a decimal";
    case KeyClass::floating:
      return "a number";
    case KeyClass::date:
      return "a date";
    case KeyClass::timestamp:
      return "a timestamp";
    case KeyClass::text:
      break;
  }
  return "a string";
}

bool like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      // "_" stands for a whole character, so the rest of a UTF-8 sequence goes with it.
      bool any = pattern[p++] == '_';
      ++t;
      while (any && t < text.size() && (static_cast<unsigned char>(text[t]) & 0xc0) == 0x80) ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

enum class Operator {
  equal,
  not_equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  between,
  in,
  like,
  is_null,
  and_,
  or_,
  not_
};

Truth negate(Truth t) {
  return t == Truth::yes ? Truth::no : t == Truth::no ? Truth::yes : t;
}

}  // namespace

struct PartitionExpression::Node {
  Operator op;
  std::size_t column = 0;  // of a condition
  KeyClass key_class = KeyClass::text;
  std::vector<Typed> operands;
  std::string pattern;                       // of LIKE
  std::vector<std::unique_ptr<Node>> inner;  // of AND, OR, NOT
};

namespace {

using Node = PartitionExpression::Node;

Truth evaluate_condition(const Node& n, std::string_view text) {
  bool null = text == null_partition_value;
  std::optional<Typed> value = null ? std::nullopt : parse_typed(n.key_class, text);
  auto truth = [](bool b) { return b ? Truth::yes : Truth::no; };
  if (n.op == Operator::is_null) return truth(!value);
  if (n.op == Operator::like) return null ? Truth::null : truth(like(text, n.pattern));
  if (!value) return Truth::null;
  if (n.op == Operator::in)
    return truth(
        std::any_of(n.operands.begin(), n.operands.end(), [&](const Typed& t) { return compare(*value, t) == 0; }));
  if (n.op == Operator::between)
    return truth(compare(*value, n.operands[0]) >= 0 && compare(*value, n.operands[1]) <= 0);
  int order = compare(*value, n.operands[0]);
  switch (n.op) {
    case Operator::equal:
      return truth(order == 0);
    case Operator::not_equal:
      return truth(order != 0);
    case Operator::less:
      return truth(order < 0);
    case Operator::less_or_equal:
      return truth(order <= 0);
    case Operator::greater:
      return truth(order > 0);
    default:
      return truth(order >= 0);
  }
}

Truth evaluate(const Node& n, std::span<const std::string> values) {
  if (n.op == Operator::not_) return negate(evaluate(*n.inner[0], values));
  if (n.op == Operator::and_ || n.op == Operator::or_) {
    Truth decisive = n.op == Operator::and_ ? Truth::no : Truth::yes;
    Truth result = negate(decisive);
    for (const auto& inner : n.inner) {
      Truth t = evaluate(*inner, values);
      if (t == decisive) return decisive;
      if (t == Truth::open || (t == Truth::null && result != Truth::open)) result = t;
    }
    return result;
  }
  return n.column < values.size() ? evaluate_condition(n, values[n.column]) : Truth::open;
}

enum class TokenKind { end, word, quoted_name, string, number, symbol };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  // without its quotes
};

constexpr int max_nesting = 200;

class Parser {
 public:
  Parser(std::string_view text, const std::vector<api::glue::Column>& keys) : text_(text), keys_(keys) { advance(); }

  std::unique_ptr<Node> parse() {
    if (token_.kind == TokenKind::end) return nullptr;
    auto node = parse_or();
    if (token_.kind != TokenKind::end) fail();
    return node;
  }

 private:
  [[noreturn]] void fail() { invalid("Unsupported expression '" + std::string(text_) + "'"); }

  void advance() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    token_ = {};
    if (at_ == text_.size()) return;
    char c = text_[at_];
    if (c == '\'') return read_quoted('\'', TokenKind::string);
    if (c == '"' || c == '`') return read_quoted(c, TokenKind::quoted_name);
    auto is_word = [](char x) {
      return std::isalnum(static_cast<unsigned char>(x)) || x == '_' || x == '$' ||
             static_cast<unsigned char>(x) >= 0x80;
    };
    bool digit = std::isdigit(static_cast<unsigned char>(c)) ||
                 (c == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])));
    if (digit || is_word(c)) {
      std::size_t start = at_;
      while (at_ < text_.size() && (is_word(text_[at_]) || (digit && text_[at_] == '.'))) ++at_;
      token_ = {digit ? TokenKind::number : TokenKind::word, std::string(text_.substr(start, at_ - start))};
      return;
    }
    for (std::string_view symbol : {"<>", "!=", "<=", ">=", "<", ">", "=", "(", ")", ",", "-", "+"}) {
      if (text_.substr(at_).starts_with(symbol)) {
        at_ += symbol.size();
        token_ = {TokenKind::symbol, std::string(symbol)};
        return;
      }
    }
    fail();
  }

  void read_quoted(char quote, TokenKind kind) {
    token_.kind = kind;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != quote) {
          ++at_;
          return;
        }
        ++at_;  // a doubled quote stands for one
      }
      token_.text += text_[at_];
    }
    fail();
  }

  bool is_word(std::string_view word) const { return token_.kind == TokenKind::word && fold_name(token_.text) == word; }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    advance();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (token_.kind != TokenKind::symbol || token_.text != symbol) return false;
    advance();
    return true;
  }
  void need_symbol(std::string_view symbol) {
    if (!take_symbol(symbol)) fail();
  }

  std::unique_ptr<Node> parse_or() { return parse_chain("or", Operator::or_, &Parser::parse_and); }
  std::unique_ptr<Node> parse_and() { return parse_chain("and", Operator::and_, &Parser::parse_not); }

  std::unique_ptr<Node> parse_chain(std::string_view word, Operator op, std::unique_ptr<Node> (Parser::*part)()) {
    auto first = (this->*part)();
    if (!is_word(word)) return first;
    auto node = std::make_unique<Node>();
    node->op = op;
    node->inner.push_back(std::move(first));
    while (take_word(word)) node->inner.push_back((this->*part)());
    return node;
  }

  std::unique_ptr<Node> parse_not() {
    if (++depth_ > max_nesting) fail();
    std::unique_ptr<Node> node;
    if (take_word("not"))
      node = negated(parse_not());
    else if (take_symbol("(")) {
      node = parse_or();
      need_symbol(")");
    } else {
      node = parse_condition();
    }
    --depth_;
    return node;
  }

  static std::unique_ptr<Node> negated(std::unique_ptr<Node> inner) {
    auto node = std::make_unique<Node>();
    node->op = Operator::not_;
    node->inner.push_back(std::move(inner));
    return node;
  }

  static std::optional<Operator> comparison(const Token& token) {
    if (token.kind != TokenKind::symbol) return std::nullopt;
    if (token.text == "=") return Operator::equal;
    if (token.text == "<>" || token.text == "!=") return Operator::not_equal;
    if (token.text == "<") return Operator::less;
    if (token.text == "<=") return Operator::less_or_equal;
    if (token.text == ">") return Operator::greater;
    if (token.text == ">=") return Operator::greater_or_equal;
    return std::nullopt;
  }

  static Operator mirrored(Operator op) {
    switch (op) {
      case Operator::less:
        return Operator::greater;
      case Operator::less_or_equal:
        return Operator::greater_or_equal;
      case Operator::greater:
        return Operator::less;
      case Operator::greater_or_equal:
        return Operator::less_or_equal;
      default:
        return op;
    }
  }

  std::unique_ptr<Node> parse_condition() {
    auto node = std::make_unique<Node>();
    if (at_literal()) {  // 5 < year
      std::string literal = parse_literal();
      auto op = comparison(token_);
      if (!op) fail();
      advance();
      node->op = mirrored(*op);
      parse_column(*node);
      add_operand(*node, literal);
      return node;
    }
    parse_column(*node);
    if (auto op = comparison(token_)) {
      advance();
      node->op = *op;
      add_operand(*node, parse_literal());
      return node;
    }
    if (take_word("is")) {
      bool is_not = take_word("not");
      if (!take_word("null")) fail();
      node->op = Operator::is_null;
      return is_not ? negated(std::move(node)) : std::move(node);
    }
    bool is_not = take_word("not");
    parse_set_condition(*node);
    return is_not ? negated(std::move(node)) : std::move(node);
  }

  void parse_set_condition(Node& node) {
    if (take_word("between")) {
      node.op = Operator::between;
      add_operand(node, parse_literal());
      if (!take_word("and")) fail();
      add_operand(node, parse_literal());
    } else if (take_word("in")) {
      node.op = Operator::in;
      need_symbol("(");
      do add_operand(node, parse_literal());
      while (take_symbol(","));
      need_symbol(")");
    } else if (take_word("like")) {
      node.op = Operator::like;
      if (token_.kind != TokenKind::string) fail();
      node.pattern = token_.text;
      advance();
    } else {
      fail();
    }
  }

  void parse_column(Node& node) {
    bool quoted = token_.kind == TokenKind::quoted_name;
    if (!quoted && token_.kind != TokenKind::word) fail();
    std::string name = fold_name(token_.text);
    for (node.column = 0; node.column < keys_.size(); ++node.column)
      if (fold_name(keys_[node.column].name) == name) break;
    if (node.column == keys_.size()) invalid("Unknown column '" + token_.text + "'");
    node.key_class = class_of(keys_[node.column].type.value_or("string"));
    advance();
  }

  bool at_literal() const {
    bool sign = token_.kind == TokenKind::symbol && (token_.text == "-" || token_.text == "+");
    return token_.kind == TokenKind::string || token_.kind == TokenKind::number || sign;
  }

  std::string parse_literal() {
    std::string sign;
    // DATE '2024-01-31' and TIMESTAMP '…' are their text: the key's type says how it is read.
    if (is_word("date") || is_word("timestamp")) {
      advance();
      if (token_.kind != TokenKind::string) fail();
    } else if (take_symbol("-")) {
      sign = "-";
    } else {
      take_symbol("+");
    }
    if (token_.kind != TokenKind::number && (token_.kind != TokenKind::string || !sign.empty())) fail();
    std::string text = sign + token_.text;
    advance();
    return text;
  }

  void add_operand(Node& node, const std::string& literal) {
    auto typed = parse_typed(node.key_class, literal);
    if (!typed) invalid(literal + " is not " + noun_of(node.key_class) + ".");
    node.operands.push_back(*std::move(typed));
  }

  std::string_view text_;
  const std::vector<api::glue::Column>& keys_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Token token_;
};

}  // namespace

PartitionExpression::PartitionExpression(std::string_view text, const std::vector<api::glue::Column>& keys)
    : root_(Parser(text, keys).parse()) {}
PartitionExpression::~PartitionExpression() = default;
PartitionExpression::PartitionExpression(PartitionExpression&&) noexcept = default;

bool PartitionExpression::matches(std::span<const std::string> values) const {
  return !root_ || evaluate(*root_, values) == Truth::yes;
}

bool PartitionExpression::excludes(std::span<const std::string> first_values) const {
  if (!root_) return false;
  Truth t = evaluate(*root_, first_values);
  return t == Truth::no || t == Truth::null;
}

}  // namespace tarn::catalog
