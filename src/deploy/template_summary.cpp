#include "deploy/template_summary.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "deploy/references.hpp"
#include "deploy/template_check.hpp"

namespace tarn::deploy {
namespace {

std::optional<std::string> text_at(const Value& owner, std::string_view name) {
  const Value* found = owner.find(name);
  return found ? std::optional(text_of(*found)) : std::nullopt;
}

DeclaredParameter declared_parameter(const std::string& name, const Value& declared) {
  DeclaredParameter out;
  out.name = name;
  out.type = text_of(declared.at("Type"));
  out.description = text_at(declared, "Description").value_or("");
  out.constraint_description = text_at(declared, "ConstraintDescription").value_or("");
  out.default_value = text_at(declared, "Default");
  out.no_echo = text_at(declared, "NoEcho") == "true";
  if (const Value* allowed = declared.find("AllowedValues"))
    for (const Value& value : allowed->as_list()) out.allowed_values.push_back(text_of(value));
  out.allowed_pattern = text_at(declared, "AllowedPattern");
  out.min_length = text_at(declared, "MinLength");
  out.max_length = text_at(declared, "MaxLength");
  out.min_value = text_at(declared, "MinValue");
  out.max_value = text_at(declared, "MaxValue");
  return out;
}

// The property that gives an IAM entity a name of its own; empty for types that have none.
std::string_view name_property(std::string_view type) {
  static constexpr std::pair<std::string_view, std::string_view> properties[] = {
      {"AWS::IAM::Role", "RoleName"},
      {"AWS::IAM::User", "UserName"},
      {"AWS::IAM::Group", "GroupName"},
      {"AWS::IAM::ManagedPolicy", "ManagedPolicyName"},
      {"AWS::IAM::InstanceProfile", "InstanceProfileName"}};
  for (auto [name, property] : properties)
    if (type == name) return property;
  return {};
}

bool needs_iam(std::string_view type) {
  static constexpr std::string_view types[] = {"AWS::IAM::AccessKey",
                                               "AWS::IAM::Group",
                                               "AWS::IAM::InstanceProfile",
                                               "AWS::IAM::ManagedPolicy",
                                               "AWS::IAM::Policy",
                                               "AWS::IAM::Role",
                                               "AWS::IAM::User",
                                               "AWS::IAM::UserToGroupAddition"};
  return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// Loops carry their resources within.
void each_resource(const Value& section, const std::function<void(const std::string&, const Value&)>& found) {
  for (const ValueMember& member : section.as_map()) {
    if (member.key.starts_with(loop_prefix)) {
      if (member.value.is_list() && member.value.as_list().size() == 3 && member.value.as_list()[2].is_map())
        each_resource(member.value.as_list()[2], found);
    } else if (member.value.is_map()) {
      found(member.key, member.value);
    }
  }
}

bool has_transform(const Value& node) {
  if (node.is_list()) return std::any_of(node.as_list().begin(), node.as_list().end(), has_transform);
  if (!node.is_map()) return false;
  return std::any_of(node.as_map().begin(), node.as_map().end(), [](const ValueMember& member) {
    return member.key == "Fn::Transform" || has_transform(member.value);
  });
}

void tell_capabilities(const Value& resources, TemplateSummary& out) {
  bool iam = false, named = false;
  std::vector<std::string> reasons;
  each_resource(resources, [&](const std::string&, const Value& resource) {
    const std::string type = resource.string_or("Type");
    if (!needs_iam(type)) return;
    iam = true;
    add_once(reasons, type);
    const Value* properties = resource.find("Properties");
    const std::string_view name = name_property(type);
    if (!name.empty() && properties && properties->find(name)) named = true;
  });
  if (iam) out.capabilities.push_back(named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM");
  if (!out.declared_transforms.empty()) {
    out.capabilities.push_back("CAPABILITY_AUTO_EXPAND");
    for (const std::string& transform : out.declared_transforms) add_once(reasons, transform);
  }
  if (reasons.empty()) return;
  std::sort(reasons.begin(), reasons.end());
  for (const std::string& reason : reasons)
    out.capabilities_reason += (out.capabilities_reason.empty() ? "" : ", ") + reason;
  out.capabilities_reason = "The following resource(s) require capabilities: [" + out.capabilities_reason + "]";
}

}  // namespace

TemplateSummary summarize(const Template& source) {
  TemplateSummary out;
  const Value& body = source.body;
  out.version = text_at(body, "AWSTemplateFormatVersion").value_or("");
  out.description = text_at(body, "Description");
  if (const Value* metadata = body.find("Metadata")) out.metadata = to_json(*metadata);
  if (const Value* parameters = body.find("Parameters"))
    for (const ValueMember& parameter : parameters->as_map())
      out.parameters.push_back(declared_parameter(parameter.key, parameter.value));
  out.declared_transforms = declared_transforms(body);
  if (has_transform(body)) add_once(out.declared_transforms, "AWS::Include");
  if (out.declared_transforms.empty()) {
    check_structure(body, false);
    check_references(body);
  }
  const Value* resources = body.find("Resources");
  if (!resources) return out;
  each_resource(*resources, [&](const std::string& id, const Value& resource) {
    const std::string type = resource.string_or("Type");
    add_once(out.resource_types, type);
    auto group = std::find_if(out.logical_ids.begin(), out.logical_ids.end(),
                              [&](const auto& one) { return one.first == type; });
    if (group == out.logical_ids.end()) group = out.logical_ids.insert(group, {type, {}});
    group->second.push_back(id);
  });
  tell_capabilities(*resources, out);
  return out;
}

}  // namespace tarn::deploy
