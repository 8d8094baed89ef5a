#include "deploy/functions.hpp"

#include <algorithm>
#include <charconv>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

Error template_error(const std::string& what) {
  return validation_error("Template error: " + what);
}

std::optional<int64_t> whole_number(const Value& v) {
  if (v.is_int()) return v.as_int();
  if (!v.is_string()) return std::nullopt;
  const std::string& text = v.as_string();
  int64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::size_t size_of(const Value& v) {
  std::size_t out = sizeof v;
  if (v.is_string()) out += v.as_string().size();
  if (v.is_list())
    for (const Value& item : v.as_list()) out += size_of(item);
  if (v.is_map())
    for (const ValueMember& member : v.as_map()) out += member.key.size() + size_of(member.value);
  return out;
}

bool is_scalar(const Value& v) {
  return v.is_string() || v.is_bool() || v.is_number();
}

}  // namespace

std::string_view function_name(const Value& node) {
  if (!node.is_map() || node.as_map().size() != 1) return {};
  const std::string& key = node.as_map()[0].key;
  if (key == "Ref" || key.starts_with("Fn::")) return key;
  return {};
}

Resolver::Function Resolver::find(std::string_view name) {
  static const std::map<std::string_view, Function> functions = {{"Ref", &Resolver::ref},
                                                                 {"Fn::GetAtt", &Resolver::get_att},
                                                                 {"Fn::Sub", &Resolver::sub},
                                                                 {"Fn::If", &Resolver::if_},
                                                                 {"Fn::FindInMap", &Resolver::find_in_map},
                                                                 {"Fn::Join", &Resolver::join},
                                                                 {"Fn::Select", &Resolver::select},
                                                                 {"Fn::Split", &Resolver::split},
                                                                 {"Fn::Base64", &Resolver::base64},
                                                                 {"Fn::Cidr", &Resolver::cidr},
                                                                 {"Fn::GetAZs", &Resolver::get_azs},
                                                                 {"Fn::ImportValue", &Resolver::import_value},
                                                                 {"Fn::Length", &Resolver::length},
                                                                 {"Fn::ToJsonString", &Resolver::to_json_string}};
  auto it = functions.find(name);
  return it == functions.end() ? nullptr : it->second;
}

std::optional<Value> Resolver::resolve(const Value& node) const {
  if (node.is_map()) {
    if (const std::string_view name = function_name(node); !name.empty()) {
      const Function function = find(name);
      if (!function) throw template_error("unknown function " + std::string(name) + ", or one that can't stand here");
      return (this->*function)(node, node.as_map()[0].value);
    }
    Value out = Value::map();
    for (const ValueMember& member : node.as_map())
      if (auto value = resolve(member.value)) out.as_map().push_back({member.key, std::move(*value)});
    return out;
  }
  if (node.is_list()) {
    Value out = Value::list();
    for (const Value& item : node.as_list())
      if (auto value = resolve(item)) out.push_back(std::move(*value));
    return out;
  }
  return node;
}

std::optional<Value> Resolver::ref(const Value& node, const Value& argument) const {
  const Value name = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(name)) return node;
  if (!name.is_string()) throw template_error("Ref must name a parameter or a resource");
  if (name.as_string() == "AWS::NoValue") return std::nullopt;
  auto it = known_.references.find(name.as_string());
  if (it != known_.references.end()) return it->second;
  if (!known_.resources.contains(name.as_string()))
    throw validation_error("Template format error: Unresolved resource dependencies [" + name.as_string() +
                           "] in the Resources block of the template");
  auto value = results_.ref ? results_.ref(name.as_string()) : std::nullopt;
  return value ? std::move(*value) : node;
}

std::optional<Value> Resolver::attribute(const std::string& logical_id, const std::string& name) const {
  if (!known_.resources.contains(logical_id))
    throw template_error("instance of Fn::GetAtt references undefined resource " + logical_id);
  return results_.attribute ? results_.attribute(logical_id, name) : std::nullopt;
}

std::optional<Value> Resolver::get_att(const Value& node, const Value& argument) const {
  const Value args = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(args)) return node;
  std::string whole;
  if (args.is_string()) {
    whole = args.as_string();
  } else if (args.is_list()) {
    for (const Value& part : args.as_list()) whole += (&part == args.as_list().data() ? "" : ".") + text_of(part);
  }
  const std::size_t dot = whole.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == whole.size())
    throw template_error(
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute");
  auto value = attribute(whole.substr(0, dot), whole.substr(dot + 1));
  return value ? std::move(*value) : node;
}

std::vector<SubPart> sub_parts(const std::string& text) {
  std::vector<SubPart> out;
  std::string literal;
  auto flush = [&] {
    if (!literal.empty()) out.push_back({std::move(literal), false});
    literal.clear();
  };
  const std::size_t last = text.rfind('}');
  for (std::size_t at = 0; at < text.size();) {
    const bool opens = last != std::string::npos && at < last && text.compare(at, 2, "${") == 0;
    const std::size_t end = opens ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      literal += text[at++];
      continue;
    }
    std::string name = text.substr(at + 2, end - at - 2);
    at = end + 1;
    if (name.starts_with('!')) {
      literal += "${" + name.substr(1) + "}";
      continue;
    }
    const std::size_t begin = name.find_first_not_of(' ');
    name = begin == std::string::npos ? std::string() : name.substr(begin, name.find_last_not_of(' ') - begin + 1);
    const bool fits = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '_' || c == '.' || c == ':';
    });
    if (!fits)
      throw template_error(
          "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and "
          "colons");
    flush();
    out.push_back({std::move(name), true});
  }
  flush();
  return out;
}

