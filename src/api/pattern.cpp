#include "api/pattern.hpp"

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"

namespace tarn::api {
namespace {

re2::RE2::Options options() {
  re2::RE2::Options out;
  out.set_log_errors(false);
  out.set_dot_nl(false);
  out.set_max_mem(32 << 20);
  return out;
}

// Where the group that opens at `at` closes, or npos. Knows escapes and classes.
std::size_t group_end(std::string_view text, std::size_t at) {
  int depth = 0;
  bool in_class = false;
  for (std::size_t i = at; i < text.size(); i++) {
    if (text[i] == '\\') {
      i++;
    } else if (in_class) {
      in_class = text[i] != ']';
    } else if (text[i] == '[') {
      in_class = true;
    } else if (text[i] == '(') {
      depth++;
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::optional<unsigned> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  unsigned value = 0;
  for (char c : text.substr(0, 4)) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

void append_rune(std::string& out, unsigned rune) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string hex;
  for (; rune; rune /= 16) hex.insert(hex.begin(), digits[rune % 16]);
  out += "\\x{" + (hex.empty() ? "0" : hex) + "}";
}

// "\uXXXX", a pair of surrogates as one character. Returns how much of `rest` was taken, 0 for none.
std::size_t translate_unicode_escape(std::string_view rest, std::string& out) {
  if (!rest.starts_with("\\u")) return 0;
  auto high = hex4(rest.substr(2));
  if (!high) return 0;
  if (*high >= 0xD800 && *high < 0xDC00 && rest.substr(6).starts_with("\\u")) {
    auto low = hex4(rest.substr(8));
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      append_rune(out, 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00));
      return 12;
    }
  }
  append_rune(out, *high);
  return 6;
}

std::size_t translate_class(std::string_view rest, bool in_class, std::string& out) {
  static constexpr std::pair<std::string_view, std::string_view> names[] = {{"\\p{ASCII}", "\\x00-\\x7F"},
                                                                            {"\\p{Print}", "\\x20-\\x7E"},
                                                                            {"\\p{Alnum}", "a-zA-Z0-9"},
                                                                            {"\\p{Alpha}", "a-zA-Z"},
                                                                            {"\\p{Digit}", "0-9"},
                                                                            {"\\p{Graph}", "\\x21-\\x7E"},
                                                                            {"\\p{Lower}", "a-z"},
                                                                            {"\\p{Upper}", "A-Z"},
                                                                            {"\\p{Space}", " \\t\\n\\x0B\\f\\r"},
                                                                            {"\\p{Punct}", "!-/:-@\\[-`{-~"},
                                                                            {"\\p{IsAlphabetic}", "\\p{L}"},
                                                                            {"\\p{IsDigit}", "\\p{Nd}"}};
  for (auto [name, set] : names) {
    if (!rest.starts_with(name)) continue;
    out += in_class ? std::string(set) : "[" + std::string(set) + "]";
    return name.size();
  }
  return 0;
}

// "{0,4096}" beyond RE2's bound becomes "{0,}", "*" in effect.
std::size_t translate_repetition(std::string_view rest, std::string& out) {
  if (!rest.starts_with('{')) return 0;
  std::size_t end = rest.find('}');
  if (end == std::string_view::npos) return 0;
  std::string_view inner = rest.substr(1, end - 1);
  if (inner.empty() || inner.find_first_not_of("0123456789,") != std::string_view::npos) return 0;
  std::size_t comma = inner.find(',');
  auto number = [](std::string_view digits) {
    return digits.size() > 6 ? 1'000'000 : digits.empty() ? 0 : std::stoi(std::string(digits));
  };
  int least = number(inner.substr(0, comma));
  int most = comma == std::string_view::npos ? least : number(inner.substr(comma + 1));
  if (least <= 1000 && most <= 1000) return 0;
  out += least > 1000 ? "{1000,}" : "{" + std::to_string(least) + ",}";
  return end + 1;
}

std::string translate(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size();) {
    std::string_view rest = pattern.substr(i);
    if (rest[0] == '\\') {
      std::size_t taken = translate_unicode_escape(rest, out);
      if (!taken) taken = translate_class(rest, in_class, out);
      if (!taken) {
        out += rest.substr(0, 2);
        taken = std::min<std::size_t>(2, rest.size());
      }
      i += taken;
      continue;
    }
    if (in_class && rest[0] == '[') {  // Java nests classes here; the models mean the character
      out += "\\[";
      i++;
      continue;
    }
    if (rest[0] == '[') in_class = true;
    if (rest[0] == ']') in_class = false;
    if (!in_class)
      if (std::size_t taken = translate_repetition(rest, out)) {
        i += taken;
        continue;
      }
    out += rest[0];
    i++;
  }
  return out;
}

// What must, or must not, match at the start or the end of the text beside the pattern proper.
struct Condition {
  std::unique_ptr<re2::RE2> pattern;
  bool wanted;
};

class Pattern {
 public:
  explicit Pattern(std::string_view java) {
    std::string_view rest = java;
    take_lookaheads(rest);
    take_lookbehind(rest);
    whole_ = std::make_unique<re2::RE2>("(?:" + translate(rest) + ")", options());
    usable_ = whole_->ok();
    for (const Condition& condition : conditions_) usable_ &= condition.pattern->ok();
    if (!usable_) log(LogLevel::debug, "a pattern of the models is not checked", Value::map({{"pattern", java}}));
  }

