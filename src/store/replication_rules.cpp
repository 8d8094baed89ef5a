#include "store/replication_rules.hpp"

#include <algorithm>

namespace tarn::store {
namespace {

using Rule = api::s3::ReplicationRule;
using Tags = std::map<std::string, std::string>;

bool has(const Tags& tags, const api::s3::Tag& tag) {
  auto at = tags.find(tag.key);
  return at != tags.end() && at->second == tag.value;
}

bool matches(const Rule& rule, std::string_view key, const Tags& tags) {
  if (rule.prefix && !key.starts_with(*rule.prefix)) return false;
  if (!rule.filter) return true;
  const auto& f = *rule.filter;
  if (f.prefix && !key.starts_with(*f.prefix)) return false;
  if (f.tag && !has(tags, *f.tag)) return false;
  if (!f.and_) return true;
  if (f.and_->prefix && !key.starts_with(*f.and_->prefix)) return false;
  const auto& wanted = f.and_->tags;
  return !wanted || std::all_of(wanted->begin(), wanted->end(), [&](const auto& tag) { return has(tags, tag); });
}

}  // namespace

ReplicationRules::ReplicationRules(const Value& setting) {
  if (const Value* rules = setting.find("Rules"))
    for (const Value& one : rules->as_list()) {
      auto rule = api::from<Rule>(one);
      if (rule.status == "Enabled") rules_.push_back(std::move(rule));
    }
  std::stable_sort(rules_.begin(), rules_.end(),
                   [](const Rule& a, const Rule& b) { return a.priority.value_or(0) > b.priority.value_or(0); });
}

std::vector<ReplicationRules::Target> ReplicationRules::targets(std::string_view key, const Tags& tags) const {
  std::vector<Target> out;
  for (const Rule& rule : rules_) {
    if (!matches(rule, key, tags)) continue;
    constexpr std::string_view arn = "arn:aws:s3:::";
    const std::string bucket = rule.destination.bucket.substr(std::min(arn.size(), rule.destination.bucket.size()));
    if (std::any_of(out.begin(), out.end(), [&](const Target& t) { return t.bucket == bucket; })) continue;
    Target target;
    target.bucket = bucket;
    target.rule_id = rule.id.value_or("");
    target.storage_class = rule.destination.storage_class.value_or("");
    // The old form of rules always takes them along.
    target.delete_markers =
        rule.delete_marker_replication ? rule.delete_marker_replication->status == "Enabled" : !rule.filter;
    out.push_back(std::move(target));
  }
  return out;
}

}  // namespace tarn::store
