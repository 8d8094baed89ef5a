// Parameters: what is given, checked against what the template declares ("Parameters", User Guide).
#pragma once

#include "deploy/template.hpp"

namespace tarn::deploy {

// `declared` is the template's Parameters section, or nullptr.
ParameterValues resolve_parameters(const Value* declared, const ParameterValues& given, const ParameterValues& previous,
                                   const Surroundings& surroundings);

// What Ref gives: text, or a list of texts.
Value reference_value(const Value& declaration, const ParameterValue& value);

// "a, b,c" → a, b, c; an empty text is a list of one empty text, as on AWS.
std::vector<std::string> comma_separated(std::string_view text);

}  // namespace tarn::deploy
