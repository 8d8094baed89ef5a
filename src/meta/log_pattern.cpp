#include "meta/log_pattern.hpp"

#include <re2/re2.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::meta {

struct LogPattern::Matcher {
  virtual ~Matcher() = default;
  virtual bool matches(std::string_view message) const = 0;
};

namespace {

[[noreturn]] void invalid(const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidParameterException", "Invalid filter pattern: " + why);
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c));
}

std::optional<double> number_of(std::string_view text) {
  double v = 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(v) : std::nullopt;
}

std::shared_ptr<const RE2> regex_of(std::string_view text) {
  constexpr std::string_view symbols = "_#=@/;,-^$?[]{}|\\*+.:' ";
  for (char c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && symbols.find(c) == std::string_view::npos)
      invalid("the character '" + std::string(1, c) + "' is not supported in a regular expression.");
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!regex->ok()) invalid("the regular expression is malformed: " + regex->error());
  return regex;
}

bool finds(const RE2& regex, std::string_view text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// "*" stands for any text.
bool wildcard_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() {
    skip_space();
    return at_ == text_.size();
  }
  bool take(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  // A word of letters, compared without regard to case, that ends where a word ends.
  bool take_keyword(std::string_view word) {
    skip_space();
    std::string_view rest = text_.substr(at_);
    if (rest.size() < word.size() || (rest.size() > word.size() && is_word(rest[word.size()]))) return false;
    for (std::size_t i = 0; i < word.size(); ++i)
      if (std::toupper(static_cast<unsigned char>(rest[i])) != word[i]) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) invalid("expected '" + std::string(word) + "' at position " + std::to_string(at_) + ".");
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void step() { ++at_; }
  std::size_t at() const { return at_; }

  // What stands between two `quote`s, the first of which is here; a backslash takes the next quote or backslash as it
  // is.
  std::string quoted(char quote) {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == quote) {
        ++at_;
        return out;
      }
      if (c == '\\' && quote != '%' && at_ + 1 < text_.size() && (text_[at_ + 1] == quote || text_[at_ + 1] == '\\'))
        c = text_[++at_];
      out += c;
    }
    invalid(std::string("a ") + quote + " is not closed.");
  }
  template <class Accept>
  std::string_view run(Accept accept) {
    std::size_t from = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

// ---- terms ----

struct Term {
  std::string text;
  std::shared_ptr<const RE2> regex;  // where it is one
  bool in(std::string_view message) const {
    return regex ? finds(*regex, message) : message.find(text) != std::string_view::npos;
  }
};

struct Terms : LogPattern::Matcher {
  std::vector<Term> wanted, any, unwanted;

  explicit Terms(Scanner s) {
    while (!s.done()) {
      std::vector<Term>& into = s.take("-") ? unwanted : s.take("?") ? any : wanted;
      into.push_back(term(s));
    }
    if (!wanted.empty() || !unwanted.empty()) any.clear();
  }
  static Term term(Scanner& s) {
    if (s.here() == '"') return {s.quoted('"'), nullptr};
    if (s.here() == '%') return {"", regex_of(s.quoted('%'))};
    std::string word(s.run([](char c) { return !is_space(c); }));
    for (char c : word)
      if (!is_word(c)) invalid("Invalid character(s) in term '" + word + "'");
    if (word.empty()) invalid("a term is empty.");
    return {word, nullptr};
  }
  bool matches(std::string_view message) const override {
    for (const Term& t : wanted)
      if (!t.in(message)) return false;
    for (const Term& t : unwanted)
      if (t.in(message)) return false;
    if (any.empty()) return true;
    for (const Term& t : any)
      if (t.in(message)) return true;
    return false;
  }
};

// ---- conditions: comparisons joined by && and ||, over JSON members or words ----

enum class Compare { eq, ne, lt, gt, le, ge, is_true, is_false, is_null, exists, not_exists };

struct Condition {
  enum class Kind { all, any, compare } kind = Kind::compare;
  std::vector<Condition> parts;  // all, any
  std::string name;              // words: the field
  std::vector<std::variant<std::string, std::size_t, std::monostate>>
      path;  // JSON: a member, an element, every element
  Compare compare = Compare::eq;
  std::string text;
  std::optional<double> number;  // an unquoted number
  std::shared_ptr<const RE2> regex;
};

class ConditionParser {
 public:
  ConditionParser(Scanner& s, bool json) : s_(s), json_(json) {}

  Condition parse() {
    return joined(Condition::Kind::any, "||",
                  [this] { return joined(Condition::Kind::all, "&&", [this] { return single(); }); });
  }

 private:
  template <class Part>
  Condition joined(Condition::Kind kind, std::string_view by, Part part) {
    Condition first = part();
    if (!s_.take(by)) return first;
    Condition out;
    out.kind = kind;
    out.parts.push_back(std::move(first));
    do out.parts.push_back(part());
    while (s_.take(by));
    return out;
  }

  Condition single() {
    if (s_.take("(")) {
      Condition inner = parse();
      s_.expect(")");
      return inner;
    }
    Condition c;
    json_ ? path(c) : name(c);
    comparison(c);
    return c;
  }

  void name(Condition& c) {
    s_.peek();
    c.name = s_.run(is_word);
    if (c.name.empty()) invalid("expected a field's name at position " + std::to_string(s_.at()) + ".");
  }

  void path(Condition& c) {
    s_.expect("$");
    for (;;) {
      if (s_.here() == '.') {
        s_.step();
        std::string member(s_.run([](char ch) { return is_word(ch) || ch == '-' || ch == '@'; }));
        if (member.empty()) invalid("a selector ends in a dot.");
        c.path.emplace_back(std::move(member));
      } else if (s_.here() == '[') {
        s_.step();
        bracket(c);
        s_.expect("]");
      } else {
        return;
      }
    }
  }

  void bracket(Condition& c) {
    char next = s_.peek();
    if (next == '\'' || next == '"') {
      c.path.emplace_back(s_.quoted(next));
    } else if (next == '*') {
      s_.step();
      c.path.emplace_back(std::monostate());
    } else {
      std::string_view digits = s_.run([](char ch) { return ch >= '0' && ch <= '9'; });
      if (digits.empty() || digits.size() > 9) invalid("a selector's [] holds no index.");
      c.path.emplace_back(static_cast<std::size_t>(std::atoi(std::string(digits).c_str())));
    }
  }

  void comparison(Condition& c) {
    if (s_.take_keyword("IS")) {
      if (s_.take_keyword("TRUE"))
        c.compare = Compare::is_true;
      else if (s_.take_keyword("FALSE"))
        c.compare = Compare::is_false;
      else if (s_.take_keyword("NULL"))
        c.compare = Compare::is_null;
      else
        invalid("IS takes TRUE, FALSE or NULL.");
      return;
    }
    if (s_.take_keyword("NOT")) {
      if (!s_.take_keyword("EXISTS")) invalid("NOT takes EXISTS.");
      c.compare = Compare::not_exists;
      return;
    }
    if (s_.take_keyword("EXISTS")) {
      c.compare = Compare::exists;
      return;
    }
    if (s_.take("!="))
      c.compare = Compare::ne;
    else if (s_.take("<="))
      c.compare = Compare::le;
    else if (s_.take(">="))
      c.compare = Compare::ge;
    else if (s_.take("="))
      c.compare = Compare::eq;
    else if (s_.take("<"))
      c.compare = Compare::lt;
    else if (s_.take(">"))
      c.compare = Compare::gt;
    else
      invalid("expected a comparison at position " + std::to_string(s_.at()) + ".");
    operand(c);
  }

  void operand(Condition& c) {
    char next = s_.peek();
    if (next == '"') {
      c.text = s_.quoted('"');
    } else if (next == '%') {
      c.regex = regex_of(s_.quoted('%'));
    } else {
      c.text = s_.run([this](char ch) {
        return !is_space(ch) && ch != ')' && ch != '&' && ch != '|' && (json_ ? ch != '}' : ch != ',' && ch != ']');
      });
      if (c.text.empty()) invalid("a comparison lacks its value at position " + std::to_string(s_.at()) + ".");
      c.number = number_of(c.text);
    }
    bool ordered = c.compare != Compare::eq && c.compare != Compare::ne;
    if (ordered && !c.number) invalid("<, <=, > and >= compare numbers.");
  }

  Scanner& s_;
  bool json_;
};

bool compare_numbers(Compare how, double a, double b) {
  switch (how) {
    case Compare::eq:
      return a == b;
    case Compare::ne:
      return a != b;
    case Compare::lt:
      return a < b;
    case Compare::gt:
      return a > b;
    case Compare::le:
      return a <= b;
    case Compare::ge:
      return a >= b;
    default:
      return false;
  }
}

bool compare_text(const Condition& c, std::string_view text) {
  if (c.number)
    if (auto n = number_of(text)) return compare_numbers(c.compare, *n, *c.number);
  if (c.compare != Compare::eq && c.compare != Compare::ne) return false;
  bool same = c.regex ? finds(*c.regex, text) : wildcard_match(c.text, text);
  return same == (c.compare == Compare::eq);
}

template <class Test>
bool holds(const Condition& c, const Test& test) {
  if (c.kind == Condition::Kind::compare) return test(c);
  bool all = c.kind == Condition::Kind::all;
  for (const Condition& part : c.parts)
    if (holds(part, test) != all) return !all;
  return all;
}

struct Json : LogPattern::Matcher {
  Condition condition;

  explicit Json(Scanner s) {
    s.expect("{");
    condition = ConditionParser(s, true).parse();
    s.expect("}");
    if (!s.done()) invalid("text follows the closing }.");
  }

  static void select(const Condition& c, std::size_t step, const Value& v, std::vector<const Value*>& out) {
    if (step == c.path.size()) {
      out.push_back(&v);
    } else if (auto* member = std::get_if<std::string>(&c.path[step])) {
      if (const Value* inner = v.find(*member)) select(c, step + 1, *inner, out);
    } else if (!v.is_list()) {
      return;
    } else if (auto* index = std::get_if<std::size_t>(&c.path[step])) {
      if (*index < v.as_list().size()) select(c, step + 1, v.as_list()[*index], out);
    } else {
      for (const Value& item : v.as_list()) select(c, step + 1, item, out);
    }
  }

  static bool test(const Condition& c, const Value& v) {
    switch (c.compare) {
      case Compare::is_true:
        return v.is_bool() && v.as_bool();
      case Compare::is_false:
        return v.is_bool() && !v.as_bool();
      case Compare::is_null:
        return v.is_null();
      default:
        break;
    }
    if (v.is_number()) {
      if (c.number) return compare_numbers(c.compare, v.as_double(), *c.number);
      return compare_text(c, v.is_int() ? std::to_string(v.as_int()) : to_json(v));
    }
    if (v.is_string()) {
      if (c.number && c.compare != Compare::eq && c.compare != Compare::ne) return false;
      return compare_text(c, v.as_string());
    }
    if (v.is_bool()) return compare_text(c, v.as_bool() ? "true" : "false");
    return false;
  }

  bool matches(std::string_view message) const override {
    std::size_t start = message.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos || (message[start] != '{' && message[start] != '[')) return false;
    Value document;
    try {
      document = parse_json(message);
    } catch (const Error&) {
      return false;  // no JSON, no match
    }
    return holds(condition, [&](const Condition& c) {
      std::vector<const Value*> found;
      select(c, 0, document, found);
      if (c.compare == Compare::exists || c.compare == Compare::not_exists)
        return found.empty() == (c.compare == Compare::not_exists);
      for (const Value* v : found)
        if (test(c, *v)) return true;
      return false;
    });
  }
};

