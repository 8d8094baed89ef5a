#include "store/lifecycle_rules.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace tarn::store {
namespace {

using api::s3::LifecycleRule;
using api::s3::LifecycleRuleFilter;

constexpr uint64_t least_transition_size_bytes = 128 * 1024;

// From the dearest to the cheapest: objects move down this list only.
constexpr std::array<std::string_view, 8> classes = {
    "STANDARD",   "REDUCED_REDUNDANCY", "STANDARD_IA", "INTELLIGENT_TIERING",
    "ONEZONE_IA", "GLACIER_IR",         "GLACIER",     "DEEP_ARCHIVE"};

std::size_t rank(std::string_view storage_class) {
  return static_cast<std::size_t>(std::find(classes.begin(), classes.end(), storage_class) - classes.begin());
}

bool has_tag(const LifecycleSubject& subject, const api::s3::Tag& tag) {
  if (!subject.tags) return false;
  auto at = subject.tags->find(tag.key);
  return at != subject.tags->end() && at->second == tag.value;
}

template <class Predicates>
bool within(const Predicates& by, const LifecycleSubject& subject) {
  if (by.prefix && !subject.key.starts_with(*by.prefix)) return false;
  if (by.object_size_greater_than && subject.size_bytes <= static_cast<uint64_t>(*by.object_size_greater_than))
    return false;
  return !by.object_size_less_than || subject.size_bytes < static_cast<uint64_t>(*by.object_size_less_than);
}

bool names_size(const LifecycleRuleFilter& filter) {
  if (filter.object_size_greater_than || filter.object_size_less_than) return true;
  return filter.and_ && (filter.and_->object_size_greater_than || filter.and_->object_size_less_than);
}

}  // namespace

Time lifecycle_due(Time since, int64_t days) {
  using namespace std::chrono;
  return floor<std::chrono::days>(since + std::chrono::days(days)) + std::chrono::days(1);
}

LifecycleRules::LifecycleRules(const Value& setting) {
  if (const Value* rules = setting.find("Rules"))
    for (const Value& one : rules->as_list()) {
      auto rule = api::from<LifecycleRule>(one);
      if (rule.status == "Enabled") rules_.push_back(std::move(rule));
    }
  small_objects_may_be_archived_ = setting.string_or("TransitionDefaultMinimumObjectSize") == "varies_by_storage_class";
}

bool LifecycleRules::matches(const LifecycleRule& rule, const LifecycleSubject& subject) const {
  if (rule.prefix && !subject.key.starts_with(*rule.prefix)) return false;
  if (!rule.filter) return true;
  const auto& filter = *rule.filter;
  if (!within(filter, subject) || (filter.tag && !has_tag(subject, *filter.tag))) return false;
  if (!filter.and_) return true;
  if (!within(*filter.and_, subject)) return false;
  const auto& tags = filter.and_->tags;
  return !tags || std::all_of(tags->begin(), tags->end(), [&](const auto& tag) { return has_tag(subject, tag); });
}

bool LifecycleRules::may_transition(const LifecycleRule& rule, const LifecycleSubject& subject,
                                    const std::string& storage_class) const {
  if (rank(storage_class) <= rank(subject.storage_class)) return false;
  if (subject.size_bytes >= least_transition_size_bytes || (rule.filter && names_size(*rule.filter))) return true;
  return small_objects_may_be_archived_ && (storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE");
}

std::optional<LifecycleRules::Due> LifecycleRules::expiration_by(const LifecycleRule& rule,
                                                                 const LifecycleSubject& subject) const {
  if (!rule.expiration || subject.delete_marker || !matches(rule, subject)) return std::nullopt;
  if (rule.expiration->days)
    return Due{lifecycle_due(subject.last_modified, *rule.expiration->days), rule.id.value_or("")};
  if (rule.expiration->date) return Due{*rule.expiration->date, rule.id.value_or("")};
  return std::nullopt;
}

std::optional<LifecycleRules::Due> LifecycleRules::expiration(const LifecycleSubject& subject) const {
  std::optional<Due> first;
  for (const auto& rule : rules_)
    if (auto due = expiration_by(rule, subject); due && (!first || due->at < first->at)) first = std::move(due);
  return first;
}

bool LifecycleRules::expires(const LifecycleRule& rule, const LifecycleSubject& subject, Time now) const {
  if (subject.noncurrent_since) {
    const auto& expiration = rule.noncurrent_version_expiration;
    return expiration && matches(rule, subject) &&
           subject.newer_noncurrent_versions >= expiration->newer_noncurrent_versions.value_or(0) &&
           lifecycle_due(*subject.noncurrent_since, expiration->noncurrent_days.value_or(0)) <= now;
  }
  if (subject.delete_marker) {
    // One that no version stands behind any more.
    if (!subject.alone || !rule.expiration || !matches(rule, subject)) return false;
    if (rule.expiration->days) return lifecycle_due(subject.last_modified, *rule.expiration->days) <= now;
    return rule.expiration->expired_object_delete_marker.value_or(false);
  }
  const auto due = expiration_by(rule, subject);
  return due && due->at <= now;
}

LifecycleDecision LifecycleRules::decide(const LifecycleSubject& subject, Time now) const {
  LifecycleDecision out;
  for (const auto& rule : rules_)
    if (expires(rule, subject, now)) return {LifecycleDecision::Action::expire, "", rule.id.value_or("")};
  if (subject.delete_marker) return out;
  auto take = [&](const LifecycleRule& rule, const std::string& storage_class) {
    if (!may_transition(rule, subject, storage_class)) return;
    if (out.action == LifecycleDecision::Action::transition && rank(storage_class) <= rank(out.storage_class)) return;
    out = {LifecycleDecision::Action::transition, storage_class, rule.id.value_or("")};
  };
  for (const auto& rule : rules_) {
    if (!matches(rule, subject)) continue;
    if (subject.noncurrent_since && rule.noncurrent_version_transitions) {
      for (const auto& t : *rule.noncurrent_version_transitions)
        if (subject.newer_noncurrent_versions >= t.newer_noncurrent_versions.value_or(0) &&
            lifecycle_due(*subject.noncurrent_since, t.noncurrent_days.value_or(0)) <= now)
          take(rule, t.storage_class.value_or(""));
    } else if (!subject.noncurrent_since && rule.transitions) {
      for (const auto& t : *rule.transitions)
        if ((t.date ? *t.date : lifecycle_due(subject.last_modified, t.days.value_or(0))) <= now)
          take(rule, t.storage_class.value_or(""));
    }
  }
  return out;
}

std::optional<LifecycleRules::Due> LifecycleRules::abort_of_upload(std::string_view key, Time initiated) const {
  std::optional<Due> first;
  LifecycleSubject upload;
  upload.key = key;
  for (const auto& rule : rules_) {
    const auto& abort = rule.abort_incomplete_multipart_upload;
    if (!abort || !matches(rule, upload)) continue;
    Due due{lifecycle_due(initiated, abort->days_after_initiation.value_or(0)), rule.id.value_or("")};
    if (!first || due.at < first->at) first = std::move(due);
  }
  return first;
}

bool LifecycleRules::looks_at_tags() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const LifecycleRule& rule) {
    return rule.filter && (rule.filter->tag || (rule.filter->and_ && rule.filter->and_->tags));
  });
}

}  // namespace tarn::store
