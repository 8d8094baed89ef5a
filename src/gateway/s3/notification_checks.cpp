#include "gateway/s3/notification_checks.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "store/notification_rules.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr std::array<std::string_view, 27> known_events = {
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:ReducedRedundancyLostObject",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
};

bool is_known(std::string_view event) {
  return std::find(known_events.begin(), known_events.end(), event) != known_events.end();
}

struct Checked {
  std::vector<std::string> events;
  std::string prefix, suffix;
};

void read_filter(const model::NotificationConfigurationFilter& filter, Checked& out) {
  bool prefix = false, suffix = false;
  if (!filter.key || !filter.key->filter_rules) return;
  for (const auto& rule : *filter.key->filter_rules) {
    const std::string name = rule.name.value_or(""), value = rule.value.value_or("");
    const bool is_prefix = name == "prefix" || name == "Prefix";
    if (!is_prefix && name != "suffix" && name != "Suffix")
      throw invalid_argument("filter rule name must be either prefix or suffix")
          .with("ArgumentName", "FilterRule.Name")
          .with("ArgumentValue", name);
    bool& seen = is_prefix ? prefix : suffix;
    if (seen)
      throw invalid_argument(std::string("Cannot specify more than one ") + (is_prefix ? "prefix" : "suffix") +
                             " rule in a filter.");
    seen = true;
    if (value.size() > static_cast<std::size_t>(limits::max_key_size_bytes))
      throw invalid_argument("filter rule value cannot exceed 1024 bytes").with("ArgumentName", "FilterRule.Value");
    (is_prefix ? out.prefix : out.suffix) = value;
  }
}

bool share_event(const Checked& a, const Checked& b) {
  for (const auto& x : a.events)
    for (const auto& y : b.events) {
      auto bare = [](const std::string& event) { return std::string_view(event).substr(3); };
      if (x == y || store::names_event(x, bare(y)) || store::names_event(y, bare(x))) return true;
    }
  return false;
}

bool overlap(const Checked& a, const Checked& b) {
  const bool prefixes = a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix);
  const bool suffixes = a.suffix.ends_with(b.suffix) || b.suffix.ends_with(a.suffix);
  return prefixes && suffixes && share_event(a, b);
}

template <class List>
void check_list(const List& list, std::set<std::string>& ids, std::vector<Checked>& all) {
  if (!list) return;
  for (const auto& one : *list) {
    if (one.events.empty()) throw malformed_xml();
    if (one.id && one.id->size() > 255) throw invalid_argument("Id length should not exceed allowed limit of 255");
    if (one.id && !one.id->empty() && !ids.insert(*one.id).second)
      throw invalid_argument("Same ID used for multiple configurations. IDs must be unique");
    Checked checked;
    for (const auto& event : one.events) {
      if (!is_known(event))
        throw invalid_argument("A specified event is not supported for notifications.")
            .with("ArgumentName", "Event")
            .with("ArgumentValue", event);
      checked.events.push_back(event);
    }
    if (one.filter) read_filter(*one.filter, checked);
    for (const auto& other : all)
      if (overlap(checked, other))
        throw invalid_argument(checked.prefix.empty() && checked.suffix.empty() && other.prefix.empty() &&
                                       other.suffix.empty()
                                   ? "Configurations overlap. Configurations on the same bucket cannot share a common "
                                     "event type."
                                   : "Configuration is ambiguously defined. Cannot have overlapping suffixes in two "
                                     "rules if the prefixes are overlapping for the same event type.");
    all.push_back(std::move(checked));
  }
}

}  // namespace

void check_notifications(const model::NotificationConfiguration& c) {
  std::set<std::string> ids;
  std::vector<Checked> all;
  check_list(c.topic_configurations, ids, all);
  check_list(c.queue_configurations, ids, all);
  check_list(c.lambda_function_configurations, ids, all);
  if (all.size() > limits::max_notification_rules)
    throw invalid_argument("The number of configurations exceeds the limit of " +
                           std::to_string(limits::max_notification_rules));
}

}  // namespace tarn::gateway::s3
