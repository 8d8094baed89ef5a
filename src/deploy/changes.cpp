// What an update of a stack would change, as change sets tell it ("ResourceChange", AWS CloudFormation API Reference).
#include <algorithm>
#include <functional>
#include <set>

#include "base/json.hpp"
#include "deploy/plan.hpp"

namespace tarn::deploy {
namespace {

namespace cf = api::cloudformation;

std::string word(Replacement r) {
  return r == Replacement::always ? "Always" : r == Replacement::conditionally ? "Conditionally" : "Never";
}

std::string context_of(const Value& properties, const Value* declaration) {
  Value out = Value::map();
  if (!properties.is_null() && !properties.as_map().empty()) out.set("Properties", properties);
  if (declaration)
    for (const char* name : {"Metadata", "DeletionPolicy", "UpdateReplacePolicy"})
      if (const Value* v = declaration->find(name)) out.set(name, *v);
  return to_json(out);
}

std::string shown(const Value& v) {
  return v.is_map() || v.is_list() ? to_json(v) : text_of(v);
}

// The functions that are left in a value, as what causes its change: a resource ("Queue") or an attribute
// ("Queue.Arn").
void find_causes(const Value& v, std::vector<std::pair<std::string, bool>>& out) {
  if (v.is_list())
    for (const Value& one : v.as_list()) find_causes(one, out);
  if (!v.is_map()) return;
  for (const ValueMember& m : v.as_map()) {
    if (m.key == "Ref" && m.value.is_string()) out.emplace_back(m.value.as_string(), false);
    if (m.key == "Fn::GetAtt" && m.value.is_list() && m.value.as_list().size() == 2 &&
        m.value.as_list()[0].is_string() && m.value.as_list()[1].is_string())
      out.emplace_back(m.value.as_list()[0].as_string() + "." + m.value.as_list()[1].as_string(), true);
    if (m.key == "Fn::Sub") {
      const Value& text = m.value.is_list() && !m.value.as_list().empty() ? m.value.as_list()[0] : m.value;
      if (text.is_string())
        for (std::size_t at = 0; (at = text.as_string().find("${", at)) != std::string::npos;) {
          const std::size_t end = text.as_string().find('}', at);
          if (end == std::string::npos) break;
          const std::string name = text.as_string().substr(at + 2, end - at - 2);
          if (!name.starts_with('!')) out.emplace_back(name, name.find('.') != std::string::npos);
          at = end;
        }
    }
    find_causes(m.value, out);
  }
}

const Value* child(const Value* v, std::string_view name) {
  return v ? v->find(name) : nullptr;
}

class Changes {
 public:
  Changes(const Evaluation& after, const Template* before, const ParameterValues& parameters_before,
          const std::map<std::string, ResourceRecord>& resources, const ResourceTypes& types, bool tags_changed)
      : after_(after),
        before_(before),
        parameters_before_(parameters_before),
        resources_(resources),
        types_(types),
        tags_changed_(tags_changed) {}

  std::vector<cf::Change> run() {
    for (const std::string& id : in_order()) {
      auto it = resources_.find(id);
      if (it == resources_.end() || !it->second.exists())
        add(id);
      else
        modify(it->second);
    }
    const auto& declared = after_.resources();
    for (const auto& [id, r] : resources_)
      if (r.exists() && std::find(declared.begin(), declared.end(), id) == declared.end()) remove(r);
    return std::move(out_);
  }

 private:
  // What a resource needs comes before it.
  std::vector<std::string> in_order() const {
    std::vector<std::string> out;
    std::set<std::string> seen;
    std::function<void(const std::string&)> visit = [&](const std::string& id) {
      if (!seen.insert(id).second) return;
      for (const std::string& other : after_.dependencies(id)) visit(other);
      out.push_back(id);
    };
    for (const std::string& id : after_.resources()) visit(id);
    return out;
  }

  cf::ResourceChange& put(const char* action, const std::string& id, const std::string& type) {
    cf::Change& c = out_.emplace_back();
    c.type = "Resource";
    cf::ResourceChange& r = c.resource_change.emplace();
    r.action = action;
    r.logical_resource_id = id;
    r.resource_type = type;
    r.scope.emplace();
    r.details.emplace();
    return r;
  }

  void add(const std::string& id) {
    const Value& declaration = after_.declaration(id);
    auto& r = put("Add", id, declaration.string_or("Type"));
    r.after_context = context_of(after_.properties(id, results(), false), &declaration);
  }

  void remove(const ResourceRecord& record) {
    auto& r = put("Remove", record.logical_id, record.now.type);
    r.physical_resource_id = record.now.physical_id;
    r.policy_action = record.now.deletion_policy == "Delete" ? "Delete" : "Retain";
    r.before_context = context_of(record.now.properties, nullptr);
  }

  // What is new, or will be another, is not known yet.
  ResourceResults results() const {
    ResourceResults out;
    out.ref = [this](std::string_view id) -> std::optional<Value> {
      auto it = resources_.find(std::string(id));
      if (it == resources_.end() || !it->second.exists() || replaced_.contains(it->first)) return std::nullopt;
      return Value(it->second.now.physical_id);
    };
    out.attribute = [this](std::string_view id, std::string_view name) -> std::optional<Value> {
      auto it = resources_.find(std::string(id));
      if (it == resources_.end() || !it->second.exists() || replaced_.contains(it->first) ||
          modified_.contains(it->first))
        return std::nullopt;
      const Value* found = it->second.now.attributes.find(name);
      return found ? std::optional(*found) : std::nullopt;
    };
    return out;
  }