// Absent: not known yet.
std::optional<Value> Resolver::variable(const std::string& name) const {
  if (name == "AWS::NoValue") return Value("");
  if (auto it = known_.references.find(name); it != known_.references.end()) return it->second;
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) return attribute(name.substr(0, dot), name.substr(dot + 1));
  if (!known_.resources.contains(name))
    throw validation_error("Template format error: Unresolved resource dependencies [" + name +
                           "] in the Resources block of the template");
  return results_.ref ? results_.ref(name) : std::nullopt;
}

std::optional<Value> Resolver::sub(const Value& node, const Value& argument) const {
  const bool with_map = argument.is_list() && argument.as_list().size() == 2 && argument.as_list()[0].is_string() &&
                        argument.as_list()[1].is_map();
  if (!argument.is_string() && !with_map)
    throw template_error(
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, "
        "and an optional second argument to specify a mapping of values to replace in the string");
  const std::string& text = with_map ? argument.as_list()[0].as_string() : argument.as_string();
  Value own;
  if (with_map) own = resolve(argument.as_list()[1]).value_or(Value::map());
  std::string out;
  bool known = true;
  for (const SubPart& part : sub_parts(text)) {
    if (!part.variable) {
      out += part.text;
      continue;
    }
    std::optional<Value> value;
    if (const Value* local = own.find(part.text)) {
      if (Evaluation::is_resolved(*local)) value = *local;
    } else {
      value = variable(part.text);
    }
    if (!value) {
      known = false;
    } else if (!is_scalar(*value)) {
      throw template_error("Fn::Sub expression does not resolve to a string: ${" + part.text + "}");
    } else {
      out += text_of(*value);
    }
  }
  return known ? Value(out) : node;
}

std::optional<Value> Resolver::if_(const Value& node, const Value& argument) const {
  if (!argument.is_list() || argument.as_list().size() != 3)
    throw template_error("Fn::If requires a list argument with three elements");
  const Value name = resolve(argument.as_list()[0]).value_or(Value());
  if (!Evaluation::is_resolved(name) || !known_.conditions) return node;
  if (!name.is_string())
    throw template_error("Fn::If requires a list argument with the first element being a condition");
  auto it = known_.conditions->find(name.as_string());
  if (it == known_.conditions->end())
    throw template_error("unresolved condition dependency " + name.as_string() + " in Fn::If");
  return resolve(argument.as_list()[it->second ? 1 : 2]);
}

std::optional<Value> Resolver::find_in_map(const Value& node, const Value& argument) const {
  const std::size_t count = argument.is_list() ? argument.as_list().size() : 0;
  const Value* otherwise = count == 4 ? argument.as_list()[3].find("DefaultValue") : nullptr;
  if (count != 3 && !(otherwise && known_.extensions))
    throw template_error(
        "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return "
        "value");
  std::string names[3];
  for (std::size_t i = 0; i < 3; i++) {
    const Value name = resolve(argument.as_list()[i]).value_or(Value());
    if (!Evaluation::is_resolved(name)) return node;
    if (!is_scalar(name))
      throw template_error(
          "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return "
          "value");
    names[i] = text_of(name);
  }
  const Value* found = known_.mappings ? known_.mappings->find(names[0]) : nullptr;
  if (!found && !otherwise)
    throw template_error("Mapping named '" + names[0] + "' is not present in the 'Mappings' section of template.");
  if (found) found = found->find(names[1]);
  if (found) found = found->find(names[2]);
  if (found) {
    if ((copied_ += size_of(*found)) > limits::max_mapped_size_bytes)
      throw template_error("Fn::FindInMap gives more than " + std::to_string(limits::max_mapped_size_bytes) +
                           " bytes to one resource");
    return *found;
  }
  if (otherwise) return resolve(*otherwise);
  throw template_error("Unable to get mapping for " + names[0] + "::" + names[1] + "::" + names[2]);
}

std::optional<Value> Resolver::join(const Value& node, const Value& argument) const {
  auto refuse = [] {
    return template_error(
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined "
        "or a function that returns a list of strings (such as Fn::GetAZs) to be joined.");
  };
  if (!argument.is_list() || argument.as_list().size() != 2 || !is_scalar(argument.as_list()[0])) throw refuse();
  const Value items = resolve(argument.as_list()[1]).value_or(Value());
  if (items.is_list() || Evaluation::is_resolved(items)) {
    if (!items.is_list()) throw refuse();
    for (const Value& item : items.as_list())
      if (Evaluation::is_resolved(item) && !is_scalar(item)) throw refuse();
  }
  if (!Evaluation::is_resolved(items)) return node;
  std::string out;
  for (std::size_t i = 0; i < items.as_list().size(); i++)
    out += (i ? text_of(argument.as_list()[0]) : std::string()) + text_of(items.as_list()[i]);
  return out;
}

