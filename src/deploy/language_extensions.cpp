#include "deploy/language_extensions.hpp"

#include <algorithm>

#include "deploy/limits.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

Error failed(const std::string& why) {
  return validation_error("Transform AWS::LanguageExtensions failed with: " + why);
}

using Bindings = std::map<std::string, std::string, std::less<>>;

// ${Identifier} is the item as it is, &{Identifier} its letters and digits alone.
std::string substituted(const std::string& text, const Bindings& bindings) {
  if (bindings.empty() || text.find('{') == std::string::npos) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool opens = (text[at] == '$' || text[at] == '&') && text.compare(at + 1, 1, "{") == 0;
    auto bound = bindings.end();
    std::size_t end = 0;
    if (opens)
      for (auto it = bindings.begin(); it != bindings.end() && bound == bindings.end(); ++it)
        if (text.compare(at + 2, it->first.size() + 1, it->first + "}") == 0) bound = it;
    if (bound == bindings.end()) {
      out += text[at++];
      continue;
    }
    end = at + bound->first.size() + 3;
    for (char c : bound->second)
      if (text[at] == '$' || is_alphanumeric(std::string_view(&c, 1))) out += c;
    at = end;
  }
  return out;
}

class Loops {
 public:
  explicit Loops(const Known& known) : known_(known) {}

  // `ids`: the members' names are logical ids, of letters and digits.
  Value expand(const Value& node, const Bindings& bindings, bool ids) {
    if (++nodes_ > limits::max_loop_nodes) throw failed("the loops make too much");
    if (node.is_string()) return substituted(node.as_string(), bindings);
    if (node.is_list()) {
      Value out = Value::list();
      for (const Value& item : node.as_list()) out.push_back(expand(item, bindings, false));
      return out;
    }
    if (!node.is_map()) return node;
    if (function_name(node) == "Ref" && node.as_map()[0].value.is_string()) {
      auto bound = bindings.find(node.as_map()[0].value.as_string());
      if (bound != bindings.end()) return bound->second;
    }
    Value out = Value::map();
    std::set<std::string> names;
    for (const ValueMember& member : node.as_map()) {
      if (member.key.starts_with(loop_prefix))
        loop(member, bindings, ids, out, names);
      else
        add(member, bindings, ids, out, names);
    }
    return out;
  }

 private:
  void add(const ValueMember& member, const Bindings& bindings, bool ids, Value& out, std::set<std::string>& names) {
    std::string name = substituted(member.key, bindings);
    if (ids && !is_alphanumeric(name)) throw failed("LogicalId '" + name + "' should be alphanumeric");
    if (!names.insert(name).second)
      throw failed("Duplicate key '" + name + "' when merging keys to parent object in Fn::ForEach");
    out.as_map().push_back({std::move(name), expand(member.value, bindings, false)});
  }

  void loop(const ValueMember& member, const Bindings& bindings, bool ids, Value& out, std::set<std::string>& names) {
    const Value& spec = member.value;
    if (member.key.size() == loop_prefix.size() || !spec.is_list() || spec.as_list().size() != 3 ||
        !spec.as_list()[0].is_string() || !spec.as_list()[2].is_map() || spec.as_list()[1].is_string())
      throw failed("Fn::ForEach layout is incorrect");
    const std::string& identifier = spec.as_list()[0].as_string();
    const Value& fragment = spec.as_list()[2];
    for (const std::string& item : collection(spec.as_list()[1], bindings)) {
      Bindings inner = bindings;
      inner[identifier] = item;
      for (const ValueMember& part : fragment.as_map()) {
        if (part.key.starts_with(loop_prefix))
          loop(part, inner, ids, out, names);
        else
          add(part, inner, ids, out, names);
      }
    }
  }