  void modify(const ResourceRecord& record) {
    const std::string& id = record.logical_id;
    Value properties = after_.properties(id, results(), false);
    if (properties.is_null()) properties = Value::map();
    const auto found = differences(record.now.properties, properties);
    const bool nested = record.now.type == "AWS::CloudFormation::Stack";
    const auto attributes = changed_attributes(id);
    if (found.empty() && !tags_changed_ && !nested && attributes.empty()) return;
    if (!found.empty() || tags_changed_ || nested) modified_.insert(id);
    auto& r = put("Modify", id, record.now.type);
    r.physical_resource_id = record.now.physical_id;
    const ResourceType* type = types_.find(record.now.type);
    bool surely = false, perhaps = false;
    for (const PropertyDifference& d : found) {
      const Replacement needs = type ? type->replacement(d.path) : Replacement::never;
      const bool known = !d.after || Evaluation::is_resolved(*d.after);
      surely = surely || (needs == Replacement::always && known);
      perhaps = perhaps || needs != Replacement::never;
      detail(r, d, needs, known);
    }
    for (const std::string& name : attributes) {
      r.scope->push_back(name);
      auto& one = r.details->emplace_back();
      one.target.emplace().attribute = name;
      one.target->requires_recreation = "Never";
      one.evaluation = "Static";
      one.change_source = "DirectModification";
    }
    if (nested) {
      // Its template may have changed behind the same URL.
      auto& one = r.details->emplace_back();
      one.target.emplace().attribute = "Properties";
      one.target->requires_recreation = "Never";
      one.evaluation = "Dynamic";
      one.change_source = "Automatic";
      if (r.scope->empty()) r.scope->push_back("Properties");
    }
    if (tags_changed_ && std::find(r.scope->begin(), r.scope->end(), "Tags") == r.scope->end()) {
      r.scope->push_back("Tags");
      auto& one = r.details->emplace_back();
      one.target.emplace().attribute = "Tags";
      one.target->requires_recreation = "Never";
      one.evaluation = "Static";
      one.change_source = "DirectModification";
    }
    r.replacement = surely ? "True" : perhaps ? "Conditional" : "False";
    if (perhaps) replaced_.insert(id);
    if (surely)
      r.policy_action = record.now.update_replace_policy == "Retain" ? "ReplaceAndRetain" : "ReplaceAndDelete";
    r.before_context = context_of(record.now.properties, before_ ? before_->resource(id) : nullptr);
    r.after_context = context_of(properties, &after_.declaration(id));
  }

  // What beside properties differs in the two templates.
  std::vector<std::string> changed_attributes(const std::string& id) const {
    std::vector<std::string> out;
    const Value* before = before_ ? before_->resource(id) : nullptr;
    if (!before) return out;
    for (const char* name : {"Metadata", "DeletionPolicy", "UpdateReplacePolicy"}) {
      const Value *was = before->find(name), *is = after_.declaration(id).find(name);
      if (was && is ? !(*was == *is) : was != is) out.emplace_back(name);
    }
    return out;
  }

  void detail(cf::ResourceChange& r, const PropertyDifference& d, Replacement needs, bool known) {
    const std::string name = d.path.substr(1, d.path.find('/', 1) - 1);
    const std::string attribute = name == "Tags" ? "Tags" : "Properties";
    if (std::find(r.scope->begin(), r.scope->end(), attribute) == r.scope->end()) r.scope->push_back(attribute);
    cf::ResourceTargetDefinition target;
    target.attribute = attribute;
    target.name = name;
    target.path = "/Properties" + d.path;
    target.requires_recreation = word(needs);
    target.attribute_change_type = !d.before ? "Add" : !d.after ? "Remove" : "Modify";
    if (d.before) target.before_value = shown(*d.before);
    if (d.after && known) target.after_value = shown(*d.after);
    auto push = [&](const char* evaluation, const char* source, const std::string& cause) {
      auto& one = r.details->emplace_back();
      one.target = target;
      one.evaluation = evaluation;
      one.change_source = source;
      if (!cause.empty()) one.causing_entity = cause;
    };
    if (!known) {
      std::vector<std::pair<std::string, bool>> causes;
      find_causes(*d.after, causes);
      for (const auto& [cause, is_attribute] : causes)
        push("Dynamic", is_attribute ? "ResourceAttribute" : "ResourceReference", cause);
      if (causes.empty()) push("Dynamic", "DirectModification", "");
    }
    const std::string id = *r.logical_resource_id;
    const Value* now = child(child(&after_.declaration(id), "Properties"), name);
    const Value* before = before_ ? child(child(before_->resource(id), "Properties"), name) : nullptr;
    if (!before_ || !now || !before || *now != *before) return push("Static", "DirectModification", "");
    std::vector<std::pair<std::string, bool>> causes;
    find_causes(*now, causes);
    for (const auto& [cause, is_attribute] : causes) {
      auto old = parameters_before_.find(cause);
      auto given = after_.parameters().find(cause);
      if (given != after_.parameters().end() &&
          (old == parameters_before_.end() || old->second.value != given->second.value))
        push("Static", "ParameterReference", cause);
    }
  }

  const Evaluation& after_;
  const Template* before_;
  const ParameterValues& parameters_before_;
  const std::map<std::string, ResourceRecord>& resources_;
  const ResourceTypes& types_;
  const bool tags_changed_;
  std::set<std::string> modified_, replaced_;
  std::vector<cf::Change> out_;
};

}  // namespace

std::vector<api::cloudformation::Change> changes_of(const Evaluation& after, const Template* before,
                                                    const ParameterValues& parameters_before,
                                                    const std::map<std::string, ResourceRecord>& resources,
                                                    const ResourceTypes& types, bool tags_changed) {
  return Changes(after, before, parameters_before, resources, types, tags_changed).run();
}

}  // namespace tarn::deploy