struct Words : LogPattern::Matcher {
  struct Field {
    std::string name;
    std::optional<Condition> condition;
  };
  std::vector<Field> before, after;  // the ellipsis
  bool ellipsis = false;

  explicit Words(Scanner s) {
    s.expect("[");
    if (!s.take("]")) {
      do field(s);
      while (s.take(","));
      s.expect("]");
    }
    if (!s.done()) invalid("text follows the closing ].");
  }

  void field(Scanner& s) {
    if (s.take("...")) {
      if (ellipsis) invalid("... may stand once.");
      ellipsis = true;
      return;
    }
    std::vector<Field>& into = ellipsis ? after : before;
    Scanner look = s;
    look.peek();
    std::string name(look.run(is_word));
    char next = look.peek();
    if (!name.empty() && (next == ',' || next == ']')) {
      s = look;
      into.push_back({std::move(name), std::nullopt});
    } else if (next == ',' || (name.empty() && next == ']')) {
      into.push_back({"", std::nullopt});
    } else {
      Condition c = ConditionParser(s, false).parse();
      into.push_back({name_in(c), c});
    }
  }
  static std::string name_in(const Condition& c) {
    return c.kind == Condition::Kind::compare ? c.name : name_in(c.parts.front());
  }

  // Words parted by spaces; what stands in [] or "" is one.
  static std::vector<std::string_view> split(std::string_view message) {
    std::vector<std::string_view> out;
    std::size_t at = 0;
    while (at < message.size()) {
      if (is_space(message[at])) {
        ++at;
        continue;
      }
      char close = message[at] == '[' ? ']' : message[at] == '"' ? '"' : '\0';
      std::size_t end = close ? message.find(close, at + 1) : std::string_view::npos;
      if (end != std::string_view::npos) {
        out.push_back(message.substr(at + 1, end - at - 1));
        at = end + 1;
        continue;
      }
      end = at;
      while (end < message.size() && !is_space(message[end])) ++end;
      out.push_back(message.substr(at, end - at));
      at = end;
    }
    return out;
  }

