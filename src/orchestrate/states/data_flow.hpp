// How data goes through a state: what of its input it sees, what becomes of its result. A query language decides that;
// JSONPath is the one that tarn has ("Processing input and output", AWS Step Functions Developer Guide).
//
// A failure is an Error whose code is AWS's name of it, and whose message the cause.
#pragma once

#include <optional>
#include <string>

#include "orchestrate/states/expression.hpp"

namespace tarn::states {

// Where a state stands: what it was given, and the context object.
struct Situation {
  const Value& state;  // its definition
  const Value& input;  // what the state before handed on
  const Value& context;
  Random& random;
};

// Thread-safe.
class QueryLanguage {
 public:
  virtual ~QueryLanguage() = default;
  // What the state's work begins with.
  virtual Value arguments(const Situation& at) const = 0;
  // What the state hands on, given its work's result.
  virtual Value output(const Situation& at, Value result) const = 0;
  // What a catcher hands on.
  virtual Value caught(const Situation& at, const Value& catcher, Value error) const = 0;
  // The next state that a Choice chooses; absent where no rule holds and there is no default.
  virtual std::optional<std::string> choose(const Situation& at) const = 0;
  // The value of a field that may be given as it is or by a path; absent where it is not given.
  virtual std::optional<Value> field(const Situation& at, const std::string& name) const = 0;
  // `text` with its expressions evaluated over the state's input.
  virtual Value filled(const Situation& at, const Value& text) const = 0;
  // The items of a Map over its input.
  virtual Value items(const Situation& at) const = 0;
  // What one iteration of a Map begins with; the context names the item.
  virtual Value item_input(const Situation& at, const Value& item) const = 0;
};

const QueryLanguage& json_path_language();

}  // namespace tarn::states
