#include "network/filters.hpp"

#include <algorithm>

namespace tarn::network {
namespace {

std::string text_of(const Value& leaf) {
  if (leaf.is_bool()) return leaf.as_bool() ? "true" : "false";
  if (leaf.is_int()) return std::to_string(leaf.as_int());
  if (leaf.is_time()) return format_iso8601(leaf.as_time());
  return leaf.is_string() ? leaf.as_string() : std::string();
}

// All leaves that the path reaches.
void gather(const Value& value, std::string_view path, std::vector<std::string>& out) {
  if (value.is_list()) {
    for (const Value& item : value.as_list()) gather(item, path, out);
  } else if (path.empty()) {
    if (!value.is_map() && !value.is_null()) out.push_back(text_of(value));
  } else if (value.is_map()) {
    const auto dot = path.find('.');
    if (const Value* next = value.find(path.substr(0, dot)))
      gather(*next, dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1), out);
  }
}

const Filter* find(std::span<const Filter> known, std::string_view name) {
  auto it = std::find_if(known.begin(), known.end(), [&](const Filter& f) { return f.name == name; });
  return it == known.end() ? nullptr : &*it;
}

// The texts in `item` that the filter `name` is about.
std::vector<std::string> subject(const Value& item, std::string_view name, std::span<const Filter> known) {
  std::vector<std::string> out;
  const Filter* tags = find(known, "tag");
  if (tags && name.starts_with("tag:")) {
    if (const Value* list = item.find(tags->path); list && list->is_list())
      for (const Value& tag : list->as_list())
        if (tag.at("Key").as_string() == name.substr(4)) out.push_back(tag.string_or("Value"));
  } else if (tags && (name == "tag-key" || name == "tag-value")) {
    gather(item, std::string(tags->path) + (name == "tag-key" ? ".Key" : ".Value"), out);
  } else if (const Filter* filter = name == "tag" ? nullptr : find(known, name)) {
    gather(item, filter->path, out);
  } else {
    refuse("InvalidParameterValue", "The filter '" + std::string(name) + "' is invalid");
  }
  return out;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Where the last * was, and what of the text it has taken.
  std::size_t p = 0, t = 0, star = std::string_view::npos, taken = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (escaped ? pattern[p + 1] == text[t]
                       : p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      p += escaped ? 2 : 1;
      t++;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

bool passes(const Value& item, const Value& asked, std::span<const Filter> known) {
  for (const Value& filter : asked.as_list()) {
    const std::string name = filter.string_or("Name");
    const auto patterns = texts(filter, "Values");
    const auto found = subject(item, name, known);
    const bool hit = std::any_of(found.begin(), found.end(), [&](const std::string& text) {
      return std::any_of(patterns.begin(), patterns.end(),
                         [&](const std::string& pattern) { return matches_pattern(pattern, text); });
    });
    if (!hit) return false;
  }
  return true;
}

}  // namespace tarn::network