  PatternMatch match(std::string_view text) const {
    if (!usable_) return PatternMatch::unchecked;
    re2::StringPiece piece(text.data(), text.size());
    for (const Condition& condition : conditions_)
      if (re2::RE2::PartialMatch(piece, *condition.pattern) != condition.wanted) return PatternMatch::differs;
    return re2::RE2::FullMatch(piece, *whole_) ? PatternMatch::matches : PatternMatch::differs;
  }

 private:
  void take_lookaheads(std::string_view& rest) {
    std::string_view after = rest;
    if (after.starts_with('^')) after.remove_prefix(1);
    // Only where they hold for the whole: an alternative of its own at the top would have them for its branch alone.
    if (has_top_alternative(after)) return;
    while (after.starts_with("(?!") || after.starts_with("(?=")) {
      std::size_t end = group_end(after, 0);
      if (end == std::string_view::npos) return;
      std::string inner = "^(?:" + translate(after.substr(3, end - 3)) + ")";
      conditions_.push_back({std::make_unique<re2::RE2>(inner, options()), after[2] == '='});
      after.remove_prefix(end + 1);
      if (after.starts_with('^')) after.remove_prefix(1);
      rest = after;
    }
  }

  void take_lookbehind(std::string_view& rest) {
    std::string_view before = rest;
    if (before.ends_with('$')) before.remove_suffix(1);
    std::size_t at = before.rfind("(?<!");
    if (at == std::string_view::npos || group_end(before, at) != before.size() - 1 || has_top_alternative(rest)) return;
    std::string inner = "(?:" + translate(before.substr(at + 4, before.size() - at - 5)) + ")$";
    conditions_.push_back({std::make_unique<re2::RE2>(inner, options()), false});
    rest = before.substr(0, at);
  }

  static bool has_top_alternative(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i++) {
      if (text[i] == '\\') {
        i++;
      } else if (text[i] == '(') {
        i = group_end(text, i);
        if (i == std::string_view::npos) return true;
      } else if (text[i] == '[') {
        for (i++; i < text.size() && text[i] != ']'; i++)
          if (text[i] == '\\') i++;
      } else if (text[i] == '|') {
        return true;
      }
    }
    return false;
  }

  std::vector<Condition> conditions_;
  std::unique_ptr<re2::RE2> whole_;
  bool usable_ = false;
};

}  // namespace

PatternMatch match_pattern(std::string_view pattern, std::string_view text) {
  static std::shared_mutex mutex;
  static std::unordered_map<const char*, std::unique_ptr<const Pattern>> compiled;
  {
    std::shared_lock lock(mutex);
    auto it = compiled.find(pattern.data());
    if (it != compiled.end()) return it->second->match(text);
  }
  auto made = std::make_unique<const Pattern>(pattern);
  std::unique_lock lock(mutex);
  auto it = compiled.emplace(pattern.data(), std::move(made)).first;
  lock.unlock();
  return it->second->match(text);
}

PatternMatch match_foreign_pattern(std::string_view pattern, std::string_view text) {
  return Pattern(pattern).match(text);
}

}  // namespace tarn::api
