// Statements that AddPermission and RemovePermission put into the policy of a queue or topic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tarn::notify {

struct Permission {
  std::string label;
  std::vector<std::string> accounts, actions;
};

// The policy with one more statement; an empty one is begun. `service` is "SQS" or "SNS". A label that is there already
// throws Error (caller, InvalidParameterValue).
std::string add_permission(const std::string& policy, std::string_view service, const std::string& resource_arn,
                           const Permission& permission);
// Without it; empty when no statement is left. A label that is not there throws Error (caller, InvalidParameterValue).
std::string remove_permission(const std::string& policy, const std::string& label);

}  // namespace tarn::notify
