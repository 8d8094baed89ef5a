#include "orchestrate/events/target_input.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::size_t max_paths = 100;
constexpr std::string_view reserved[] = {"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event",
                                         "aws.events.event.json", "aws.events.event.ingestion-time"};

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

bool is_reserved(std::string_view name) {
  return std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved);
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '/' || (c & 0x80);
}

// As it stands between the quotes of a JSON string.
std::string text_within_quotes(const Value& v) {
  if (v.is_string()) {
    const std::string quoted = to_json(v);
    return quoted.substr(1, quoted.size() - 2);
  }
  std::string out = to_json(v);
  std::erase(out, '"');
  std::erase(out, '\\');
  return out;
}

bool is_json(std::string_view text) {
  try {
    parse_json(text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::optional<EventPath> EventPath::parse(std::string_view text) {
  if (text.empty() || text[0] != '$') return std::nullopt;
  EventPath out;
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == '.') {
      std::size_t end = ++at;
      if (at < text.size() && text[at] == '*') {
        out.steps_.push_back({"", 0, Step::Kind::every});
        ++at;
        continue;
      }
      while (end < text.size() && is_name_character(text[end])) ++end;
      if (end == at) return std::nullopt;
      out.steps_.push_back({std::string(text.substr(at, end - at)), 0, Step::Kind::member});
      at = end;
    } else if (text[at] == '[') {
      const std::size_t end = text.find(']', at);
      if (end == text.npos) return std::nullopt;
      const std::string_view inside = text.substr(at + 1, end - at - 1);
      Step step;
      if (inside == "*") {
        step.kind = Step::Kind::every;
      } else if (inside.size() > 2 && (inside.front() == '\'' || inside.front() == '"') &&
                 inside.back() == inside.front()) {
        step.name = inside.substr(1, inside.size() - 2);
      } else {
        step.kind = Step::Kind::item;
        auto [rest, error] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
        if (error != std::errc() || rest != inside.data() + inside.size()) return std::nullopt;
      }
      out.steps_.push_back(std::move(step));
      at = end + 1;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<Value> EventPath::of(const Value& event) const {
  std::vector<const Value*> found{&event};
  bool many = false;
  for (const Step& step : steps_) {
    std::vector<const Value*> next;
    for (const Value* v : found) {
      if (step.kind == Step::Kind::member) {
        if (const Value* member = v->find(step.name)) next.push_back(member);
      } else if (step.kind == Step::Kind::item) {
        if (v->is_list() && step.index < v->as_list().size()) next.push_back(&v->as_list()[step.index]);
      } else if (v->is_list()) {
        for (const Value& item : v->as_list()) next.push_back(&item);
      } else if (v->is_map()) {
        for (const auto& member : v->as_map()) next.push_back(&member.value);
      }
    }
    many = many || step.kind == Step::Kind::every;
    found = std::move(next);
  }
  if (found.empty()) return std::nullopt;
  if (!many) return *found.front();
  Value out = Value::list();
  for (const Value* v : found) out.push_back(*v);
  return out;
}

InputTransformer::InputTransformer(const std::map<std::string, std::string>& paths, std::string template_text) {
  if (paths.size() > max_paths) invalid("InputPathsMap has more than " + std::to_string(max_paths) + " entries.");
  for (const auto& [name, text] : paths) {
    if (name.starts_with("aws.") || name.starts_with("AWS.") || name.empty())
      invalid("InputPathsMap has the invalid or reserved variable name '" + name + "'.");
    auto path = EventPath::parse(text);
    if (!path) invalid("Invalid JSON path '" + text + "' in InputPathsMap.");
    paths_.emplace(name, std::move(*path));
  }
  split(template_text);
  check();
}

void InputTransformer::split(const std::string& text) {
  Piece piece;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const std::size_t end = c == '<' ? text.find('>', at) : text.npos;
    const std::string name = end == text.npos ? "" : text.substr(at + 1, end - at - 1);
    if (!name.empty() && (paths_.contains(name) || is_reserved(name))) {
      if (!piece.text.empty()) pieces_.push_back(std::move(piece));
      pieces_.push_back({name, true, quoted});
      piece = {};
      at = end;
      continue;
    }
    if (!name.empty() && std::all_of(name.begin(), name.end(), [](char n) { return is_name_character(n) || n == '.'; }))
      invalid("The input template has the placeholder <" + name + "> that is not in InputPathsMap.");
    piece.text.push_back(c);
    if (quoted && c == '\\' && at + 1 < text.size())
      piece.text.push_back(text[++at]);
    else if (c == '"')
      quoted = !quoted;
  }
  if (!piece.text.empty()) pieces_.push_back(std::move(piece));
}

// JSON, or lines of strings in quotes.
void InputTransformer::check() const {
  std::string sample;
  for (const Piece& p : pieces_) sample += !p.variable ? p.text : p.quoted ? "" : "null";
  if (is_json(sample)) return;
  for (std::size_t at = 0; at <= sample.size();) {
    const std::size_t end = std::min(sample.find('\n', at), sample.size());
    const std::string line = sample.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    if (line[line.find_first_not_of(" \t\r")] != '"' || !is_json(line))
      invalid("Invalid InputTemplate: it is neither JSON nor lines of text in quotes.");
  }
}

std::string InputTransformer::apply(const Value& event, const Rule& rule) const {
  std::string out;
  for (const Piece& p : pieces_) {
    if (!p.variable) {
      out += p.text;
      continue;
    }
    Value v = "";
    if (auto path = paths_.find(p.text); path != paths_.end()) {
      if (auto found = path->second.of(event)) v = std::move(*found);
    } else if (p.text == "aws.events.rule-arn") {
      v = rule.arn;
    } else if (p.text == "aws.events.rule-name") {
      v = rule.name;
    } else if (p.text == "aws.events.event.ingestion-time") {
      v = format_iso8601(rule.ingested);
    } else {
      v = event;
      if (p.text == "aws.events.event") v.erase("detail");
    }
    out += p.quoted ? text_within_quotes(v) : to_json(v);
  }
  return out;
}

}  // namespace tarn::orchestrate
