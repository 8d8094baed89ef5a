// Tags of the records of a network.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

// The tags that the input's TagSpecifications give to a new thing of this kind; none is an empty list. One that is for
// another kind throws Error (caller, InvalidParameterValue).
Value tags_for(const Kind& kind, const Value& in);
// Adds or replaces, checking AWS's rules: 50 tags, 128 and 256 characters, no aws: of one's own.
void add_tags(Value& tags, const Value& added);

}  // namespace tarn::network
