#include "orchestrate/states/expression.hpp"

#include <charconv>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/intrinsics.hpp"

namespace tarn::states {
namespace {

constexpr int max_call_depth = 10;  // as AWS

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Expression::Node whole() {
    if (text_.starts_with('$')) return path(text_);
    Expression::Node out = call(0);
    skip_spaces();
    if (at_ != text_.size()) fail("there is more behind the function's call");
    return out;
  }

 private:
  using Node = Expression::Node;

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::caller, "InvalidPath",
                "'" + std::string(text_) + "' is no valid path and no call of a function: " + why + ".");
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  static Node path(std::string_view text) {
    Node out;
    out.text = text;
    const bool of_context = text.starts_with("$$");
    out.kind = of_context ? Node::Kind::context_path : Node::Kind::input_path;
    out.path = std::make_shared<JsonPath>(of_context ? text.substr(1) : text);
    return out;
  }

  Node call(int depth) {
    if (depth > max_call_depth) fail("calls stand too deep within each other");
    const std::size_t open = text_.find('(', at_);
    if (open == text_.npos) fail("a path begins with '$', a function's call is NAME(...)");
    Node out;
    out.kind = Node::Kind::call;
    out.text = text_.substr(at_, open - at_);
    if (!is_intrinsic(out.text)) fail("there is no function " + out.text);
    at_ = open + 1;
    skip_spaces();
    if (peek() == ')') {
      ++at_;
      return out;
    }
    for (;;) {
      out.arguments.push_back(argument(depth));
      skip_spaces();
      const char c = peek();
      ++at_;
      if (c == ')') return out;
      if (c != ',') fail("an argument ends with neither ',' nor ')'");
    }
  }

  Node argument(int depth) {
    skip_spaces();
    Node out;
    if (peek() == '\'') {
      out.literal = quoted();
    } else if (peek() == '$') {
      return path(path_text());
    } else if (text_.substr(at_).starts_with("States.")) {
      return call(depth + 1);
    } else {
      out.literal = word();
    }
    return out;
  }

  // Up to the ',' or ')' that ends it, brackets and quotes within left alone.
  std::string_view path_text() {
    const std::size_t begin = at_;
    int depth = 0;
    for (char quote = 0; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote) {
        if (c == '\\')
          ++at_;
        else if (c == quote)
          quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '[' || c == '(') {
        ++depth;
      } else if (c == ']' || c == ')') {
        if (depth-- == 0) break;
      } else if (c == ',' && depth == 0) {
        break;
      }
    }
    at_ = std::min(at_, text_.size());
    std::string_view out = text_.substr(begin, at_ - begin);
    while (out.ends_with(' ')) out.remove_suffix(1);
    return out;
  }

  // A backslash stands before ' { } and itself. Braces keep theirs: States.Format takes it away.
  std::string quoted() {
    std::string out;
    for (++at_; peek() != '\''; ++at_) {
      if (at_ >= text_.size()) fail("a quote is not closed");
      if (peek() == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        if (peek() == '{' || peek() == '}' || peek() == '\\') out += '\\';
      }
      out += text_[at_];
    }
    ++at_;
    return out;
  }

  Value word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::string_view(",) \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    return literal(text_.substr(begin, at_ - begin));
  }

  Value literal(std::string_view word) const {
    if (word == "true") return true;
    if (word == "false") return false;
    if (word == "null") return nullptr;
    int64_t n = 0;
    if (auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
        error == std::errc() && end == word.data() + word.size())
      return n;
    double d = 0;
    if (auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), d);
        error == std::errc() && end == word.data() + word.size())
      return d;
    fail("'" + std::string(word) + "' is no argument");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

[[noreturn]] void nothing_at(std::string_view path, std::string_view field, const Value& document) {
  throw Error(ErrorKind::caller, "States.Runtime",
              "The JSONPath '" + std::string(path) + "' specified for the field '" + std::string(field) +
                  "' could not be found in the input '" + to_json(document) + "'");
}

// A quoted argument's text, where it is no format: without the backslashes that were left before braces.
std::string plain(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

Value evaluate_node(const Expression::Node& node, const Data& data, std::string_view field) {
  using Kind = Expression::Node::Kind;
  switch (node.kind) {
    case Kind::literal:
      return node.literal.is_string() ? Value(plain(node.literal.as_string())) : node.literal;
    case Kind::input_path:
    case Kind::context_path: {
      const Value& document = node.kind == Kind::input_path ? data.input : data.context;
      auto found = node.path->read(document);
      if (!found) nothing_at(node.text, field, document);
      return *std::move(found);
    }
    case Kind::call:
      break;
  }
  ValueList arguments;
  for (const Expression::Node& a : node.arguments) {
    // A format keeps its backslashes: they tell a brace from a place to fill.
    const bool is_format = node.text == "States.Format" && arguments.empty() && a.kind == Kind::literal;
    arguments.push_back(is_format ? a.literal : evaluate_node(a, data, field));
  }
  return call_intrinsic(node.text, arguments, data.random);
}

}  // namespace

Expression::Expression(std::string_view text) : node_(ExpressionParser(text).whole()) {}

Value Expression::evaluate(const Data& data, std::string_view field) const {
  return evaluate_node(node_, data, field);
}

std::optional<Value> read_path(std::string_view path, const Data& data) {
  try {
    return path.starts_with("$$") ? JsonPath(path.substr(1)).read(data.context) : JsonPath(path).read(data.input);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "States.Runtime", e.message());
  }
}

Value required_path(std::string_view path, const Data& data, std::string_view field) {
  auto found = read_path(path, data);
  if (!found) nothing_at(path, field, path.starts_with("$$") ? data.context : data.input);
  return *std::move(found);
}

Value fill_template(const Value& json, const Data& data) {
  if (json.is_list()) {
    ValueList out;
    for (const Value& item : json.as_list()) out.push_back(fill_template(item, data));
    return out;
  }
  if (!json.is_map()) return json;
  Value out = Value::map();
  for (const ValueMember& m : json.as_map()) {
    if (!m.key.ends_with(".$")) {
      out.set(m.key, fill_template(m.value, data));
      continue;
    }
    try {
      out.set(m.key.substr(0, m.key.size() - 2), Expression(m.value.as_string()).evaluate(data, m.key));
    } catch (const Error& e) {
      if (e.code().starts_with("States.")) throw;
      throw Error(ErrorKind::caller, "States.Runtime", e.message());
    }
  }
  return out;
}

}  // namespace tarn::states
