// What stands in a field whose name ends in ".$": a path into the state's data, a path into the context object ("$$."),
// or a call of an intrinsic function ("Intrinsic functions", AWS Step Functions Developer Guide). And templates, JSON
// with such fields in it.
//
// A failure while an expression is evaluated is an Error whose code is AWS's name of it (States.Runtime,
// States.IntrinsicFailure) and whose message is the cause.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/value.hpp"
#include "orchestrate/states/json_path.hpp"

namespace tarn::states {

// What paths and functions are evaluated over.
struct Data {
  const Value& input;    // $
  const Value& context;  // $$
  Random& random;
};

class Expression {
 public:
  // A malformed one throws Error (caller, InvalidPath).
  explicit Expression(std::string_view text);

  // `field` names the place for the cause of a failure: a path that finds nothing is a States.Runtime.
  Value evaluate(const Data& data, std::string_view field) const;

  struct Node {
    enum class Kind { literal, input_path, context_path, call } kind = Kind::literal;
    Value literal;
    std::string text;  // of a path; the name of a function
    std::shared_ptr<const JsonPath> path;
    std::vector<Node> arguments;
  };

 private:
  Node node_;
};

// `path` ("$.a", or "$$.Execution.Id") read in `data`; absent when there is nothing. A malformed path is a
// States.Runtime.
std::optional<Value> read_path(std::string_view path, const Data& data);
// The same, where nothing is a States.Runtime that names `field`.
Value required_path(std::string_view path, const Data& data, std::string_view field);

// `json` with each member "name.$" replaced by "name" and what its expression gives. Items of lists are templates too.
Value fill_template(const Value& json, const Data& data);

// Calls `visit` with each expression of a template and the name of its field.
template <class F>
void for_each_expression(const Value& json, const F& visit) {
  if (json.is_list())
    for (const Value& item : json.as_list()) for_each_expression(item, visit);
  if (!json.is_map()) return;
  for (const ValueMember& m : json.as_map())
    if (m.key.ends_with(".$"))
      visit(m.key, m.value);
    else
      for_each_expression(m.value, visit);
}

}  // namespace tarn::states
