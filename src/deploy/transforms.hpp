// What is done to a template before anything else: AWS::Include and AWS::LanguageExtensions ("Transform reference",
// AWS CloudFormation User Guide). Other macros are refused by name.
#pragma once

#include "deploy/functions.hpp"

namespace tarn::deploy {

// Throws where `body` has a macro that tarn does not have for the whole of it: what else stands there is the macro's.
void refuse_unknown_macros(const Value& body);

// `known` holds the parameters; conditions are not decided yet. Gives `body` as it is where it has no transforms.
Value transformed(const Value& body, const Known& known);

}  // namespace tarn::deploy
