// What stands in the tables: templates of inputs, whose texts hold placeholders.
//
//   "{Name}"                    the property Name, of whatever type it is; absent: the member is left out
//   "arn:aws:s3:::{id}/*"       text around placeholders; absent ones are empty
//   "{TableInput.Name}"         a property within another
//   "{read.Zones.*.Name}"       of each item of a list
//   "{out.Role.Arn|read.Arn}"   the first that is there; 'text' in quotes is always there
//   "{true FifoQueue}"          a function of input_functions.hpp, over what the rest gives
//
// Capital first letters name properties, small ones what else there is: id (the physical id), name (given or
// generated), region, account, endpoint, stack_id, stack_name, logical_id, token, out (what the create
// operation answered), found (what the exists operation answered), read (what the read operation answered), reads (what
// further ones did, by name), item (of a part's list), before (properties before an update), all (the properties).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/value.hpp"
#include "deploy/resource_type.hpp"

namespace tarn::deploy {

// What placeholders refer to.
struct Scope {
  const Action& action;
  Value properties;
  std::string id, name;
  Value out, found, read, reads, item, before;
  std::string page_token;  // of a list operation that goes on
};

// Absent where all that it holds is. "*" in a map is replaced by the members of `rest`.
std::optional<Value> expand(const Value& node, const Scope& scope, const Value& rest = Value::map());
// The properties that a template names, by their first step.
std::set<std::string> properties_of(const Value& node);
// `path` ("TableInput.Name", "repositories.0") in `value`; nullptr when absent.
const Value* at_path(const Value& value, std::string_view path);

}  // namespace tarn::deploy
