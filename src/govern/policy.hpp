// Policy documents ("IAM JSON policy elements reference"): what a text must be to be kept as one.
#pragma once

#include <string_view>

namespace tarn::govern {

enum class PolicyKind {
  identity,  // attached to users, groups, roles: names actions and resources, no principal
  trust,     // who may assume a role: names principals and actions, no resource
  resource,  // on a bucket, queue, topic: names principals, actions and resources
};

// A text that is no such document throws Error (caller, MalformedPolicyDocument) that says what is wrong and in which
// statement.
void check_policy(std::string_view document, PolicyKind kind);

}  // namespace tarn::govern
