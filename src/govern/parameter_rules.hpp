// What Parameter Store takes ("AWS Systems Manager User Guide", Parameter Store). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/ssm.hpp"

namespace tarn::govern {

inline constexpr std::size_t max_standard_value_bytes = 4096, max_advanced_value_bytes = 8192;

// A name that no parameter of one's own may have throws Error (caller, ValidationException;
// HierarchyLevelLimitExceededException; denied, AccessDeniedException).
void check_parameter_name(const std::string& name);

// What a request names: "name", "name:3", "name:label", or the same behind an ARN.
struct ParameterReference {
  std::string name;
  std::string selector;     // without the colon; empty: the newest version
  bool maybe_bare = false;  // from an ARN, which does not tell "/name" and "name" apart
};
ParameterReference parse_parameter_reference(const std::string& text);

// "arn:aws:ssm:REGION:ACCOUNT:parameter/a/b"
std::string parameter_arn(std::string_view account, std::string_view region, std::string_view name);

// The tier that a value needs: `asked` and what the parameter is now may ask for more. A value that is too large for
// it throws Error (caller, ValidationException).
std::string tier_of(const std::optional<std::string>& asked, const std::optional<std::string>& present,
                    const std::string& value);

// Value against type, pattern and data type; throws as PutParameter does.
void check_parameter_value(const std::string& type, const std::string& value,
                           const std::optional<std::string>& allowed_pattern, const std::string& data_type);

// A label that a version can't have is told by LabelParameterVersion, not refused.
bool is_parameter_label(std::string_view label);

// "/a/b" of the path "/a": directly under it, or anywhere where `recursive`. A name without a slash stands in the root.
bool is_under_path(std::string_view name, std::string_view path, bool recursive);

}  // namespace tarn::govern
