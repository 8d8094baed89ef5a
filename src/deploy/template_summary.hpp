// What a template tells before anybody gives it parameters: GetTemplateSummary, ValidateTemplate, and the capabilities
// that creating a stack from it asks for.
#pragma once

#include <string>
#include <vector>

#include "deploy/template.hpp"

namespace tarn::deploy {

struct DeclaredParameter {
  std::string name, type, description, constraint_description;
  std::optional<std::string> default_value;
  bool no_echo = false;
  std::vector<std::string> allowed_values;
  // Absent where not declared.
  std::optional<std::string> allowed_pattern, min_length, max_length, min_value, max_value;
};

struct TemplateSummary {
  std::string version;  // empty where the template has none
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON
  std::vector<DeclaredParameter> parameters;
  // CAPABILITY_IAM or CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND. The last is asked of CreateStack and UpdateStack
  // alone: a change set shows what transforms did.
  std::vector<std::string> capabilities;
  std::string capabilities_reason;  // empty where none is needed
  std::vector<std::string> resource_types;
  std::vector<std::string> declared_transforms;
  // By type, in the template's order.
  std::vector<std::pair<std::string, std::vector<std::string>>> logical_ids;
};

// Of a template as parse_template gave it. Throws for references to what is not there, as far as they can be told
// before transforms are done.
TemplateSummary summarize(const Template& source);

}  // namespace tarn::deploy
