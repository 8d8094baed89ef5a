// What policies say of a request ("Policy evaluation logic", "AWS global condition context keys"): that of a resource,
// of those who are no principals of an account (AWS's own services, and anybody); those of an identity, of what it may
// do. Pure.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::govern {

struct PolicyRequest {
  std::string service;       // "s3.amazonaws.com"; empty: somebody whom nobody knows
  std::string action;        // "sqs:SendMessage"
  std::string resource_arn;  // what it acts on
  // What conditions may ask for, by names in small letters: {"aws:sourcearn", "arn:aws:s3:::lake"}.
  std::map<std::string, std::string> keys;
  // Of keys with more than one value, all of them (for ForAllValues and ForAnyValue).
  std::map<std::string, std::vector<std::string>> lists = {};
};

// Whether a statement allows it and none denies it. On a key that the request lacks only a negated operator, …IfExists
// and Null can hold. An operator that is not for texts, ARNs or booleans does not hold where it allows, and holds where
// it denies. An empty policy, and a text that is none, allow nothing.
bool policy_allows(std::string_view policy, const PolicyRequest& request);

enum class Decision { implicit_deny, allowed, explicit_deny };
struct Decided {
  Decision decision = Decision::implicit_deny;
  std::vector<std::size_t> matched;  // the policies that decided it, by their place
};

// What an identity's policies together say of the request: a statement that denies wins, one that allows is needed. A
// text that is no policy says nothing.
Decided decide(std::span<const std::string> policies, const PolicyRequest& request);

// The names of the keys that the policy's conditions ask for, and that it uses as variables.
std::set<std::string> condition_keys(std::string_view policy);

}  // namespace tarn::govern
