// Who refers to whom in a template.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/value.hpp"

namespace tarn::deploy {

using Conditions = std::map<std::string, bool, std::less<>>;

// One reference: `attribute` is empty where Ref or ${Name} asks.
struct NamedReference {
  std::string name, attribute;
  bool in_sub = false;
};
// Calls `found` for every Ref, Fn::GetAtt and variable of Fn::Sub in `node`. With `conditions` only for those in the
// branches of Fn::If that hold.
void each_reference(const Value& node, const Conditions* conditions,
                    const std::function<void(const NamedReference&)>& found);
// Every condition that Fn::If names.
void each_if(const Value& node, const std::function<void(const std::string& condition)>& found);

// Throws where something names what is not there, whether or not its condition holds.
void check_references(const Value& processed);

// Logical id → what it waits for.
using Graph = std::map<std::string, std::set<std::string>, std::less<>>;

// Of the resources in `active`: DependsOn and references. A reference to a resource whose condition does not hold
// throws, and so does a circle.
Graph dependency_graph(const Value& processed, const std::vector<std::string>& active, const Conditions& conditions);

// Adds an edge from each resource that holds another's literal physical name (or an ARN or an s3:// address with it) to
// that one, where it makes no circle. `properties` gives a resource's properties as far as they are known.
void add_literal_names(Graph& graph, const Value& processed, const std::vector<std::string>& active,
                       const std::function<Value(const std::string&)>& properties);

}  // namespace tarn::deploy
