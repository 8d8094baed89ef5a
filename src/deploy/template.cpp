#include "deploy/template.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "deploy/functions.hpp"
#include "deploy/limits.hpp"
#include "deploy/parameters.hpp"
#include "deploy/references.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"
#include "deploy/transforms.hpp"

namespace tarn::deploy {

Position Template::position(std::string_view path) const {
  for (;;) {
    if (auto it = positions.find(path); it != positions.end()) return it->second;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos || slash == 0) return {1, 1};
    path = path.substr(0, slash);
  }
}

const Value* Template::resource(std::string_view logical_id) const {
  const Value* resources = body.find("Resources");
  return resources ? resources->find(logical_id) : nullptr;
}

Template parse_template(std::string_view text) {
  if (text.size() > limits::max_template_size_bytes)
    throw validation_error("Template may not exceed " + std::to_string(limits::max_template_size_bytes) +
                           " bytes in size.");
  Template out;
  out.text = text;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{')
    read_json(text, out);
  else
    read_yaml(text, out);
  check_structure(out.body, true);
  return out;
}

std::string text_of(const Value& value) {
  if (value.is_string()) return value.as_string();
  return to_json(value);
}

struct EvaluationState {
  Template source;
  Value processed;
  ParameterValues parameters;
  Surroundings surroundings;
  Known known;
  std::vector<std::string> active;
  std::map<std::string_view, const Value*, std::less<>> declarations;
  Graph graph;

  EvaluationState(Template given_source, PseudoParameters pseudo, Surroundings given_surroundings)
      : source(std::move(given_source)), surroundings(std::move(given_surroundings)) {
    known.surroundings = &surroundings;
    auto& references = known.references;
    references["AWS::AccountId"] = pseudo.account;
    references["AWS::Region"] = pseudo.region;
    references["AWS::StackId"] = pseudo.stack_id;
    references["AWS::StackName"] = pseudo.stack_name;
    const bool china = pseudo.region.starts_with("cn-");
    references["AWS::Partition"] = china ? "aws-cn" : pseudo.region.starts_with("us-gov-") ? "aws-us-gov" : "aws";
    references["AWS::URLSuffix"] = china ? "amazonaws.com.cn" : "amazonaws.com";
    references["AWS::NotificationARNs"] = Value::list();
    for (std::string& arn : pseudo.notification_arns) references["AWS::NotificationARNs"].push_back(std::move(arn));
  }

  void give_parameters(const ParameterValues& given, const ParameterValues& previous) {
    const Value* declared = source.body.find("Parameters");
    parameters = resolve_parameters(declared, given, previous, surroundings);
    for (const auto& [name, value] : parameters) known.references[name] = reference_value(declared->at(name), value);
  }

  void transform() {
    const std::vector<std::string> transforms = declared_transforms(source.body);
    known.extensions = std::find(transforms.begin(), transforms.end(), language_extensions) != transforms.end();
    known.mappings = source.body.find("Mappings");
    processed = transformed(source.body, known);
    check_structure(processed, false);
    known.mappings = processed.find("Mappings");
    known.parameter_types = processed.find("Parameters");
    for (const ValueMember& resource : processed.at("Resources").as_map()) {
      known.resources.insert(resource.key);
      declarations[resource.key] = &resource.value;
    }
  }

  void decide_conditions() {
    Conditions decided;
    const Value* section = processed.find("Conditions");
    const ResourceResults none;
    const Resolver resolver(known, none);
    std::vector<std::string> open;
    std::function<bool(const std::string&)> decide = [&](const std::string& name) {
      if (auto it = decided.find(name); it != decided.end()) return it->second;
      const Value* condition = section ? section->find(name) : nullptr;
      if (!condition)
        throw validation_error("Template error: unresolved condition dependency " + name + " in Condition");
      if (std::find(open.begin(), open.end(), name) != open.end()) {
        std::string names;
        for (const std::string& one : open) names += (names.empty() ? "" : ", ") + one;
        throw validation_error("Template error: Found circular condition dependency: [" + names + "]");
      }
      open.push_back(name);
      const bool value = resolver.decide(*condition, decide);
      open.pop_back();
      return decided[name] = value;
    };
    if (section)
      for (const ValueMember& condition : section->as_map()) decide(condition.key);
    known.conditions = std::move(decided);
  }

  void check_rules() const {
    const Value* rules = processed.find("Rules");
    if (!rules) return;
    const ResourceResults none;
    const Resolver resolver(known, none);
    auto no_conditions = [](const std::string& name) -> bool {
      throw validation_error("Template error: unresolved condition dependency " + name + " in Rules");
    };
    for (const ValueMember& rule : rules->as_map()) {
      if (const Value* when = rule.value.find("RuleCondition"); when && !resolver.decide(*when, no_conditions))
        continue;
      for (const Value& assertion : rule.value.at("Assertions").as_list()) {
        if (resolver.decide(assertion.at("Assert"), no_conditions)) continue;
        const Value* description = assertion.find("AssertDescription");
        throw validation_error("Template error: rule " + rule.key + " is not satisfied" +
                               (description ? ": " + text_of(*description) : std::string()));
      }
    }
  }

  bool holds(const Value& member) const {
    const Value* name = member.find("Condition");
    if (!name || !name->is_string()) return true;
    auto it = known.conditions->find(name->as_string());
    return it != known.conditions->end() && it->second;
  }

  Value resolved(const Value& node, const ResourceResults& results, bool with_secrets) const {
    Value out = Resolver(known, results).resolve(node).value_or(Value());
    return with_secrets ? fill_dynamic_references(std::move(out), surroundings) : out;
  }

  Value properties(std::string_view id, const ResourceResults& results, bool with_secrets) const {
    const auto it = declarations.find(id);
    TARN_ASSERT(it != declarations.end());
    const Value* found = it->second->find("Properties");
    return found ? resolved(*found, results, with_secrets) : Value::map();
  }

  void build_graph() {
    for (const ValueMember& resource : processed.at("Resources").as_map())
      if (holds(resource.value)) active.push_back(resource.key);
    graph = dependency_graph(processed, active, *known.conditions);
    const ResourceResults none;
    add_literal_names(graph, processed, active, [&](const std::string& id) {
      Value all = properties(id, none, false);
      check_dynamic_references(all);
      return all;
    });
  }

  void check_outputs() const {
    const Value* outputs = processed.find("Outputs");
    if (!outputs) return;
    const ResourceResults none;
    std::string absent;
    for (const ValueMember& output : outputs->as_map()) {
      if (!holds(output.value)) continue;
      each_reference(output.value, &*known.conditions, [&](const NamedReference& reference) {
        if (known.resources.contains(reference.name) && !graph.contains(reference.name))
          absent += (absent.empty() ? "" : ", ") + reference.name;
      });
      if (!absent.empty()) continue;
      const Value all = resolved(output.value, none, false);
      const Value* value = all.find("Value");
      const Value* exported = all.find("Export");
      if (!value || value->is_list() || (value->is_map() && Evaluation::is_resolved(*value)))
        throw validation_error(
            "Template format error: The Value field of every Outputs member must evaluate to a String.");
      const Value* name = exported ? exported->find("Name") : nullptr;
      if (exported && (!name || name->is_list() || (name->is_map() && Evaluation::is_resolved(*name))))
        throw validation_error(
            "Template format error: The Name field of every Export member must evaluate to a String.");
    }
    if (!absent.empty())
      throw validation_error("Template format error: Unresolved resource dependencies [" + absent +
                             "] in the Outputs block of the template");
  }
};

Evaluation::Evaluation(Template source, const ParameterValues& given, const ParameterValues& previous,
                       PseudoParameters pseudo, Surroundings surroundings) {
  auto state = std::make_shared<EvaluationState>(std::move(source), std::move(pseudo), std::move(surroundings));
  state->give_parameters(given, previous);
  state->transform();
  check_references(state->processed);
  state->check_rules();
  state->decide_conditions();
  state->build_graph();
  state->check_outputs();
  state_ = std::move(state);
}

const Template& Evaluation::source() const {
  return state_->source;
}
const Value& Evaluation::processed() const {
  return state_->processed;
}
const ParameterValues& Evaluation::parameters() const {
  return state_->parameters;
}
const std::vector<std::string>& Evaluation::resources() const {
  return state_->active;
}

const Value& Evaluation::declaration(std::string_view logical_id) const {
  const auto it = state_->declarations.find(logical_id);
  TARN_ASSERT(it != state_->declarations.end());
  return *it->second;
}

const std::set<std::string>& Evaluation::dependencies(std::string_view logical_id) const {
  const auto it = state_->graph.find(logical_id);
  TARN_ASSERT(it != state_->graph.end());
  return it->second;
}

bool Evaluation::condition(std::string_view name) const {
  const auto it = state_->known.conditions->find(name);
  return it != state_->known.conditions->end() && it->second;
}

Value Evaluation::properties(std::string_view logical_id, const ResourceResults& results, bool with_secrets) const {
  return state_->properties(logical_id, results, with_secrets);
}

std::string Evaluation::policy(std::string_view logical_id, std::string_view name) const {
  const Value* found = declaration(logical_id).find(name);
  return found ? text_of(*found) : std::string();
}

Value Evaluation::resolve(const Value& node, const ResourceResults& results, bool with_secrets) const {
  return state_->resolved(node, results, with_secrets);
}

bool Evaluation::is_resolved(const Value& node) {
  if (node.is_list()) return std::all_of(node.as_list().begin(), node.as_list().end(), is_resolved);
  if (!node.is_map()) return true;
  return function_name(node).empty() && std::all_of(node.as_map().begin(), node.as_map().end(),
                                                    [](const ValueMember& m) { return is_resolved(m.value); });
}

std::vector<Evaluation::Output> Evaluation::outputs() const {
  std::vector<Output> out;
  const Value* section = state_->processed.find("Outputs");
  if (!section) return out;
  for (const ValueMember& output : section->as_map()) {
    if (!state_->holds(output.value)) continue;
    Output one{output.key, {}, output.value.at("Value"), std::nullopt};
    if (const Value* description = output.value.find("Description")) one.description = text_of(*description);
    if (const Value* exported = output.value.find("Export")) one.export_name = exported->at("Name");
    out.push_back(std::move(one));
  }
  return out;
}

std::set<std::string> Evaluation::imports() const {
  std::set<std::string> out;
  const ResourceResults none;
  std::function<void(const Value&)> visit = [&](const Value& node) {
    if (node.is_list())
      for (const Value& item : node.as_list()) visit(item);
    if (!node.is_map()) return;
    const std::string_view name = function_name(node);
    if (name == "Fn::ImportValue") {
      const Value exported = state_->resolved(node.as_map()[0].value, none, false);
      if (exported.is_string()) out.insert(exported.as_string());
    }
    if (name == "Fn::If") {
      const Value& argument = node.as_map()[0].value;
      return visit(argument.as_list()[condition(text_of(argument.as_list()[0])) ? 1 : 2]);
    }
    for (const ValueMember& member : node.as_map()) visit(member.value);
  };
  for (const std::string& id : state_->active) visit(declaration(id));
  for (const Output& output : outputs()) visit(output.value);
  return out;
}

}  // namespace tarn::deploy
