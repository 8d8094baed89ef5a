// A state machine's definition, parsed ("Amazon States Language", AWS Step Functions Developer Guide).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::states {

enum class StateType { task, pass, choice, wait, succeed, fail, parallel, map };

struct State {
  std::string name;
  StateType type;
  Value json;                 // all its fields
  std::vector<int> blocks;    // Parallel: its branches. Map: its processor
  bool distributed = false;   // Map: each item is an execution of its own
  bool uses_context = false;  // a path of it begins with "$$"
};

// States that hand on to each other: the machine itself, a branch of a Parallel, the processor of a Map. The blocks of
// a definition are numbered in the order in which they stand in its text, the machine itself first.
struct Block {
  std::string start_at;
  std::map<std::string, State, std::less<>> states;
};

struct Definition {
  std::string text;
  Value json;
  std::vector<Block> blocks;

  const State& state(int block, std::string_view name) const;
};

// `text` must have passed check_definition(); one that has not throws Error (caller, InvalidDefinition).
std::shared_ptr<const Definition> parse_definition(const std::string& text);

struct Diagnostic {
  std::string code;  // SCHEMA_VALIDATION_FAILED, MISSING_TRANSITION_TARGET ...
  std::string message;
  std::string location;  // "/States/NAME/Next"; may be empty
  bool is_error = true;  // else a warning
};

// All that is wrong with `text` as a STANDARD or EXPRESS machine; what tarn does not have (JSONata, variables) is an
// error that names it.
std::vector<Diagnostic> check_definition(std::string_view text, bool express);

// The processor of a Map, by today's name or the old one; nullptr when there is none.
const Value* map_processor(const Value& state);

}  // namespace tarn::states
