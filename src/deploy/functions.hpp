// The intrinsic functions ("Intrinsic function reference", AWS CloudFormation User Guide).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "deploy/template.hpp"

namespace tarn::deploy {

// All that functions may need to know of a template; the pointers outlive whoever uses it.
struct Known {
  const Value* mappings = nullptr;                                     // nullptr: the template has none
  std::map<std::string, Value, std::less<>> references;                // what Ref gives: parameters, pseudo-parameters
  std::optional<std::map<std::string, bool, std::less<>>> conditions;  // absent: not decided yet
  std::set<std::string, std::less<>> resources;                        // all logical ids
  const Value* parameter_types = nullptr;                              // the Parameters section
  const Surroundings* surroundings = nullptr;
  bool extensions = false;  // AWS::LanguageExtensions is declared
};

// {"Ref": …} or {"Fn::…": …}: the name of the function, or empty.
std::string_view function_name(const Value& node);

// For one thread.
class Resolver {
 public:
  Resolver(const Known& known, const ResourceResults& results) : known_(known), results_(results) {}

  // Every function worked out that can be; one that can't yet stays as it stands. Absent: AWS::NoValue.
  std::optional<Value> resolve(const Value& node) const;
  // A condition's own functions (Fn::Equals, Fn::And ...) and the rules' (Fn::Contains ...). Throws where it can't be
  // decided. `decide_condition` answers for {"Condition": name}.
  bool decide(const Value& node, const std::function<bool(const std::string&)>& decide_condition) const;

 private:
  using Function = std::optional<Value> (Resolver::*)(const Value& node, const Value& argument) const;
  static Function find(std::string_view name);

  std::optional<Value> ref(const Value& node, const Value& argument) const;
  std::optional<Value> get_att(const Value& node, const Value& argument) const;
  std::optional<Value> sub(const Value& node, const Value& argument) const;
  std::optional<Value> if_(const Value& node, const Value& argument) const;
  std::optional<Value> find_in_map(const Value& node, const Value& argument) const;
  std::optional<Value> join(const Value& node, const Value& argument) const;
  std::optional<Value> select(const Value& node, const Value& argument) const;
  std::optional<Value> split(const Value& node, const Value& argument) const;
  std::optional<Value> base64(const Value& node, const Value& argument) const;
  std::optional<Value> cidr(const Value& node, const Value& argument) const;
  std::optional<Value> get_azs(const Value& node, const Value& argument) const;
  std::optional<Value> import_value(const Value& node, const Value& argument) const;
  std::optional<Value> length(const Value& node, const Value& argument) const;
  std::optional<Value> to_json_string(const Value& node, const Value& argument) const;

  std::optional<Value> attribute(const std::string& logical_id, const std::string& name) const;
  std::optional<Value> variable(const std::string& name) const;
  std::vector<std::string> texts(const Value& node, std::string_view function) const;
  std::vector<std::string> values_of(const Value& node) const;
  bool decide_rule(std::string_view name, const Value& argument) const;

  const Known& known_;
  const ResourceResults& results_;
  mutable std::size_t copied_ = 0;  // out of mappings: a small template could ask for very much
};

// "192.168.0.0/24", 6, 5 → six blocks of 2^5 addresses each.
std::vector<std::string> cidr_blocks(const std::string& block, int64_t count, int64_t bits);

// The parts of Fn::Sub's text, in order: literal text, and names of variables.
struct SubPart {
  std::string text;
  bool variable = false;
};
std::vector<SubPart> sub_parts(const std::string& text);

// {{resolve:service:key}} in every string of `node`, filled in. What has the wrong form throws, also in
// check_dynamic_references, which asks nobody.
Value fill_dynamic_references(Value node, const Surroundings& surroundings);
void check_dynamic_references(const Value& node);

}  // namespace tarn::deploy
