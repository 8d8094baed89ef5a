#include "deploy/parameters.hpp"

#include <algorithm>
#include <charconv>

#include "api/pattern.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

std::optional<double> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// One parameter's declaration and the checks that it asks for.
class Declaration {
 public:
  Declaration(const std::string& name, const Value& declared)
      : name_(name), declared_(declared), type_(parameter_type(text_of(declared.at("Type")))) {}

  const ParameterType& type() const { return type_; }

  // Of a parameter in the store these are about its name.
  void check(const std::string& value) const {
    if (value.size() > limits::max_parameter_value_size_bytes)
      throw validation_error("Parameter '" + name_ + "' must be at most " +
                             std::to_string(limits::max_parameter_value_size_bytes) + " bytes long");
    if (!type_.list || type_.stored) return check_one(value);
    for (const std::string& one : comma_separated(value)) check_one(one);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    if (const Value* description = declared_.find("ConstraintDescription"))
      throw validation_error("Parameter " + name_ + " failed to satisfy constraint: " + text_of(*description));
    throw validation_error("Parameter '" + name_ + "' " + what);
  }

  std::optional<double> bound(std::string_view property) const {
    const Value* found = declared_.find(property);
    if (!found) return std::nullopt;
    auto value = number(text_of(*found));
    if (!value)
      throw validation_error("Template format error: Every " + std::string(property) + " member must be a number.");
    return value;
  }

  void check_one(const std::string& value) const {
    if (const Value* allowed = declared_.find("AllowedValues"))
      if (std::none_of(allowed->as_list().begin(), allowed->as_list().end(),
                       [&](const Value& one) { return text_of(one) == value; }))
        refuse("must be one of AllowedValues");
    if (const Value* pattern = declared_.find("AllowedPattern"))
      if (api::match_foreign_pattern(text_of(*pattern), value) == api::PatternMatch::differs)
        refuse("must match pattern " + text_of(*pattern));
    const double length = static_cast<double>(characters(value));
    if (auto least = bound("MinLength"); least && length < *least)
      refuse("must contain at least " + text_of(declared_.at("MinLength")) + " characters");
    if (auto most = bound("MaxLength"); most && length > *most)
      refuse("must contain at most " + text_of(declared_.at("MaxLength")) + " characters");
    if (type_.element != "Number" || type_.stored) return;
    auto given = number(value);
    if (!given) refuse("must be a number");
    if (auto least = bound("MinValue"); least && *given < *least)
      refuse("must be a number not less than " + text_of(declared_.at("MinValue")));
    if (auto most = bound("MaxValue"); most && *given > *most)
      refuse("must be a number not greater than " + text_of(declared_.at("MaxValue")));
  }

  const std::string& name_;
  const Value& declared_;
  ParameterType type_;
};

// Fetches what parameters of type AWS::SSM::Parameter::Value<…> name.
class Store {
 public:
  explicit Store(const Surroundings& surroundings) : surroundings_(surroundings) {}

  void fetch(const ParameterType& type, ParameterValue& into) {
    if (!surroundings_.parameter) return;
    std::string name = into.value;
    std::optional<int64_t> version;
    const std::size_t colon = name.rfind(':');
    if (colon != std::string::npos && name.find_first_not_of("0123456789", colon + 1) == std::string::npos &&
        colon + 1 < name.size() && name.size() - colon < 10) {
      version = std::stoll(name.substr(colon + 1));
      name.resize(colon);
    }
    auto found = surroundings_.parameter(name, version);
    if (!found) {
      missing_.push_back(into.value);
    } else if (found->type == "SecureString") {
      secure_.push_back(into.value);
    } else if ((found->type == "StringList") != type.list) {
      incompatible_.push_back(into.value);
    } else if (type.list) {
      std::string trimmed;
      for (const std::string& one : comma_separated(found->value)) trimmed += "," + one;
      into.resolved = trimmed.substr(1);
    } else {
      into.resolved = found->value;
    }
  }

  void refuse_what_failed() const {
    if (!missing_.empty())
      throw validation_error("Unable to fetch parameters [" + joined(missing_) +
                             "] from parameter store for this account.");
    if (!secure_.empty())
      throw validation_error("Parameters [" + joined(secure_) +
                             "] referenced by template have types not supported by CloudFormation.");
    if (!incompatible_.empty())
      throw validation_error("Types for SSM parameters [" + joined(incompatible_) +
                             "] defined in CFN template and SSM are incompatible");
  }

