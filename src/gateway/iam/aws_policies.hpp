// The policies that AWS itself keeps in every account, as far as lakes attach them (aws_policies.inc is the data).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn::gateway::iam {

struct AwsPolicy {
  std::string_view path;     // "/service-role/"
  std::string_view name;     // "AWSGlueServiceRole"
  std::string_view version;  // the default one, whose text this is: "v5"
  std::string_view created, updated;
  std::string_view document;

  std::string arn() const { return "arn:aws:iam::aws:policy" + std::string(path) + std::string(name); }
  // As a record of policies.cpp: {"Policy", "Versions"}.
  Value record() const;
};

// Sorted by name.
std::span<const AwsPolicy> aws_policies();
// nullptr: not AWS's, or its text is not held here.
const AwsPolicy* find_aws_policy(std::string_view arn);
bool is_aws_policy(std::string_view arn);

}  // namespace tarn::gateway::iam