  bool matches(std::string_view message) const override {
    std::vector<std::string_view> words = split(message);
    std::size_t named = before.size() + after.size();
    if (ellipsis ? words.size() < named : words.size() != named) return false;
    auto word_at = [&](std::size_t i) { return i < before.size() ? words[i] : words[words.size() - named + i]; };
    auto field_at = [&](std::size_t i) -> const Field& {
      return i < before.size() ? before[i] : after[i - before.size()];
    };
    for (std::size_t i = 0; i < named; ++i) {
      if (!field_at(i).condition) continue;
      bool good = holds(*field_at(i).condition, [&](const Condition& c) {
        std::string_view word = word_at(i);
        for (std::size_t other = 0; c.name != field_at(i).name && other < named; ++other)
          if (field_at(other).name == c.name) word = word_at(other);
        return compare_text(c, word);
      });
      if (!good) return false;
    }
    return true;
  }
};

}  // namespace

LogPattern::LogPattern(std::string_view pattern) {
  Scanner s(pattern);
  if (s.done()) return;
  if (s.peek() == '{')
    matcher_ = std::make_unique<Json>(s);
  else if (s.peek() == '[')
    matcher_ = std::make_unique<Words>(s);
  else
    matcher_ = std::make_unique<Terms>(s);
}
LogPattern::~LogPattern() = default;
LogPattern::LogPattern(LogPattern&&) noexcept = default;
LogPattern& LogPattern::operator=(LogPattern&&) noexcept = default;

bool LogPattern::matches(std::string_view message) const {
  return !matcher_ || matcher_->matches(message);
}

}  // namespace tarn::meta
