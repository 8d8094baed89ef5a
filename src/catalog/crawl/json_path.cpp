#include "catalog/crawl/json_path.hpp"

#include "base/error.hpp"

namespace tarn::catalog::crawl {
namespace {

[[noreturn]] void fail(std::string_view text) {
  throw Error(
      ErrorKind::caller, "InvalidInputException",
      "The JSON path '" + std::string(text) + "' is not one that tarn has: $, .name, ['name'], [index], [*] and .*");
}

// What stands in brackets, quotes removed.
JsonStep bracket_step(std::string_view inside, std::string_view text) {
  if (inside == "*") return {JsonStep::Kind::every_element, ""};
  if (inside.size() >= 3 && (inside.front() == '\'' || inside.front() == '"') && inside.back() == inside.front())
    return {JsonStep::Kind::member, std::string(inside.substr(1, inside.size() - 2))};
  if (inside.empty() || inside.size() > 9) fail(text);
  uint64_t index = 0;
  for (char c : inside) {
    if (c < '0' || c > '9') fail(text);
    index = index * 10 + static_cast<uint64_t>(c - '0');
  }
  return {JsonStep::Kind::index, "", index};
}

}  // namespace

JsonPath::JsonPath(std::string_view text) {
  if (!text.starts_with('$') || text.size() > 1024) fail(text);
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == '.') {
      std::size_t end = std::min(text.find_first_of(".[", at + 1), text.size());
      std::string_view name = text.substr(at + 1, end - at - 1);
      if (name.empty()) fail(text);
      if (name == "*")
        steps_.push_back({JsonStep::Kind::every_member, ""});
      else
        steps_.push_back({JsonStep::Kind::member, std::string(name)});
      at = end;
    } else if (text[at] == '[') {
      bool quoted = at + 1 < text.size() && (text[at + 1] == '\'' || text[at + 1] == '"');
      std::size_t end = quoted ? text.find(std::string(1, text[at + 1]) + "]", at + 2) : text.find(']', at);
      if (end == text.npos) fail(text);
      if (quoted) ++end;
      steps_.push_back(bracket_step(text.substr(at + 1, end - at - 1), text));
      at = end + 1;
    } else {
      fail(text);
    }
  }
}

}  // namespace tarn::catalog::crawl
