#include "deploy/template_check.hpp"

#include <algorithm>
#include <initializer_list>

#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"
#include "deploy/transforms.hpp"

namespace tarn::deploy {
namespace {

using Names = std::initializer_list<std::string_view>;

Error format_error(const std::string& what) {
  return validation_error("Template format error: " + what);
}

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_scalar(const Value& v) {
  return !v.is_null() && !v.is_map() && !v.is_list();
}

void refuse_null(const Value& node, std::string& path) {
  if (node.is_null()) throw format_error("[" + path + "] 'null' values are not allowed in templates");
  const std::size_t length = path.size();
  if (node.is_map())
    for (const ValueMember& member : node.as_map()) {
      path += '/' + member.key;
      refuse_null(member.value, path);
      path.resize(length);
    }
  if (node.is_list())
    for (std::size_t i = 0; i < node.as_list().size(); i++) {
      path += '/' + std::to_string(i);
      refuse_null(node.as_list()[i], path);
      path.resize(length);
    }
}

// The section, which is a map; nullptr when the template has none.
const Value* section(const Value& body, std::string_view name) {
  const Value* found = body.find(name);
  if (found && !found->is_map()) throw format_error("[/" + std::string(name) + "] must be an object");
  return found;
}

void check_count(std::string_view what, std::size_t count, std::size_t most) {
  if (count > most)
    throw format_error("Number of " + std::string(what) + ", " + std::to_string(count) +
                       ", is greater than maximum allowed, " + std::to_string(most));
}

void check_name(std::string_view what, const std::string& name) {
  if (!is_alphanumeric(name)) throw format_error(std::string(what) + " name " + name + " is non alphanumeric.");
  if (name.size() > limits::max_name_size_bytes)
    throw format_error(std::string(what) + " name " + name + " is longer than " +
                       std::to_string(limits::max_name_size_bytes) + " characters.");
}

// What transforms are still to change: includes and macros, loops and functions in places that take none else.
struct Stage {
  bool includes = false, extensions = false;
};

// A loop or an include that transforms will replace by members.
bool is_for_transforms(const ValueMember& member, Stage stage) {
  return (stage.extensions && member.key.starts_with(loop_prefix)) || (stage.includes && member.key == "Fn::Transform");
}

void check_head(const Value& body) {
  refuse_unknown_macros(body);
  std::string unknown;
  for (const ValueMember& member : body.as_map())
    if (!contains({"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings",
                   "Conditions", "Transform", "Resources", "Outputs", "Hooks", "Fn::Transform"},
                  member.key))
      unknown += (unknown.empty() ? "" : ", ") + member.key;
  if (!unknown.empty()) throw validation_error("Invalid template property or properties [" + unknown + "]");
  if (body.find("Hooks"))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have the template section Hooks (blue/green deployments of ECS)");
  if (const Value* version = body.find("AWSTemplateFormatVersion"); version && text_of(*version) != "2010-09-09")
    throw format_error("unsupported value for AWSTemplateFormatVersion.");
  if (const Value* description = body.find("Description")) {
    if (!is_scalar(*description)) throw format_error("[/Description] must be a string");
    if (text_of(*description).size() > limits::max_template_description_size_bytes)
      throw format_error("'Description' length is greater than " +
                         std::to_string(limits::max_template_description_size_bytes));
  }
  section(body, "Metadata");
}

void check_parameter(const ValueMember& parameter) {
  check_name("Parameter", parameter.key);
  const std::string path = "[/Parameters/" + parameter.key;
  if (!parameter.value.is_map()) throw format_error(path + "] Every Parameters member must be an object.");
  for (const ValueMember& property : parameter.value.as_map()) {
    if (!contains({"Type", "Default", "NoEcho", "AllowedValues", "AllowedPattern", "MaxLength", "MinLength", "MaxValue",
                   "MinValue", "Description", "ConstraintDescription"},
                  property.key))
      throw validation_error("Invalid template parameter property '" + property.key + "'");
    if (property.key == "AllowedValues") {
      if (!property.value.is_list()) throw format_error(path + "/AllowedValues] must be a list");
      for (const Value& allowed : property.value.as_list())
        if (!is_scalar(allowed))
          throw format_error(path + "/AllowedValues] Every AllowedValues value must be a string.");
    } else if (!is_scalar(property.value)) {
      throw format_error(path + "] Every " + property.key + " member must be a string.");
    }
  }
  const Value* type = parameter.value.find("Type");
  if (!type) throw format_error(path + "] Every Parameters object must contain a Type member.");
  if (!parameter_type(text_of(*type)).known) throw format_error("Unrecognized parameter type: " + text_of(*type));
}

void check_mappings(const Value& mappings) {
  check_count("mappings", mappings.as_map().size(), limits::max_mappings);
  for (const ValueMember& mapping : mappings.as_map()) {
    if (mapping.key == "Fn::Transform") continue;
    check_name("Mapping", mapping.key);
    const std::string path = "[/Mappings/" + mapping.key;
    if (!mapping.value.is_map()) throw format_error(path + "] Every Mappings member must be a map");
    check_count("attributes in mapping " + mapping.key, mapping.value.as_map().size(), limits::max_mapping_attributes);
    for (const ValueMember& key : mapping.value.as_map()) {
      if (mapping.key == "Fn::Transform" || key.key == "Fn::Transform") continue;
      if (!key.value.is_map()) throw format_error(path + "/" + key.key + "] Every Mappings attribute must be a map");
      check_count("attributes in mapping " + mapping.key + "/" + key.key, key.value.as_map().size(),
                  limits::max_mapping_attributes);
      for (const ValueMember& attribute : key.value.as_map())
        if (attribute.value.is_map() && attribute.key != "Fn::Transform")
          throw format_error(path + "/" + key.key + "/" + attribute.key +
                             "] Every Mappings attribute must be a String or a List.");
    }
  }
}

void check_rule(const ValueMember& rule) {
  check_name("Rule", rule.key);
  const std::string path = "[/Rules/" + rule.key;
  if (!rule.value.is_map()) throw format_error(path + "] Every Rules member must be an object.");
  for (const ValueMember& property : rule.value.as_map())
    if (property.key != "RuleCondition" && property.key != "Assertions")
      throw validation_error("Invalid template rule property '" + property.key + "'");
  const Value* assertions = rule.value.find("Assertions");
  if (!assertions || !assertions->is_list() || assertions->as_list().empty())
    throw format_error(path + "] Every Rules object must contain a list of Assertions.");
  for (const Value& assertion : assertions->as_list())
    if (!assertion.find("Assert")) throw format_error(path + "/Assertions] Every assertion must contain an Assert.");
}

void check_policy(const ValueMember& resource, std::string_view name, const Value& policy, Stage stage) {
  if (policy.is_map() && stage.extensions) return;
  if (!is_scalar(policy)) throw format_error("Every " + std::string(name) + " member must be a string.");
  const std::string text = text_of(policy);
  if (!contains({"Delete", "Retain", "Snapshot"}, text) &&
      !(text == "RetainExceptOnCreate" && name == "DeletionPolicy"))
    throw format_error("Unrecognized " + std::string(name) + " " + text + " for resource " + resource.key);
  const std::string type = resource.value.string_or("Type");
  if (text == "Snapshot" && !contains({"AWS::DocDB::DBCluster", "AWS::EC2::Volume", "AWS::ElastiCache::CacheCluster",
                                       "AWS::ElastiCache::ReplicationGroup", "AWS::Neptune::DBCluster",
                                       "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::Redshift::Cluster"},
                                      type))
    throw validation_error("Template error: resource type " + type + " does not support " +
                           (name == "DeletionPolicy" ? "deletion policy" : "update replace policy") + " Snapshot");
}

void check_resource_attribute(const ValueMember& resource, const ValueMember& attribute, Stage stage) {
  const std::string path = "[/Resources/" + resource.key + "/" + attribute.key + "] ";
  const std::string& name = attribute.key;
  const Value& value = attribute.value;
  if (name == "Properties" || name == "Metadata" || name == "CreationPolicy" || name == "UpdatePolicy") {
    if (!value.is_map()) throw format_error(path + "must be an object");
  } else if (name == "DependsOn") {
    bool fits = value.is_string();
    if (value.is_list())
      fits = std::all_of(value.as_list().begin(), value.as_list().end(),
                         [&](const Value& v) { return v.is_string() || (stage.extensions && v.is_map()); });
    if (!fits && !(stage.extensions && value.is_map()))
      throw format_error("DependsOn must be a string or list of strings.");
  } else if (name == "Condition") {
    if (!value.is_string() && !(stage.extensions && value.is_map()))
      throw format_error("Every Condition member must be a string.");
  } else if (name == "DeletionPolicy" || name == "UpdateReplacePolicy") {
    check_policy(resource, name, value, stage);
  } else if (name != "Type" && name != "Description" && !is_for_transforms(attribute, stage)) {
    throw validation_error("Invalid template resource property '" + name + "'");
  }
}

void check_resource(const ValueMember& resource, Stage stage) {
  if (is_for_transforms(resource, stage)) return;
  if (resource.key.starts_with(loop_prefix) || !resource.value.is_map())
    throw format_error("[/Resources/" + resource.key + "] resource definition is malformed");
  check_name("Resource", resource.key);
  if (stage.includes && resource.value.find("Fn::Transform")) return;
  const Value* type = resource.value.find("Type");
  if (!type) throw format_error("[/Resources/" + resource.key + "] Every Resources object must contain a Type member.");
  if (!type->is_string()) throw format_error("[/Resources/" + resource.key + "/Type] must be a string");
  for (const ValueMember& attribute : resource.value.as_map()) check_resource_attribute(resource, attribute, stage);
}

void check_output(const ValueMember& output, Stage stage) {
  if (is_for_transforms(output, stage)) return;
  check_name("Output", output.key);
  const std::string path = "[/Outputs/" + output.key;
  if (!output.value.is_map()) throw format_error(path + "] Every Outputs member must be an object.");
  for (const ValueMember& property : output.value.as_map())
    if (!contains({"Value", "Description", "Export", "Condition", "Fn::Transform"}, property.key))
      throw validation_error("Invalid template output property '" + property.key + "'");
  if (!output.value.find("Value") && !(stage.includes && output.value.find("Fn::Transform")))
    throw format_error(path + "] Every Outputs member must contain a Value object");
  if (const Value* exported = output.value.find("Export"))
    if (!exported->is_map() || !exported->find("Name") || exported->as_map().size() != 1)
      throw format_error(path + "/Export] must be an object with a Name");
  if (const Value* condition = output.value.find("Condition");
      condition && !condition->is_string() && !(stage.extensions && condition->is_map()))
    throw format_error("Every Condition member must be a string.");
}

void check_transform(const Value& transform) {
  if (transform.is_string()) return;
  if (transform.is_map()) {
    if (!transform.find("Name") || !transform.find("Name")->is_string())
      throw format_error("Every Transform object must contain a Name member.");
    return;
  }
  if (!transform.is_list()) throw format_error("[/Transform] must be a string, an object or a list of these");
  for (const Value& one : transform.as_list())
    if (one.is_list())
      throw format_error("[/Transform] must be a string, an object or a list of these");
    else
      check_transform(one);
}

}  // namespace

bool is_alphanumeric(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

ParameterType parameter_type(std::string_view name) {
  ParameterType out;
  auto unwrap = [&](std::string_view prefix) {
    if (!name.starts_with(prefix) || !name.ends_with('>')) return false;
    name.remove_prefix(prefix.size());
    name.remove_suffix(1);
    return true;
  };
  out.stored = unwrap("AWS::SSM::Parameter::Value<");
  out.list = unwrap("List<");
  if (name == "CommaDelimitedList" && !out.list) {
    out.list = true;
    name = "String";
  }
  out.element = name;
  out.known = contains({"String", "Number", "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id",
                        "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName", "AWS::EC2::SecurityGroup::GroupName",
                        "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::VPC::Id",
                        "AWS::EC2::Volume::Id", "AWS::Route53::HostedZone::Id", "AWS::SSM::Parameter::Name"},
                       name) &&
              !(out.list && name == "AWS::SSM::Parameter::Name") && !(out.stored && name == "Number");
  return out;
}

std::vector<std::string> declared_transforms(const Value& body) {
  std::vector<std::string> out;
  auto add = [&](const Value& one) { out.push_back(one.is_map() ? one.string_or("Name") : text_of(one)); };
  if (const Value* transform = body.find("Transform")) {
    if (transform->is_list()) {
      for (const Value& one : transform->as_list()) add(one);
    } else {
      add(*transform);
    }
  }
  return out;
}

void check_structure(const Value& body, bool before_transforms) {
  if (!body.is_map()) throw format_error("unsupported structure.");
  check_head(body);
  std::string path;
  refuse_null(body, path);
  if (const Value* transform = body.find("Transform")) check_transform(*transform);
  const std::vector<std::string> transforms = declared_transforms(body);
  const Stage stage{before_transforms, before_transforms && std::find(transforms.begin(), transforms.end(),
                                                                      language_extensions) != transforms.end()};
  if (const Value* parameters = section(body, "Parameters")) {
    check_count("parameters", parameters->as_map().size(), limits::max_parameters);
    for (const ValueMember& parameter : parameters->as_map()) check_parameter(parameter);
  }
  if (const Value* mappings = section(body, "Mappings")) check_mappings(*mappings);
  if (const Value* rules = section(body, "Rules"))
    for (const ValueMember& rule : rules->as_map()) check_rule(rule);
  if (const Value* conditions = section(body, "Conditions"))
    for (const ValueMember& condition : conditions->as_map())
      if (!condition.value.is_map() && !is_for_transforms(condition, stage))
        throw format_error("Conditions can only be boolean operations on parameters and other conditions");
  const Value* resources = section(body, "Resources");
  const bool included = before_transforms && body.find("Fn::Transform");
  if ((!resources || resources->as_map().empty()) && !included)
    throw format_error("At least one Resources member must be defined.");
  if (resources) {
    check_count("resources", resources->as_map().size(), limits::max_resources);
    for (const ValueMember& resource : resources->as_map()) check_resource(resource, stage);
  }
  if (const Value* outputs = section(body, "Outputs")) {
    check_count("outputs", outputs->as_map().size(), limits::max_outputs);
    for (const ValueMember& output : outputs->as_map()) check_output(output, stage);
  }
}

}  // namespace tarn::deploy
