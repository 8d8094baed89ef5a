// What the policy of a resource lets those do who are no principals of an account: AWS's own services, and anybody
// ("Policy evaluation logic", "AWS global condition context keys"). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace tarn::govern {

struct PolicyRequest {
  std::string service;       // "s3.amazonaws.com"; empty: somebody whom nobody knows
  std::string action;        // "sqs:SendMessage"
  std::string resource_arn;  // what it acts on
  // What conditions may ask for, by names in small letters: {"aws:sourcearn", "arn:aws:s3:::lake"}.
  std::map<std::string, std::string> keys;
};

// Whether a statement allows it and none denies it. On a key that the request lacks only a negated operator, …IfExists
// and Null can hold. An operator that is not for texts, ARNs or booleans does not hold where it allows, and holds where
// it denies. An empty policy, and a text that is none, allow nothing.
bool policy_allows(std::string_view policy, const PolicyRequest& request);

}  // namespace tarn::govern
