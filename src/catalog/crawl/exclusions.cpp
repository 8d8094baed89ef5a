#include "catalog/crawl/exclusions.hpp"

#include <algorithm>

namespace tarn::catalog::crawl {
namespace {

// "x{a,b}y" as "xay", "xby". More alternatives than this are left as they stand.
constexpr std::size_t max_alternatives = 1000;

std::size_t closing_brace(std::string_view p, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < p.size(); ++i) {
    if (p[i] == '\\') {
      ++i;
    } else if (p[i] == '{') {
      ++depth;
    } else if (p[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return p.npos;
}

std::vector<std::string> expand(std::string_view pattern) {
  std::vector<std::string> done, open{std::string(pattern)};
  while (!open.empty() && done.size() + open.size() < max_alternatives) {
    std::string p = std::move(open.back());
    open.pop_back();
    std::size_t start = 0;
    while (start < p.size() && p[start] != '{') start += p[start] == '\\' ? 2 : 1;
    std::size_t end = start < p.size() ? closing_brace(p, start) : p.npos;
    if (end == p.npos) {
      done.push_back(std::move(p));
      continue;
    }
    std::size_t from = start + 1;
    int depth = 0;
    for (std::size_t i = from; i <= end; ++i) {
      if (p[i] == '{') ++depth;
      if (i != end && p[i] == '}') --depth;
      if (i != end && (p[i] != ',' || depth > 0)) continue;
      open.push_back(p.substr(0, start) + p.substr(from, i - from) + p.substr(end + 1));
      from = i + 1;
    }
  }
  done.insert(done.end(), open.begin(), open.end());
  return done;
}

// Whether the bracket expression at p[i] takes `c`; moves `i` behind it. A missing "]" makes "[" itself the character.
bool bracket_takes(std::string_view p, std::size_t& i, char c) {
  std::size_t at = i + 1;
  bool negated = at < p.size() && (p[at] == '!' || p[at] == '^');
  if (negated) ++at;
  std::size_t end = p.find(']', at + 1);
  if (end == p.npos) {
    ++i;
    return c == '[';
  }
  bool inside = false;
  for (; at < end; ++at) {
    if (at + 2 < end && p[at + 1] == '-') {
      inside |= p[at] <= c && c <= p[at + 2];
      at += 2;
    } else {
      inside |= p[at] == c;
    }
  }
  i = end + 1;
  return inside != negated && c != '/';
}

// One pattern without braces against the whole text, with backtracking to the last "*" and the last "**".
bool matches_whole(std::string_view p, std::string_view text) {
  std::size_t i = 0, t = 0;
  std::size_t star = p.npos, star_text = 0, double_star = p.npos, double_text = 0;
  for (;;) {
    bool step = false;
    if (i < p.size() && p[i] == '*') {
      if (i + 1 < p.size() && p[i + 1] == '*') {
        i += 2;
        double_star = i;
        double_text = t;
        star = p.npos;
      } else {
        ++i;
        star = i;
        star_text = t;
      }
      continue;
    }
    if (i == p.size() && t == text.size()) return true;
    if (i < p.size() && t < text.size()) {
      if (p[i] == '?') {
        step = text[t] != '/';
        if (step) ++i;
      } else if (p[i] == '[') {
        step = bracket_takes(p, i, text[t]);
      } else {
        std::size_t at = p[i] == '\\' && i + 1 < p.size() ? i + 1 : i;
        step = p[at] == text[t];
        if (step) i = at + 1;
      }
    }
    if (step) {
      ++t;
      continue;
    }
    if (star != p.npos && star_text < text.size() && text[star_text] != '/') {
      i = star;
      t = ++star_text;
    } else if (double_star != p.npos && double_text < text.size()) {
      i = double_star;
      t = ++double_text;
      star = p.npos;
    } else {
      return false;
    }
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  for (const std::string& p : expand(pattern)) {
    if (matches_whole(p, path)) return true;
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
      if (matches_whole(p, path.substr(0, slash)) || matches_whole(p, path.substr(0, slash + 1))) return true;
  }
  return false;
}

bool excluded(const std::vector<std::string>& patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return glob_matches(p, path); });
}

}  // namespace tarn::catalog::crawl
