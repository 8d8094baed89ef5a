// What every template must look like, before a parameter is known ("Template anatomy", User Guide).
#pragma once

#include "base/value.hpp"

namespace tarn::deploy {

// Throws for the first thing that is wrong. `before_transforms`: loops and includes may stand where they will become
// members, and policies may be functions.
void check_structure(const Value& body, bool before_transforms);

// The names of the transforms that the template declares, in their order ("AWS::LanguageExtensions").
std::vector<std::string> declared_transforms(const Value& body);

inline constexpr std::string_view language_extensions = "AWS::LanguageExtensions";
inline constexpr std::string_view loop_prefix = "Fn::ForEach::";

bool is_alphanumeric(std::string_view text);
// "AWS::EC2::VPC::Id" of "AWS::SSM::Parameter::Value<List<AWS::EC2::VPC::Id>>".
struct ParameterType {
  bool known = false;
  bool stored = false;  // in the parameter store: what is given is its name
  bool list = false;
  std::string element;  // String, Number, AWS::…
};
ParameterType parameter_type(std::string_view name);

}  // namespace tarn::deploy
