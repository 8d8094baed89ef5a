// A bucket's notification configuration: which events go where ("Amazon S3 Event Notifications"). Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::store {

// "s3:ObjectCreated:*" names "ObjectCreated:Put"; "s3:LifecycleTransition" names "LifecycleTransition".
bool names_event(std::string_view pattern, std::string_view event);

struct NotificationRule {
  std::string id, arn;
  std::vector<std::string> events;  // as they were put: "s3:ObjectCreated:*"
  std::string prefix, suffix;
  bool matches(std::string_view event, std::string_view key) const;
};

struct NotificationRules {
  // `setting` is BucketInfo::settings["notification"]: S3's NotificationConfiguration.
  explicit NotificationRules(const Value& setting);
  std::vector<NotificationRule> rules;
  bool to_event_bus = false;  // EventBridge, which is told of every event

  bool any(std::string_view event, std::string_view key) const;
};

}  // namespace tarn::store
