// Filters of the Describe actions ("Filtering using the AWS CLI and API"): the name says where to look, a value may
// hold
// * and ?, one of the values must match, and all filters. Pure.
#pragma once

#include <span>
#include <string_view>

#include "base/value.hpp"
#include "network/records.hpp"

namespace tarn::network {

// Whether `text` is what `pattern` says: * stands for any text, ? for any character, \ takes the next one as it is.
bool matches_pattern(std::string_view pattern, std::string_view text);

// Whether `item` passes all of `asked` (a list of {Name, Values}). A name that `known` does not hold throws Error
// (caller, InvalidParameterValue). The entry "tag" says where the tags are, for tag:KEY, tag-key and tag-value.
bool passes(const Value& item, const Value& asked, std::span<const Filter> known);

}  // namespace tarn::network
