#include "deploy/references.hpp"

#include <algorithm>

#include "deploy/functions.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

using Found = std::function<void(const NamedReference&)>;

void reference_in_sub(const Value& argument, const Conditions* conditions, const Found& found) {
  const bool with_map = argument.is_list() && argument.as_list().size() == 2 && argument.as_list()[1].is_map();
  const Value& text = with_map ? argument.as_list()[0] : argument;
  const Value* own = with_map ? &argument.as_list()[1] : nullptr;
  if (own) each_reference(*own, conditions, found);
  if (!text.is_string()) return each_reference(text, conditions, found);
  for (const SubPart& part : sub_parts(text.as_string())) {
    if (!part.variable || (own && own->find(part.text))) continue;
    const std::size_t dot = part.text.find('.');
    found({part.text.substr(0, dot), dot == std::string::npos ? std::string() : part.text.substr(dot + 1), true});
  }
}

void reference_in_get_att(const Value& argument, const Conditions* conditions, const Found& found) {
  if (argument.is_string()) {
    const std::size_t dot = argument.as_string().find('.');
    const std::string& whole = argument.as_string();
    found({whole.substr(0, dot), dot == std::string::npos ? std::string() : whole.substr(dot + 1)});
  } else if (argument.is_list() && !argument.as_list().empty() && argument.as_list()[0].is_string()) {
    const auto& parts = argument.as_list();
    const std::string attribute = parts.size() > 1 && parts[1].is_string() ? parts[1].as_string() : std::string();
    found({parts[0].as_string(), attribute});
    for (std::size_t i = 1; i < parts.size(); i++) each_reference(parts[i], conditions, found);
  } else {
    each_reference(argument, conditions, found);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

bool is_pseudo_parameter(std::string_view name) {
  static constexpr std::string_view names[] = {"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue",
                                               "AWS::Partition", "AWS::Region",           "AWS::StackId",
                                               "AWS::StackName", "AWS::URLSuffix"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// What a section refers to that is neither parameter nor resource.
class UnknownNames {
 public:
  explicit UnknownNames(const Value& processed)
      : parameters_(processed.find("Parameters")), resources_(processed.find("Resources")) {
    if (resources_)
      for (const ValueMember& resource : resources_->as_map()) ids_.insert(resource.key);
  }

  bool is_resource(std::string_view name) const { return ids_.contains(name); }
  bool is_parameter(std::string_view name) const {
    return is_pseudo_parameter(name) || (parameters_ && parameters_->find(name));
  }

  void take(const NamedReference& reference) {
    const bool parameter = is_parameter(reference.name) && reference.attribute.empty();
    if (parameter || is_resource(reference.name)) return;
    if (!reference.attribute.empty() && !reference.in_sub)
      throw validation_error("Template error: instance of Fn::GetAtt references undefined resource " + reference.name);
    if (!reference.attribute.empty())
      throw validation_error("Template error: instance of Fn::Sub references invalid resource attribute " +
                             reference.name + "." + reference.attribute);
    add_once(unknown_, reference.name);
  }

  void take_dependency(const std::string& name) {
    if (!is_resource(name)) add_once(unknown_, name);
  }

  void refuse(std::string_view section) const {
    if (!unknown_.empty())
      throw validation_error("Template format error: Unresolved resource dependencies [" + joined(unknown_) +
                             "] in the " + std::string(section) + " block of the template");
  }

 private:
  const Value* parameters_;
  const Value* resources_;
  std::set<std::string_view> ids_;
  std::vector<std::string> unknown_;
};

void each_dependency(const Value& resource, const std::function<void(const std::string&)>& found) {
  const Value* depends_on = resource.find("DependsOn");
  if (!depends_on) return;
  if (depends_on->is_string()) found(depends_on->as_string());
  if (depends_on->is_list())
    for (const Value& name : depends_on->as_list())
      if (name.is_string()) found(name.as_string());
}

// The parts of a resource's declaration in which a reference means a dependency.
void each_reference_of_resource(const Value& resource, const Conditions* conditions, const Found& found) {
  for (std::string_view part : {"Properties", "Metadata", "CreationPolicy", "UpdatePolicy"})
    if (const Value* node = resource.find(part)) each_reference(*node, conditions, found);
}

void check_conditions_section(const Value& conditions, const UnknownNames& names) {
  std::vector<std::string> bad;
  for (const ValueMember& condition : conditions.as_map())
    each_reference(condition.value, nullptr, [&](const NamedReference& reference) {
      if (!names.is_parameter(reference.name) || !reference.attribute.empty()) add_once(bad, reference.name);
    });
  if (!bad.empty())
    throw validation_error("Template format error: Unresolved dependencies [" + joined(bad) +
                           "]. Cannot reference resources in the Conditions block of the template");
}

void check_condition_of(const Value* conditions, const Value& member, std::string_view section) {
  const Value* name = member.find("Condition");
  if (name && name->is_string() && !(conditions && conditions->find(name->as_string())))
    throw validation_error("Template format error: Unresolved condition dependency " + name->as_string() + " in the " +
                           std::string(section) + " block of the template");
}

// Tarjan's strongly connected components; throws for the first that is a circle.
class Circles {
 public:
  Circles(const Graph& graph, const std::vector<std::string>& order) : graph_(graph), order_(order) {}

  void refuse() {
    for (const std::string& id : order_)
      if (!marks_.contains(id)) visit(id);
  }

 private:
  struct Mark {
    int index = 0, low = 0;
    bool open = true;
  };

  int visit(const std::string& id) {
    marks_[id] = {next_, next_, true};
    const int index = next_++;
    int low = index;
    open_.push_back(id);
    const auto& edges = graph_.find(id)->second;
    for (const std::string& to : edges) {
      auto seen = marks_.find(to);
      if (seen == marks_.end()) {
        low = std::min(low, visit(to));
      } else if (seen->second.open) {
        low = std::min(low, seen->second.index);
      }
    }
    if (low < index) return low;
    std::vector<std::string> circle;
    for (std::string last; last != id; open_.pop_back()) {
      last = open_.back();
      marks_[last].open = false;
      circle.push_back(last);
    }
    if (circle.size() > 1 || edges.contains(id)) throw circular(circle);
    return low;
  }

  Error circular(const std::vector<std::string>& circle) const {
    std::vector<std::string> sorted;
    for (const std::string& id : order_)
      if (std::find(circle.begin(), circle.end(), id) != circle.end()) sorted.push_back(id);
    return validation_error("Circular dependency between resources: [" + joined(sorted) + "]");
  }

  const Graph& graph_;
  const std::vector<std::string>& order_;
  std::map<std::string, Mark, std::less<>> marks_;
  std::vector<std::string> open_;
  int next_ = 0;
};

// True as well where `steps` run out: what can't be told in time gets no edge.
bool may_reach(const Graph& graph, const std::string& from, const std::string& to, std::size_t& steps) {
  std::set<std::string_view> seen;
  std::vector<std::string_view> open{from};
  while (!open.empty()) {
    const std::string_view at = open.back();
    open.pop_back();
    if (at == to || steps == 0) return true;
    if (!seen.insert(at).second) continue;
    const auto& edges = graph.find(at)->second;
    steps -= std::min(steps, edges.size() + 1);
    for (const std::string& next : edges) open.push_back(next);
  }
  return false;
}

// Where a type takes its physical name; the names that AWS gives these properties follow the types' own.
std::string literal_name(const std::string& type, const Value& properties) {
  const std::string last = type.substr(type.rfind(':') + 1);
  const Value* found = nullptr;
  if (type == "AWS::Glue::Database" || type == "AWS::Glue::Table") {
    const Value* input = properties.find(last + "Input");
    if (input) found = input->find("Name");
  } else {
    for (const std::string& property : {last + "Name", last + "Identifier", std::string("Name")})
      if (!found) found = properties.find(property);
  }
  return found && found->is_string() && found->as_string().size() > 2 ? found->as_string() : std::string();
}

void each_token(std::string_view text, std::string_view ends, const std::function<void(std::string_view)>& found) {
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(ends);
    if (end > 0) found(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

void each_name(const Value& node, const std::function<void(std::string_view)>& found) {
  if (node.is_list())
    for (const Value& item : node.as_list()) each_name(item, found);
  if (node.is_map())
    for (const ValueMember& member : node.as_map())
      if (member.key != "Tags" && member.key != "Description") each_name(member.value, found);
  if (!node.is_string()) return;
  const std::string_view text = node.as_string();
  found(text);
  if (text.starts_with("arn:") || text.starts_with("s3://")) each_token(text, ":/", found);
  // A name may hold slashes ("/app/url"): in an ARN it stands behind a colon, or behind what kind of thing it is.
  if (text.starts_with("arn:")) {
    each_token(text, ":", found);
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos) found(text.substr(slash));
  }
  for (std::size_t at = text.find("{{resolve:"); at != std::string_view::npos; at = text.find("{{resolve:", at + 1))
    each_token(text.substr(at, text.find("}}", at) - at), ":", found);
}

}  // namespace

void each_reference(const Value& node, const Conditions* conditions, const Found& found) {
  if (node.is_list())
    for (const Value& item : node.as_list()) each_reference(item, conditions, found);
  if (!node.is_map()) return;
  const std::string_view name = function_name(node);
  const Value* argument = name.empty() ? nullptr : &node.as_map()[0].value;
  if (name == "Ref" && argument->is_string()) return found({argument->as_string(), {}});
  if (name == "Fn::GetAtt") return reference_in_get_att(*argument, conditions, found);
  if (name == "Fn::Sub") return reference_in_sub(*argument, conditions, found);
  if (name == "Fn::If" && conditions && argument->is_list() && argument->as_list().size() == 3 &&
      argument->as_list()[0].is_string()) {
    auto it = conditions->find(argument->as_list()[0].as_string());
    if (it != conditions->end()) return each_reference(argument->as_list()[it->second ? 1 : 2], conditions, found);
  }
  for (const ValueMember& member : node.as_map()) each_reference(member.value, conditions, found);
}

void each_if(const Value& node, const std::function<void(const std::string&)>& found) {
  if (node.is_list())
    for (const Value& item : node.as_list()) each_if(item, found);
  if (!node.is_map()) return;
  if (function_name(node) == "Fn::If") {
    const Value& argument = node.as_map()[0].value;
    if (argument.is_list() && !argument.as_list().empty() && argument.as_list()[0].is_string())
      found(argument.as_list()[0].as_string());
  }
  for (const ValueMember& member : node.as_map()) each_if(member.value, found);
}

void check_references(const Value& processed) {
  const Value* conditions = processed.find("Conditions");
  if (conditions) check_conditions_section(*conditions, UnknownNames(processed));
  for (std::string_view section : {"Resources", "Outputs"}) {
    const Value* members = processed.find(section);
    if (!members) continue;
    UnknownNames names(processed);
    for (const ValueMember& member : members->as_map()) {
      check_condition_of(conditions, member.value, section);
      each_dependency(member.value, [&](const std::string& name) { names.take_dependency(name); });
      each_reference(member.value, nullptr, [&](const NamedReference& reference) { names.take(reference); });
      each_if(member.value, [&](const std::string& name) {
        if (!conditions || !conditions->find(name))
          throw validation_error("Template error: unresolved condition dependency " + name + " in Fn::If");
      });
    }
    names.refuse(section);
  }
}

Graph dependency_graph(const Value& processed, const std::vector<std::string>& active, const Conditions& conditions) {
  Graph graph;
  for (const std::string& id : active) graph[id];
  const Value* resources = processed.find("Resources");
  std::map<std::string_view, const Value*> declarations;
  for (const ValueMember& resource : resources->as_map()) declarations[resource.key] = &resource.value;
  std::vector<std::string> absent;
  for (const std::string& id : active) {
    std::set<std::string>& edges = graph[id];
    // DependsOn a resource that is not made is no dependency.
    each_dependency(*declarations[id], [&](const std::string& name) {
      if (graph.contains(name)) edges.insert(name);
    });
    each_reference_of_resource(*declarations[id], &conditions, [&](const NamedReference& reference) {
      if (graph.contains(reference.name)) {
        edges.insert(reference.name);
      } else if (declarations.contains(reference.name)) {
        add_once(absent, reference.name);
      }
    });
  }
  if (!absent.empty())
    throw validation_error("Template format error: Unresolved resource dependencies [" + joined(absent) +
                           "] in the Resources block of the template");
  Circles(graph, active).refuse();
  return graph;
}

void add_literal_names(Graph& graph, const Value& processed, const std::vector<std::string>& active,
                       const std::function<Value(const std::string&)>& properties) {
  std::map<std::string, std::string, std::less<>> owners;  // name → logical id
  std::map<std::string, Value, std::less<>> known;
  const Value& resources = processed.at("Resources");
  std::set<std::string_view> chosen(active.begin(), active.end());
  for (const ValueMember& resource : resources.as_map()) {
    if (!chosen.contains(resource.key)) continue;
    const Value& all = known.emplace(resource.key, properties(resource.key)).first->second;
    const std::string name = literal_name(resource.value.string_or("Type"), all);
    // Of two with one name the first is meant, if one is.
    if (!name.empty()) owners.emplace(name, resource.key);
  }
  if (owners.empty()) return;
  std::size_t steps = limits::max_literal_name_steps;
  for (const std::string& id : active) {
    std::set<std::string>& edges = graph.find(id)->second;
    each_name(known.find(id)->second, [&](std::string_view text) {
      auto owner = owners.find(text);
      if (owner == owners.end() || owner->second == id || edges.contains(owner->second)) return;
      if (!may_reach(graph, owner->second, id, steps)) edges.insert(owner->second);
    });
  }
}

}  // namespace tarn::deploy
