// What changes between two resolved sets of properties.
#include "deploy/template.hpp"

namespace tarn::deploy {
namespace {

bool is_scalar(const Value& v) {
  return !v.is_map() && !v.is_list();
}

void compare(const std::string& path, const Value& before, const Value& after, std::vector<PropertyDifference>& out) {
  if (before.is_map() && after.is_map()) {
    for (const ValueMember& member : after.as_map()) {
      const std::string inner = path + "/" + member.key;
      if (const Value* old = before.find(member.key))
        compare(inner, *old, member.value, out);
      else
        out.push_back({inner, std::nullopt, member.value});
    }
    for (const ValueMember& member : before.as_map())
      if (!after.find(member.key)) out.push_back({path + "/" + member.key, member.value, std::nullopt});
  } else if (before.is_list() && after.is_list()) {
    const auto& old = before.as_list();
    const auto& now = after.as_list();
    for (std::size_t i = 0; i < std::max(old.size(), now.size()); i++) {
      const std::string inner = path + "/" + std::to_string(i);
      if (i >= old.size())
        out.push_back({inner, std::nullopt, now[i]});
      else if (i >= now.size())
        out.push_back({inner, old[i], std::nullopt});
      else
        compare(inner, old[i], now[i], out);
    }
  } else if (is_scalar(before) && is_scalar(after) ? text_of(before) != text_of(after) : before != after) {
    out.push_back({path, before, after});
  }
}

}  // namespace

std::vector<PropertyDifference> differences(const Value& before, const Value& after) {
  std::vector<PropertyDifference> out;
  compare({}, before, after, out);
  return out;
}

}  // namespace tarn::deploy
