// Stack policies: which resources an update may touch ("Prevent updates to stack resources", AWS CloudFormation User
// Guide). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarn::deploy {

// Throws Error (caller, ValidationError) where the text is no stack policy.
void check_stack_policy(const std::string& policy);

// Why `action` ("Update:Modify", "Update:Replace", "Update:Delete") may not happen to the resource; absent where it
// may. Without a policy (empty) all may.
std::optional<std::string> stack_policy_denial(const std::string& policy, std::string_view action,
                                               const std::string& logical_id, std::string_view type);

}  // namespace tarn::deploy
