// YAML 1.1 as CloudFormation reads it ("Template format", User Guide): its short forms of functions, no dates, no
// aliases. yaml-cpp gives the events.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <array>
#include <charconv>
#include <sstream>

#include "base/json.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

constexpr std::array<std::string_view, 24> short_forms = {
    "Base64",     "Cidr",   "FindInMap",   "GetAZs",    "GetAtt",  "ImportValue",  "Join",
    "Select",     "Split",  "Sub",         "Transform", "If",      "And",          "Or",
    "Not",        "Equals", "Contains",    "RefAll",    "ValueOf", "EachMemberIn", "EachMemberEquals",
    "ValueOfAll", "Length", "ToJsonString"};

[[noreturn]] void broken(const YAML::Mark& mark, const std::string& why) {
  throw validation_error("Template format error: YAML not well-formed. (line " + std::to_string(mark.line + 1) +
                         ", column " + std::to_string(mark.column + 1) + ")" + (why.empty() ? "" : ": " + why));
}

// The name that a short form stands for ("Fn::Sub"); empty when `tag` is none.
std::string function_of(const std::string& tag) {
  if (tag.size() < 2 || tag[0] != '!') return {};
  const std::string_view name = std::string_view(tag).substr(1);
  if (name == "Ref" || name == "Condition") return std::string(name);
  for (std::string_view known : short_forms)
    if (name == known) return "Fn::" + std::string(name);
  return {};
}

bool is_ordinary(const std::string& tag) {
  return tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:map" || tag == "tag:yaml.org,2002:seq";
}

std::optional<bool> boolean(std::string_view text) {
  static constexpr std::string_view yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
  static constexpr std::string_view no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
  for (std::string_view word : yes)
    if (text == word) return true;
  for (std::string_view word : no)
    if (text == word) return false;
  return std::nullopt;
}

std::optional<int64_t> integer(std::string_view digits, int base) {
  std::string plain;
  for (char c : digits)
    if (c != '_') plain += c;
  int64_t out = 0;
  auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), out, base);
  if (plain.empty() || error != std::errc() || end != plain.data() + plain.size()) return std::nullopt;
  return out;
}

// 1:30 is 90: every part but the first below 60.
std::optional<int64_t> sexagesimal(std::string_view text) {
  if (text.empty() || text[0] < '1' || text[0] > '9' || text.find(':') == std::string_view::npos) return std::nullopt;
  int64_t out = 0;
  for (bool first = true;; first = false) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    auto value = part.size() > 9 || (!first && part.size() > 2) ? std::nullopt : integer(part, 10);
    if (!value || *value < 0 || (!first && *value > 59)) return std::nullopt;
    if (__builtin_mul_overflow(out, 60, &out) || __builtin_add_overflow(out, *value, &out)) return std::nullopt;
    if (colon == std::string_view::npos) return out;
    text.remove_prefix(colon + 1);
  }
}

// What an unquoted scalar means. An account number that begins with 0 stays text: YAML 1.1 would have some of them as
// octal numbers, which nobody can have meant.
Value plain_scalar(const std::string& text) {
  if (auto b = boolean(text)) return *b;
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || ((digits[0] < '0' || digits[0] > '9') && digits[0] != '.')) return text;
  if (digits.find_first_not_of("0123456789") == std::string_view::npos) {
    if (digits[0] == '0' && digits.size() > 1) {
      auto octal = digits.size() == 12 ? std::nullopt : integer(digits, 8);
      if (octal) return negative ? -*octal : *octal;
      return text;
    }
    auto value = integer(digits, 10);
    if (!value || text[0] == '+') return text;
    return negative ? -*value : *value;
  }
  std::optional<int64_t> other;
  if (digits.starts_with("0x")) other = integer(digits.substr(2), 16);
  if (digits.starts_with("0b")) other = integer(digits.substr(2), 2);
  if (!other && digits[0] != '0' && digits.find_first_not_of("0123456789_") == std::string_view::npos)
    other = integer(digits, 10);
  if (!other) other = sexagesimal(digits);
  if (other) return negative ? -*other : *other;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && to_json(Value(value)) == text) return value;
  return text;
}