  std::vector<std::string> collection(const Value& node, const Bindings& bindings) {
    const ResourceResults none;
    const Value items = Resolver(known_, none).resolve(expand(node, bindings, false)).value_or(Value());
    if (!items.is_list() || !Evaluation::is_resolved(items))
      throw failed("Could not find a collection or could not be resolved for Fn::ForEach");
    std::vector<std::string> out;
    for (const Value& item : items.as_list()) {
      if (item.is_list() || item.is_map()) throw failed("The collection of Fn::ForEach holds what is no string");
      out.push_back(text_of(item));
    }
    return out;
  }

  const Known& known_;
  std::size_t nodes_ = 0;
};

// A loop's name stands once in the whole template, and is no logical id.
void check_loop_names(const Value& node, const Value* resources, std::set<std::string>& seen) {
  if (node.is_list())
    for (const Value& item : node.as_list()) check_loop_names(item, resources, seen);
  if (!node.is_map()) return;
  for (const ValueMember& member : node.as_map()) {
    if (member.key.starts_with(loop_prefix)) {
      const std::string name = member.key.substr(loop_prefix.size());
      if (!seen.insert(name).second) throw failed("The loop name " + name + " is used more than once");
      if (resources && resources->find(name)) throw failed("The loop name " + name + " is a resource's logical id");
    }
    check_loop_names(member.value, resources, seen);
  }
}

// What the plain language can't read, worked out.
class Reduction {
 public:
  explicit Reduction(const Known& known) : resolver_(known, none_) {}

  void apply(Value& node) const {
    if (node.is_list())
      for (Value& item : node.as_list()) apply(item);
    if (!node.is_map()) return;
    for (ValueMember& member : node.as_map()) apply(member.value);
    const std::string name(function_name(node));
    if (name == "Fn::Length" || name == "Fn::ToJsonString" || name == "Fn::FindInMap") {
      const Value value = resolver_.resolve(node).value_or(Value());
      if (Evaluation::is_resolved(value))
        node = value;
      else if (name == "Fn::Length")
        throw failed("The Fn::Length value could not be resolved for properties");
    } else if (name == "Ref" || name == "Fn::GetAtt") {
      Value& argument = node.as_map()[0].value;
      if (!argument.is_string()) argument = text_parts(argument, name);
    }
  }

  // `member` of a resource or an output, which must be text afterwards.
  void to_text(Value& owner, std::string_view member) const {
    Value* found = owner.find(member);
    if (!found || found->is_string()) return;
    auto value = resolver_.resolve(*found);
    if (!value) return owner.erase(member);
    if (!Evaluation::is_resolved(*value)) throw failed(std::string(member) + " could not be resolved");
    *found = *value;
  }

 private:
  Value text_parts(const Value& argument, const std::string& name) const {
    const Value value = resolver_.resolve(argument).value_or(Value());
    if (!Evaluation::is_resolved(value)) throw failed("the argument of " + name + " could not be resolved");
    return value;
  }

  const ResourceResults none_;
  const Resolver resolver_;
};

}  // namespace

void extend_language(Value& body, const Known& known) {
  const Value* resources = body.find("Resources");
  std::set<std::string> seen;
  for (const ValueMember& section : body.as_map()) check_loop_names(section.value, resources, seen);
  Loops loops(known);
  for (std::string_view name : {"Conditions", "Resources", "Outputs"})
    if (Value* section = body.find(name)) *section = loops.expand(*section, {}, true);
  Known with_resources = known;
  if (const Value* made = body.find("Resources"))
    for (const ValueMember& resource : made->as_map()) with_resources.resources.insert(resource.key);
  const Reduction reduction(with_resources);
  for (std::string_view name : {"Conditions", "Resources", "Outputs"}) {
    Value* section = body.find(name);
    if (!section) continue;
    reduction.apply(*section);
    if (name == "Conditions") continue;
    for (ValueMember& member : section->as_map())
      for (std::string_view part : {"Condition", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn"})
        reduction.to_text(member.value, part);
  }
}

}  // namespace tarn::deploy
