// What conditions and rules decide ("Condition functions", "Rule functions", AWS CloudFormation User Guide).
#include <algorithm>

#include "deploy/functions.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

Error template_error(const std::string& what) {
  return validation_error("Template error: " + what);
}

bool is_subset(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return std::all_of(some.begin(), some.end(),
                     [&](const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
}

// The type that a parameter of the template was declared with, as `existing` wants it.
std::string element_type(const Value& type) {
  return parameter_type(text_of(type)).element;
}

}  // namespace

std::vector<std::string> Resolver::texts(const Value& node, std::string_view function) const {
  const Value value = resolve(node).value_or(Value(""));
  if (!Evaluation::is_resolved(value))
    throw template_error("every " + std::string(function) + " object takes parameters and constants only");
  std::vector<std::string> out;
  if (value.is_list()) {
    for (const Value& item : value.as_list()) out.push_back(text_of(item));
  } else {
    out.push_back(text_of(value));
  }
  return out;
}

// A rule's list of strings: literal ones, Ref, Fn::RefAll, Fn::ValueOf, Fn::ValueOfAll.
std::vector<std::string> Resolver::values_of(const Value& node) const {
  const std::string_view name = function_name(node);
  auto all_of = [&](const std::string& type) {
    auto all = known_.surroundings->existing ? known_.surroundings->existing(type) : std::nullopt;
    if (!all)
      throw Error(
          ErrorKind::unsupported, "NotImplemented",
          "tarn can't tell all that an account has of the parameter type " + type + " (" + std::string(name) + ")");
    return *all;
  };
  auto attribute_of = [&](const std::string& type, const std::string& id, const std::string& attribute) {
    auto value = known_.surroundings->existing_attribute ? known_.surroundings->existing_attribute(type, id, attribute)
                                                         : std::nullopt;
    return value.value_or(std::string());
  };
  if (name == "Fn::RefAll") return all_of(text_of(node.as_map()[0].value));
  if (name == "Fn::ValueOf" || name == "Fn::ValueOfAll") {
    const Value& argument = node.as_map()[0].value;
    if (!argument.is_list() || argument.as_list().size() != 2)
      throw template_error("every " + std::string(name) + " object requires a list of two strings");
    const std::string what = text_of(argument.as_list()[0]), attribute = text_of(argument.as_list()[1]);
    std::vector<std::string> out;
    if (name == "Fn::ValueOfAll") {
      for (const std::string& id : all_of(what)) out.push_back(attribute_of(what, id, attribute));
      return out;
    }
    const Value* type = known_.parameter_types ? known_.parameter_types->find(what) : nullptr;
    if (type) type = type->find("Type");
    if (!type) throw template_error("Fn::ValueOf references undefined parameter " + what);
    for (const std::string& id : texts(Value::map({{"Ref", what}}), name))
      out.push_back(attribute_of(element_type(*type), id, attribute));
    return out;
  }
  if (!node.is_list()) return texts(node, "rule function");
  std::vector<std::string> out;
  for (const Value& item : node.as_list())
    for (std::string& value : values_of(item)) out.push_back(std::move(value));
  return out;
}

bool Resolver::decide_rule(std::string_view name, const Value& argument) const {
  if (!argument.is_list() || argument.as_list().size() != 2)
    throw template_error("every " + std::string(name) + " object requires a list of two parameters");
  const std::vector<std::string> first = values_of(argument.as_list()[0]), second = values_of(argument.as_list()[1]);
  if (name == "Fn::Contains") return is_subset(second, first);
  if (name == "Fn::EachMemberIn") return is_subset(first, second);
  return second.size() == 1 && is_subset(first, second);  // Fn::EachMemberEquals
}

bool Resolver::decide(const Value& node, const std::function<bool(const std::string&)>& decide_condition) const {
  if (!node.is_map() || node.as_map().size() != 1)
    throw validation_error(
        "Template format error: Conditions can only be boolean operations on parameters and other conditions");
  const std::string& name = node.as_map()[0].key;
  const Value& argument = node.as_map()[0].value;
  const std::size_t count = argument.is_list() ? argument.as_list().size() : 0;
  if (name == "Condition") {
    if (!argument.is_string())
      throw validation_error("Template format error: Every Condition member must be a string.");
    return decide_condition(argument.as_string());
  }
  if (name == "Fn::And" || name == "Fn::Or") {
    if (count < 2 || count > 10)
      throw template_error("every " + name +
                           " object requires a list of at least 2 and at most 10 boolean parameters.");
    // All are decided, so that what is wrong in one is not passed over.
    bool all = true, any = false;
    for (const Value& operand : argument.as_list()) {
      const bool value = decide(operand, decide_condition);
      all &= value;
      any |= value;
    }
    return name == "Fn::And" ? all : any;
  }
  if (name == "Fn::Not") {
    if (count != 1) throw template_error("every Fn::Not object requires one boolean parameter.");
    return !decide(argument.as_list()[0], decide_condition);
  }
  if (name == "Fn::Equals") {
    if (count != 2) throw template_error("every Fn::Equals object requires a list of 2 string parameters.");
    return texts(argument.as_list()[0], name) == texts(argument.as_list()[1], name);
  }
  if (name == "Fn::Contains" || name == "Fn::EachMemberIn" || name == "Fn::EachMemberEquals")
    return decide_rule(name, argument);
  throw validation_error(
      "Template format error: Conditions can only be boolean operations on parameters and other conditions");
}

}  // namespace tarn::deploy