class TemplateBuilder : public YAML::EventHandler {
 public:
  explicit TemplateBuilder(Template& into) : into_(into) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++) broken(mark, "a template is one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (awaits_key()) return take_key(mark, "null");
    take(mark, Value());
  }

  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {
    throw validation_error("Template error: YAML aliases are not allowed in CloudFormation templates");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& text) override {
    if (awaits_key()) return take_key(mark, text);
    const std::string function = function_of(tag);
    if (!function.empty()) return take(mark, call(function, text));
    const bool typed = tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
                       tag == "tag:yaml.org,2002:bool" || tag.empty() || tag == "?";
    if (!typed && tag != "!" && tag != "tag:yaml.org,2002:str") broken(mark, "unknown tag " + tag);
    take(mark, typed ? plain_scalar(text) : Value(text));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Value::list());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, tag, Value::map());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Value value;
    std::string function;  // of a short form; empty else
    std::string key;       // of the member under way
    bool has_key = false;
    YAML::Mark key_mark;
    std::size_t path_length = 0;  // of what is around it
    std::set<std::string> seen;
  };

  static Value call(const std::string& function, const std::string& text) {
    if (function == "Fn::GetAtt")
      if (const std::size_t dot = text.find('.'); dot != std::string::npos)
        return Value::map({{function, Value::list({text.substr(0, dot), text.substr(dot + 1)})}});
    return Value::map({{function, text}});
  }

  bool awaits_key() const { return !open_.empty() && open_.back().value.is_map() && !open_.back().has_key; }

  void take_key(const YAML::Mark& mark, const std::string& text) {
    Open& map = open_.back();
    if (!map.seen.insert(text).second) broken(mark, "the key \"" + text + "\" stands there twice");
    map.key = text;
    map.has_key = true;
    map.key_mark = mark;
  }

  // Where the part that begins now will stand; path_ is left at it.
  std::size_t enter(const YAML::Mark& mark) {
    const std::size_t length = path_.size();
    if (open_.empty()) return length;
    const Open& around = open_.back();
    const YAML::Mark& where = around.value.is_map() ? around.key_mark : mark;
    path_ += '/' + (around.value.is_map() ? around.key : std::to_string(around.value.as_list().size()));
    if (path_.size() <= limits::max_position_path_size_bytes)
      into_.positions.emplace(
          path_, Position{static_cast<std::size_t>(where.line + 1), static_cast<std::size_t>(where.column + 1)});
    return length;
  }

  void take(const YAML::Mark& mark, Value value) {
    const std::size_t length = enter(mark);
    add(std::move(value));
    path_.resize(length);
  }

  void open(const YAML::Mark& mark, const std::string& tag, Value empty) {
    if (awaits_key())
      throw validation_error("Template format error: [" + path_ + "] map keys must be strings; received a " +
                             (empty.is_map() ? "map" : "list") + " instead");
    if (open_.size() >= limits::max_template_depth) broken(mark, "too deep");
    std::string function = function_of(tag);
    if (function.empty() && !is_ordinary(tag)) broken(mark, "unknown tag " + tag);
    const std::size_t length = enter(mark);
    if (!function.empty()) path_ += '/' + function;
    open_.push_back({std::move(empty), std::move(function), {}, false, {}, length, {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    path_.resize(done.path_length);
    if (!done.function.empty()) done.value = Value::map({{done.function, std::move(done.value)}});
    add(std::move(done.value));
  }

  void add(Value value) {
    if (open_.empty()) {
      into_.body = std::move(value);
    } else if (Open& around = open_.back(); around.value.is_map()) {
      around.value.as_map().push_back({std::move(around.key), std::move(value)});
      around.has_key = false;
    } else {
      around.value.push_back(std::move(value));
    }
  }

  Template& into_;
  std::vector<Open> open_;
  std::string path_;
  int documents_ = 0;
};

}  // namespace

void read_yaml(std::string_view text, Template& into) {
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TemplateBuilder builder(into);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    broken(e.mark, e.msg);
  }
}

}  // namespace tarn::deploy
