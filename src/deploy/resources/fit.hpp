// Properties in the form that an operation's input has.
#pragma once

#include <map>
#include <string>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::deploy {

// Names that differ by more than case: what a property is called → what the member is.
using Renames = std::map<std::string, std::string, std::less<>>;

// `value` as `shape` has it: members by their names without regard to case, JSON objects as text where a string is
// wanted, scalars of the shape's type, tags as a list or a map, whichever it is. A property that the shape has no
// member for throws Error (unsupported, NotImplemented) that names it.
Value fit(const api::Shape& shape, const Value& value, const Renames& renames);

}  // namespace tarn::deploy
