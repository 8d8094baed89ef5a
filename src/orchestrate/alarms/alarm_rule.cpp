#include "orchestrate/alarms/alarm_rule.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"

namespace tarn::orchestrate {
namespace {

constexpr int max_depth = 50;  // of parentheses and NOT
constexpr std::size_t max_alarms = 100;

}  // namespace

class AlarmRule::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  AlarmRule rule() {
    AlarmRule out;
    out.root_ = disjunction();
    skip_space();
    if (at_ != text_.size()) fail("\"" + std::string(text_.substr(at_, 20)) + "\" was not expected there");
    out.alarms_ = std::move(alarms_);
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::caller, "ValidationError",
                "AlarmRule is invalid at character " + std::to_string(at_ + 1) + ": " + why + ".");
  }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    skip_space();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word)) return false;
    if (rest.size() > word.size() &&
        (std::isalnum(static_cast<unsigned char>(rest[word.size()])) || rest[word.size()] == '_'))
      return false;
    at_ += word.size();
    return true;
  }

  Node joined(Node::Kind kind, std::string_view word, Node (Parser::*part)()) {
    Node first = (this->*part)();
    if (!take_word(word)) return first;
    Node out;
    out.kind = kind;
    out.parts.push_back(std::move(first));
    do out.parts.push_back((this->*part)());
    while (take_word(word));
    return out;
  }
  Node disjunction() { return joined(Node::Kind::disjunction, "OR", &Parser::conjunction); }
  Node conjunction() { return joined(Node::Kind::conjunction, "AND", &Parser::term); }

  Node term() {
    if (++depth_ > max_depth) fail("it is nested too deeply");
    Node out;
    if (take_word("NOT")) {
      out.kind = Node::Kind::negation;
      out.parts.push_back(term());
    } else if (take('(')) {
      out = disjunction();
      if (!take(')')) fail("a closing parenthesis is missing");
    } else if (take_word("TRUE")) {
      out.value = true;
    } else if (take_word("FALSE")) {
      out.value = false;
    } else {
      out = state();
    }
    --depth_;
    return out;
  }

  Node state() {
    for (std::string_view word : {"ALARM", "OK", "INSUFFICIENT_DATA"}) {
      if (!take_word(word)) continue;
      if (!take('(')) fail("a parenthesis must follow " + std::string(word));
      Node out;
      out.kind = Node::Kind::state;
      out.state = word;
      out.alarm = name();
      if (!take(')')) fail("a closing parenthesis is missing");
      if (std::find(alarms_.begin(), alarms_.end(), out.alarm) == alarms_.end()) alarms_.push_back(out.alarm);
      if (alarms_.size() > max_alarms) fail("it names more than 100 alarms");
      return out;
    }
    fail("ALARM(…), OK(…), INSUFFICIENT_DATA(…), TRUE, FALSE, NOT or a parenthesis was expected");
  }

  std::string name() {
    skip_space();
    std::string out;
    if (take('"')) {
      while (at_ < text_.size() && text_[at_] != '"') {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        out += text_[at_++];
      }
      if (!take('"')) fail("a quotation mark is missing");
    } else {
      while (at_ < text_.size() && text_[at_] != ')' && !std::isspace(static_cast<unsigned char>(text_[at_])))
        out += text_[at_++];
    }
    if (out.empty()) fail("the name of an alarm is missing");
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::string> alarms_;
};

AlarmRule AlarmRule::parse(std::string_view text) {
  return Parser(text).rule();
}

bool AlarmRule::holds(const std::function<std::optional<std::string>(const std::string&)>& state_of) const {
  return holds(root_, state_of);
}

bool AlarmRule::holds(const Node& node, const std::function<std::optional<std::string>(const std::string&)>& state_of) {
  auto part = [&](const Node& n) { return holds(n, state_of); };
  switch (node.kind) {
    case Node::Kind::literal:
      return node.value;
    case Node::Kind::state:
      return state_of(node.alarm) == node.state;
    case Node::Kind::negation:
      return !part(node.parts.front());
    case Node::Kind::conjunction:
      return std::all_of(node.parts.begin(), node.parts.end(), part);
    case Node::Kind::disjunction:
      return std::any_of(node.parts.begin(), node.parts.end(), part);
  }
  return false;
}

}  // namespace tarn::orchestrate
