#include "gateway/s3/lifecycle_checks.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/tags.hpp"

namespace tarn::gateway::s3 {
namespace {

using Rule = model::LifecycleRule;
constexpr int64_t max_newer_versions = 100;

std::string prefix_of(const Rule& rule) {
  std::string prefix = rule.prefix.value_or("");
  if (rule.filter) {
    prefix = rule.filter->prefix.value_or("");
    if (rule.filter->and_) prefix = rule.filter->and_->prefix.value_or("");
  }
  return "(prefix=" + prefix + ")";
}

bool is_midnight(Time t) {
  return std::chrono::floor<std::chrono::days>(t) == t;
}

void check_days(const std::optional<int64_t>& days, const std::string& what, int64_t least = 1) {
  if (!days) return;
  if (*days < least)
    throw invalid_argument("'" + what + "' action must be a " + (least ? "positive" : "nonnegative") + " integer");
  if (*days > INT32_MAX) throw malformed_xml();
}

void check_sizes(const std::optional<int64_t>& more_than, const std::optional<int64_t>& less_than) {
  for (const auto& size : {more_than, less_than})
    if (size && (*size < 0 || static_cast<uint64_t>(*size) > limits::max_object_size_bytes))
      throw invalid_request("'ObjectSizeGreaterThan' and 'ObjectSizeLessThan' must be from 0 bytes to 5 TB");
  if (more_than && less_than && *more_than >= *less_than)
    throw invalid_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'");
}

void check_tags(const std::vector<model::Tag>& tags) {
  std::set<std::string_view> keys;
  for (const auto& tag : tags)
    if (!keys.insert(tag.key).second) throw invalid_request("Duplicate Tag Keys are not allowed.");
  checked_tags(tags, SIZE_MAX);
}

void check_filter(const Rule& rule) {
  if (!rule.filter) return;
  const auto& f = *rule.filter;
  const int named = (f.prefix ? 1 : 0) + (f.tag ? 1 : 0) + (f.object_size_greater_than ? 1 : 0) +
                    (f.object_size_less_than ? 1 : 0) + (f.and_ ? 1 : 0);
  if (named > 1) throw malformed_xml();
  check_sizes(f.object_size_greater_than, f.object_size_less_than);
  if (f.tag) check_tags({*f.tag});
  if (!f.and_) return;
  const auto& both = *f.and_;
  const std::size_t count = (both.prefix ? 1 : 0) + (both.tags ? both.tags->size() : 0) +
                            (both.object_size_greater_than ? 1 : 0) + (both.object_size_less_than ? 1 : 0);
  if (count < 2) throw malformed_xml();
  check_sizes(both.object_size_greater_than, both.object_size_less_than);
  if (both.tags) check_tags(*both.tags);
}

bool filters_by_tag(const Rule& rule) {
  return rule.filter &&
         (rule.filter->tag || (rule.filter->and_ && rule.filter->and_->tags && !rule.filter->and_->tags->empty()));
}

void check_expiration(const Rule& rule) {
  if (!rule.expiration) return;
  const auto& e = *rule.expiration;
  const int named = (e.days ? 1 : 0) + (e.date ? 1 : 0) + (e.expired_object_delete_marker ? 1 : 0);
  if (named != 1) throw malformed_xml();
  check_days(e.days, "Days' for Expiration");
  if (e.date && !is_midnight(*e.date)) throw invalid_argument("'Date' must be at midnight GMT");
  if (e.expired_object_delete_marker && filters_by_tag(rule))
    throw invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags.");
}

int64_t least_days(const std::string& storage_class) {
  return storage_class == "STANDARD_IA" || storage_class == "ONEZONE_IA" ? 30 : 0;
}

void check_transitions(const Rule& rule) {
  if (!rule.transitions) return;
  std::set<std::string> seen;
  bool by_days = false, by_date = false;
  for (const auto& t : *rule.transitions) {
    if (!t.storage_class || (t.days ? 1 : 0) + (t.date ? 1 : 0) != 1) throw malformed_xml();
    if (!seen.insert(*t.storage_class).second)
      throw invalid_request("'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '" +
                            prefix_of(rule) + "'");
    check_days(t.days, "Days' for Transition", 0);
    (t.days ? by_days : by_date) = true;
    if (t.date && !is_midnight(*t.date)) throw invalid_argument("'Date' must be at midnight GMT");
    if (t.days && *t.days < least_days(*t.storage_class))
      throw invalid_argument("'Days' in Transition action must be greater than or equal to 30 for storageClass '" +
                             *t.storage_class + "'");
    if (!rule.expiration) continue;
    if ((t.days && rule.expiration->date) || (t.date && rule.expiration->days)) by_days = by_date = true;
    if (t.days && rule.expiration->days && *rule.expiration->days <= *t.days)
      throw invalid_argument("'Days' in the Expiration action for filter '" + prefix_of(rule) +
                             "' must be greater than 'Days' in the Transition action");
    if (t.date && rule.expiration->date && *rule.expiration->date <= *t.date)
      throw invalid_argument("'Date' in the Expiration action for filter '" + prefix_of(rule) +
                             "' must be later than 'Date' in the Transition action");
  }
  if (by_days && by_date)
    throw invalid_request(
        "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '" +
        prefix_of(rule) + "'");
}

void check_noncurrent(const Rule& rule) {
  auto check_newer = [](const std::optional<int64_t>& newer, const char* action) {
    if (newer && (*newer < 1 || *newer > max_newer_versions))
      throw invalid_argument("'NewerNoncurrentVersions' for " + std::string(action) +
                             " action must be a positive integer no greater than 100");
  };
  if (const auto& e = rule.noncurrent_version_expiration) {
    if (!e->noncurrent_days) throw malformed_xml();
    check_days(e->noncurrent_days, "NoncurrentDays' for NoncurrentVersionExpiration");
    check_newer(e->newer_noncurrent_versions, "NoncurrentVersionExpiration");
  }
  if (!rule.noncurrent_version_transitions) return;
  std::set<std::string> seen;
  for (const auto& t : *rule.noncurrent_version_transitions) {
    if (!t.storage_class || !t.noncurrent_days) throw malformed_xml();
    if (!seen.insert(*t.storage_class).second)
      throw invalid_request(
          "'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule' with filter '" +
          prefix_of(rule) + "'");
    check_days(t.noncurrent_days, "NoncurrentDays' for NoncurrentVersionTransition", 0);
    check_newer(t.newer_noncurrent_versions, "NoncurrentVersionTransition");
    if (*t.noncurrent_days < least_days(*t.storage_class))
      throw invalid_argument(
          "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass "
          "'" +
          *t.storage_class + "'");
    if (rule.noncurrent_version_expiration &&
        *rule.noncurrent_version_expiration->noncurrent_days <= *t.noncurrent_days)
      throw invalid_argument("'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '" +
                             prefix_of(rule) +
                             "' must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action");
  }
}

void check_rule(const Rule& rule, bool old_form) {
  if (rule.id && rule.id->size() > 255) throw invalid_argument("ID length should not exceed allowed limit of 255");
  if (!rule.filter && !rule.prefix) throw malformed_xml();
  if (rule.filter && rule.prefix) throw malformed_xml();
  if (!old_form && rule.prefix)
    throw invalid_request(
        "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.");
  if (!rule.expiration && !rule.transitions && !rule.noncurrent_version_expiration &&
      !rule.noncurrent_version_transitions && !rule.abort_incomplete_multipart_upload)
    throw invalid_request("At least one action needs to be specified in a rule");
  check_filter(rule);
  check_expiration(rule);
  check_transitions(rule);
  check_noncurrent(rule);
  if (const auto& abort = rule.abort_incomplete_multipart_upload) {
    if (!abort->days_after_initiation) throw malformed_xml();
    check_days(abort->days_after_initiation, "DaysAfterInitiation' for AbortIncompleteMultipartUpload");
    if (filters_by_tag(rule)) throw invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags.");
  }
}

}  // namespace

void check_lifecycle_rules(const std::vector<Rule>& rules) {
  if (rules.empty() || rules.size() > limits::max_lifecycle_rules) throw malformed_xml();
  // The old form names prefixes in the rules themselves; the forms are not mixed.
  const bool old_form =
      std::none_of(rules.begin(), rules.end(), [](const Rule& rule) { return rule.filter.has_value(); });
  std::set<std::string_view> ids;
  for (const auto& rule : rules) {
    check_rule(rule, old_form);
    if (rule.id && !rule.id->empty() && !ids.insert(*rule.id).second)
      throw invalid_argument("Rule ID must be unique. Found same ID for more than one rule");
  }
}

}  // namespace tarn::gateway::s3