 private:
  const Surroundings& surroundings_;
  std::vector<std::string> missing_, secure_, incompatible_;
};

// An id of another service's, or the name of a parameter in the store.
void check_existence(const std::string& name, const ParameterType& type, const ParameterValue& value,
                     const Surroundings& surroundings) {
  if (type.element == "String" || type.element == "Number") return;
  const std::string& whole = value.resolved ? *value.resolved : value.value;
  const std::vector<std::string> ids = type.list ? comma_separated(whole) : std::vector<std::string>{whole};
  auto refuse = [&](const std::string& id) {
    return validation_error("Parameter validation failed: parameter value " + id + " for parameter name " + name +
                            " does not exist");
  };
  if (type.element == "AWS::SSM::Parameter::Name") {
    if (surroundings.parameter && !surroundings.parameter(whole, std::nullopt)) throw refuse(whole);
    return;
  }
  if (!surroundings.existing) return;
  const auto all = surroundings.existing(type.element);
  if (!all) return;
  for (const std::string& id : ids)
    if (std::find(all->begin(), all->end(), id) == all->end()) throw refuse(id);
}

void refuse_undeclared(const Value* declared, const ParameterValues& given) {
  std::vector<std::string> unknown;
  for (const auto& [name, value] : given)
    if (!declared || !declared->find(name)) unknown.push_back(name);
  if (!unknown.empty()) throw validation_error("Parameters: [" + joined(unknown) + "] do not exist in the template");
}

void refuse_bad_default(const std::string& name, const Value& declared) {
  const Value* value = declared.find("Default");
  if (!value) return;
  const std::string text = text_of(*value);
  const std::size_t at = text.find("{{resolve:ssm:");
  if (at == std::string::npos) return;
  const std::string inner = text.substr(at + 14, text.find("}}", at) - at - 14);
  if (inner.find(':') == std::string::npos)
    throw validation_error("Template error: parameter " + name + " should not contain ssm versionless resolver");
}

}  // namespace

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\n' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\n' || one.back() == '\t')) one.remove_suffix(1);
    out.emplace_back(one);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Value reference_value(const Value& declaration, const ParameterValue& value) {
  const std::string& text = value.resolved ? *value.resolved : value.value;
  if (!parameter_type(text_of(declaration.at("Type"))).list) return text;
  Value out = Value::list();
  for (std::string& one : comma_separated(text)) out.push_back(std::move(one));
  return out;
}

ParameterValues resolve_parameters(const Value* declared, const ParameterValues& given, const ParameterValues& previous,
                                   const Surroundings& surroundings) {
  refuse_undeclared(declared, given);
  ParameterValues out;
  if (!declared) return out;
  std::vector<std::string> missing;
  for (const ValueMember& parameter : declared->as_map()) {
    refuse_bad_default(parameter.key, parameter.value);
    ParameterValue value;
    const Value* no_echo = parameter.value.find("NoEcho");
    value.no_echo = no_echo && text_of(*no_echo) == "true";
    const auto in_request = given.find(parameter.key);
    const auto in_stack = previous.find(parameter.key);
    const bool uses_previous = in_request != given.end() && in_request->second.use_previous;
    if (in_request != given.end() && !uses_previous) {
      value.value = in_request->second.value;
    } else if (uses_previous && in_stack != previous.end()) {
      value.value = in_stack->second.value;
      value.use_previous = true;
    } else if (const Value* otherwise = parameter.value.find("Default")) {
      value.value = text_of(*otherwise);
    } else {
      missing.push_back(parameter.key);
      continue;
    }
    out.emplace(parameter.key, std::move(value));
  }
  if (!missing.empty()) throw validation_error("Parameters: [" + joined(missing) + "] must have values");
  Store store(surroundings);
  for (auto& [name, value] : out) {
    const Declaration declaration(name, declared->at(name));
    declaration.check(value.value);
    if (declaration.type().stored) store.fetch(declaration.type(), value);
  }
  store.refuse_what_failed();
  for (const auto& [name, value] : out)
    check_existence(name, parameter_type(text_of(declared->at(name).at("Type"))), value, surroundings);
  return out;
}

}  // namespace tarn::deploy
