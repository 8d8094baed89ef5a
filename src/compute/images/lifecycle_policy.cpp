#include "compute/images/lifecycle_policy.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::compute {
namespace {

[[noreturn]] void invalid_policy(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterException",
              "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation "
              "failure: " +
                  what + "'");
}

void check_members(const Value& v, const std::set<std::string_view>& known, const std::string& where) {
  if (!v.is_map()) invalid_policy(where + " must be an object");
  for (const auto& [name, value] : v.as_map())
    if (!known.contains(name))
      invalid_policy("object instance has properties which are not allowed by the schema: [\"" + name + "\"]");
}

int64_t positive(const Value& v, const char* name, const std::string& where) {
  const Value* number = v.find(name);
  if (!number || !number->is_int() || number->as_int() < 1)
    invalid_policy(where + " needs " + name + ", an integer of 1 or more");
  return number->as_int();
}

bool has_strings(const Value& v, const char* name) {
  const Value* list = v.find(name);
  if (!list) return false;
  if (!list->is_list() || list->as_list().empty()) invalid_policy(std::string(name) + " must be a list of strings");
  for (const Value& item : list->as_list())
    if (!item.is_string() || item.as_string().empty()) invalid_policy(std::string(name) + " must be a list of strings");
  return true;
}

// Returns its tagStatus.
std::string check_selection(const Value& s, const std::string& where) {
  check_members(s, {"tagStatus", "tagPrefixList", "tagPatternList", "countType", "countUnit", "countNumber"}, where);
  const std::string status = s.string_or("tagStatus"), type = s.string_or("countType"), unit = s.string_or("countUnit");
  if (status != "tagged" && status != "untagged" && status != "any")
    invalid_policy(where + ": tagStatus must be one of tagged, untagged, any");
  const bool prefixes = has_strings(s, "tagPrefixList"), patterns = has_strings(s, "tagPatternList");
  if (status == "tagged" && prefixes == patterns)
    invalid_policy(where + ": tagStatus tagged needs one of tagPrefixList and tagPatternList");
  if (status != "tagged" && (prefixes || patterns))
    invalid_policy(where + ": tagPrefixList and tagPatternList go with tagStatus tagged alone");
  if (type == "sinceImagePushed") {
    if (unit != "days") invalid_policy(where + ": countType sinceImagePushed needs countUnit days");
  } else if (type != "imageCountMoreThan") {
    invalid_policy(where + ": countType must be imageCountMoreThan or sinceImagePushed");
  } else if (s.find("countUnit")) {
    invalid_policy(where + ": countUnit goes with countType sinceImagePushed alone");
  }
  positive(s, "countNumber", where);
  return status;
}

}  // namespace

void check_image_lifecycle_policy(std::string_view text) {
  Value policy;
  try {
    policy = parse_json(text);
  } catch (const Error&) {
    invalid_policy("the text is not JSON");
  }
  check_members(policy, {"rules"}, "the policy");
  const Value* rules = policy.find("rules");
  if (!rules || !rules->is_list() || rules->as_list().empty()) invalid_policy("the policy needs rules");
  std::set<int64_t> priorities;
  int64_t of_any = 0;
  for (const Value& rule : rules->as_list()) {
    const std::string where = "rule " + std::to_string(priorities.size() + 1);
    check_members(rule, {"rulePriority", "description", "selection", "action"}, where);
    const int64_t priority = positive(rule, "rulePriority", where);
    if (!priorities.insert(priority).second)
      invalid_policy("rulePriority " + std::to_string(priority) + " is used twice");
    const Value *selection = rule.find("selection"), *action = rule.find("action");
    if (!selection) invalid_policy(where + " needs a selection");
    if (check_selection(*selection, where) == "any") {
      if (of_any) invalid_policy("only one rule may have tagStatus any");
      of_any = priority;
    }
    if (!action) invalid_policy(where + " needs an action");
    check_members(*action, {"type"}, where);
    if (action->string_or("type") != "expire") invalid_policy(where + ": the action's type must be expire");
  }
  if (of_any && of_any != *priorities.rbegin())
    invalid_policy("the rule with tagStatus any must have the highest rulePriority");
}

bool matches_tag_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

bool all_of_tags(const ValueList& wanted, const std::vector<std::string>& tags, bool prefixes) {
  for (const Value& one : wanted) {
    const std::string& text = one.as_string();
    const bool found = std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
      return prefixes ? tag.starts_with(text) : matches_tag_pattern(text, tag);
    });
    if (!found) return false;
  }
  return true;
}

bool selects(const Value& selection, const ImageAge& image) {
  const std::string status = selection.string_or("tagStatus");
  if (status == "any") return true;
  if (status == "untagged") return image.tags.empty();
  if (image.tags.empty()) return false;
  const Value* prefixes = selection.find("tagPrefixList");
  return all_of_tags((prefixes ? prefixes : selection.find("tagPatternList"))->as_list(), image.tags,
                     prefixes != nullptr);
}

}  // namespace

std::vector<ExpiringImage> expiring_images(std::string_view policy, const std::vector<ImageAge>& images, Time now) {
  const Value parsed = parse_json(policy);
  std::vector<const Value*> rules;
  for (const Value& rule : parsed.at("rules").as_list()) rules.push_back(&rule);
  auto priority = [](const Value* rule) { return rule->at("rulePriority").as_int(); };
  std::sort(rules.begin(), rules.end(), [&](const Value* a, const Value* b) { return priority(a) < priority(b); });
  std::vector<ImageAge> newest_first = images;
  std::stable_sort(newest_first.begin(), newest_first.end(),
                   [](const ImageAge& a, const ImageAge& b) { return a.pushed > b.pushed; });
  std::vector<ExpiringImage> out;
  std::set<std::string> taken;  // by a rule of higher precedence
  for (const Value* rule : rules) {
    const Value& selection = rule->at("selection");
    const int64_t number = selection.at("countNumber").as_int();
    const bool by_count = selection.string_or("countType") == "imageCountMoreThan";
    int64_t seen = 0;
    std::vector<std::string> selected;
    for (const ImageAge& image : newest_first) {
      if (!selects(selection, image)) continue;
      ++seen;
      const bool expires = by_count ? seen > number : now - image.pushed > std::chrono::days(number);
      if (expires && !taken.contains(image.digest)) out.push_back({image.digest, priority(rule)});
      selected.push_back(image.digest);
    }
    taken.insert(selected.begin(), selected.end());
  }
  return out;
}

}  // namespace tarn::compute