std::optional<Value> Resolver::select(const Value& node, const Value& argument) const {
  auto refuse = [] {
    return template_error("Fn::Select requires a list argument with two elements: an integer index and a list");
  };
  if (!argument.is_list() || argument.as_list().size() != 2) throw refuse();
  const Value index = resolve(argument.as_list()[0]).value_or(Value());
  const Value items = resolve(argument.as_list()[1]).value_or(Value());
  if (!Evaluation::is_resolved(index)) return node;
  auto at = whole_number(index);
  if (!at) throw refuse();
  if (!items.is_list()) {
    if (!Evaluation::is_resolved(items)) return node;
    throw refuse();
  }
  if (*at < 0 || static_cast<std::size_t>(*at) >= items.as_list().size())
    throw template_error("Fn::Select cannot select nonexistent value at index " + std::to_string(*at));
  const Value& chosen = items.as_list()[static_cast<std::size_t>(*at)];
  return Evaluation::is_resolved(chosen) ? chosen : node;
}

std::optional<Value> Resolver::split(const Value& node, const Value& argument) const {
  auto refuse = [] {
    return template_error(
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a "
        "function that returns a string to be split.");
  };
  if (!argument.is_list() || argument.as_list().size() != 2) throw refuse();
  const Value& delimiter = argument.as_list()[0];
  if (!delimiter.is_string() || delimiter.as_string().empty()) throw refuse();
  const Value text = resolve(argument.as_list()[1]).value_or(Value());
  if (!Evaluation::is_resolved(text)) return node;
  if (!is_scalar(text)) throw refuse();
  const std::string whole = text_of(text);
  Value out = Value::list();
  for (std::size_t at = 0;;) {
    const std::size_t end = whole.find(delimiter.as_string(), at);
    out.push_back(whole.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos) return out;
    at = end + delimiter.as_string().size();
  }
}

std::optional<Value> Resolver::base64(const Value& node, const Value& argument) const {
  const Value text = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(text)) return node;
  if (!is_scalar(text)) throw template_error("every Fn::Base64 object must have a String-typed value.");
  return Value(base64_encode(text_of(text)));
}

std::optional<Value> Resolver::cidr(const Value& node, const Value& argument) const {
  const Value args = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(args)) return node;
  const std::size_t size = args.is_list() ? args.as_list().size() : 0;
  if (size != 2 && size != 3)
    throw template_error("every Fn::Cidr object requires two or three parameters: ipBlock, count and cidrBits");
  auto count = whole_number(args.as_list()[1]);
  // Without bits AWS divides an IPv4 block into parts of 2^8 addresses.
  auto bits = size == 3 ? whole_number(args.as_list()[2]) : std::optional<int64_t>(8);
  if (!args.as_list()[0].is_string() || !count || !bits)
    throw template_error("every Fn::Cidr object requires an ipBlock and integers as count and cidrBits");
  Value out = Value::list();
  for (std::string& block : cidr_blocks(args.as_list()[0].as_string(), *count, *bits)) out.push_back(std::move(block));
  return out;
}

std::optional<Value> Resolver::get_azs(const Value& node, const Value& argument) const {
  Value region = resolve(argument).value_or(Value(""));
  if (!Evaluation::is_resolved(region)) return node;
  if (!region.is_string()) throw template_error("every Fn::GetAZs object must have a String-typed value.");
  if (region.as_string().empty()) region = known_.references.at("AWS::Region");
  if (!known_.surroundings->availability_zones) return node;
  Value out = Value::list();
  for (std::string& zone : known_.surroundings->availability_zones(region.as_string())) out.push_back(std::move(zone));
  return out;
}

std::optional<Value> Resolver::import_value(const Value& node, const Value& argument) const {
  const Value name = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(name)) return node;
  if (!is_scalar(name)) throw template_error("the attribute in Fn::ImportValue must be a string");
  if (!known_.surroundings->exported) return node;
  auto value = known_.surroundings->exported(text_of(name));
  if (!value) throw validation_error("No export named " + text_of(name) + " found.");
  return Value(*value);
}

std::optional<Value> Resolver::length(const Value& node, const Value& argument) const {
  if (!known_.extensions) throw template_error("Fn::Length needs the transform AWS::LanguageExtensions");
  const Value items = resolve(argument).value_or(Value());
  if (items.is_list()) return Value(items.as_list().size());
  if (!Evaluation::is_resolved(items)) return node;
  throw template_error("Fn::Length requires a list");
}

std::optional<Value> Resolver::to_json_string(const Value& node, const Value& argument) const {
  if (!known_.extensions) throw template_error("Fn::ToJsonString needs the transform AWS::LanguageExtensions");
  const Value whole = resolve(argument).value_or(Value());
  if (!Evaluation::is_resolved(whole)) return node;
  if (!whole.is_map() && !whole.is_list()) throw template_error("Fn::ToJsonString requires an object or an array");
  return Value(to_json(whole));
}

}  // namespace tarn::deploy
