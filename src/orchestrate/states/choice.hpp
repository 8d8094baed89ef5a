// The rules of a Choice state ("Choice", AWS Step Functions Developer Guide).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "orchestrate/states/expression.hpp"

namespace tarn::states {

// Whether `rule` holds. A value of another type than the comparison's is no match. A Variable that names nothing throws
// Error (caller, States.Runtime), but for IsPresent.
bool choice_holds(const Value& rule, const Data& data);

// The comparison that a rule makes ("StringEqualsPath"), where there is exactly one; absent else. And, Or and Not are
// none.
std::optional<std::string> comparison_of(const Value& rule);
// What kind of literal a comparison takes: 's'tring, 'n'umber, 'b'oolean, 't'imestamp, or 'p'ath. 0: no comparison.
char operand_of(std::string_view comparison);

// '*' stands for any characters, "\\*" for itself.
bool string_matches(std::string_view text, std::string_view pattern);

// RFC 3339, as the language has it: with 'T' and an offset or 'Z'.
std::optional<Time> parse_timestamp(std::string_view text);

}  // namespace tarn::states
