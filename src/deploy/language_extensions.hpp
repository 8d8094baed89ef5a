// AWS::LanguageExtensions: Fn::ForEach, and functions where the plain language takes none ("AWS::LanguageExtensions
// transform", AWS CloudFormation User Guide).
#pragma once

#include "deploy/functions.hpp"

namespace tarn::deploy {

// Expands loops in Conditions, Resources and Outputs, and works out what stands in policies, conditions' names, Ref and
// Fn::GetAtt, Fn::Length and Fn::FindInMap, as far as parameters and mappings tell.
void extend_language(Value& body, const Known& known);

}  // namespace tarn::deploy
