#include "store/notification_rules.hpp"

#include <algorithm>

namespace tarn::store {
namespace {

void add_rules(const Value& setting, const char* list, const char* destination, std::vector<NotificationRule>& out) {
  const Value* all = setting.find(list);
  if (!all || !all->is_list()) return;
  for (const Value& one : all->as_list()) {
    NotificationRule rule;
    rule.id = one.string_or("Id");
    rule.arn = one.string_or(destination);
    for (const Value& event : one.at("Events").as_list()) rule.events.push_back(event.as_string());
    const Value* filter = one.find("Filter");
    const Value* key = filter ? filter->find("Key") : nullptr;
    const Value* parts = key ? key->find("FilterRules") : nullptr;
    if (parts && parts->is_list())
      for (const Value& part : parts->as_list()) {
        const std::string name = part.string_or("Name");
        (name == "prefix" || name == "Prefix" ? rule.prefix : rule.suffix) = part.string_or("Value");
      }
    out.push_back(std::move(rule));
  }
}

}  // namespace

bool names_event(std::string_view pattern, std::string_view event) {
  if (pattern.starts_with("s3:")) pattern.remove_prefix(3);
  if (!pattern.ends_with(":*")) return pattern == event;
  return event.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool NotificationRule::matches(std::string_view event, std::string_view key) const {
  if (!key.starts_with(prefix) || !key.ends_with(suffix)) return false;
  return std::any_of(events.begin(), events.end(), [&](const auto& pattern) { return names_event(pattern, event); });
}

NotificationRules::NotificationRules(const Value& setting) {
  add_rules(setting, "TopicConfigurations", "TopicArn", rules);
  add_rules(setting, "QueueConfigurations", "QueueArn", rules);
  add_rules(setting, "LambdaFunctionConfigurations", "LambdaFunctionArn", rules);
  to_event_bus = setting.find("EventBridgeConfiguration") != nullptr;
}

bool NotificationRules::any(std::string_view event, std::string_view key) const {
  return to_event_bus ||
         std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.matches(event, key); });
}

}  // namespace tarn::store
