#include "deploy/transforms.hpp"

#include "deploy/language_extensions.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

Error no_such_transform(const std::string& name) {
  return {ErrorKind::unsupported, "NotImplemented",
          "tarn does not have the transform " + name + "; it has AWS::Include and AWS::LanguageExtensions"};
}

Error failed(const std::string& why) {
  return validation_error("Transform AWS::Include failed with: " + why);
}

class Includes {
 public:
  explicit Includes(const Known& known) : known_(known) {}

  // The whole of `node` with every Fn::Transform replaced by what it includes.
  Value apply(const Value& node) const {
    if (node.is_list()) {
      Value out = Value::list();
      for (const Value& item : node.as_list()) out.push_back(apply(item));
      return out;
    }
    if (!node.is_map()) return node;
    if (node.as_map().size() == 1 && node.as_map()[0].key == "Fn::Transform") return content(node.as_map()[0].value);
    Value out = Value::map();
    for (const ValueMember& member : node.as_map()) {
      if (member.key == "Fn::Transform") {
        merge(out, content(member.value));
      } else {
        out.set(member.key, apply(member.value));
      }
    }
    return out;
  }

  // The members of `included` stand beside those that are there; those that are there stay.
  static void merge(Value& into, const Value& included) {
    if (!included.is_map()) throw failed("the content of an include among other members must be a map");
    for (const ValueMember& member : included.as_map())
      if (!into.find(member.key)) into.as_map().push_back(member);
  }

  Value content(const Value& transform) const {
    const std::string name = transform.is_map() ? transform.string_or("Name") : text_of(transform);
    if (name != "AWS::Include") throw no_such_transform(name);
    const Value* parameters = transform.find("Parameters");
    const Value* location = parameters ? parameters->find("Location") : nullptr;
    if (!location) throw failed("the parameter Location is missing");
    const ResourceResults none;
    const Value resolved = Resolver(known_, none).resolve(*location).value_or(Value());
    if (!resolved.is_string()) throw failed("the parameter Location must be known before resources are");
    if (!known_.surroundings->included) throw failed("objects can't be read here");
    const std::string text = known_.surroundings->included(resolved.as_string());
    if (text.size() > limits::max_template_size_bytes) throw failed("the object is too large");
    Template included;
    try {
      if (const std::size_t first = text.find_first_not_of(" \t\r\n"); first != std::string::npos && text[first] == '{')
        read_json(text, included);
      else
        read_yaml(text, included);
    } catch (const Error&) {
      throw failed("The specified S3 object's content should be valid Yaml/JSON");
    }
    return included.body;
  }

 private:
  const Known& known_;
};

bool has_include(const Value& node) {
  if (node.is_list())
    for (const Value& item : node.as_list())
      if (has_include(item)) return true;
  if (node.is_map())
    for (const ValueMember& member : node.as_map())
      if (member.key == "Fn::Transform" || has_include(member.value)) return true;
  return false;
}

}  // namespace

void refuse_unknown_macros(const Value& body) {
  const Value* declared = body.find("Transform");
  if (!declared) return;
  auto refuse = [](const Value& transform) {
    if (!transform.is_map() && !transform.is_string()) return;
    const std::string name = transform.is_map() ? transform.string_or("Name") : text_of(transform);
    if (name != language_extensions && name != "AWS::Include") throw no_such_transform(name);
  };
  if (declared->is_list())
    for (const Value& transform : declared->as_list()) refuse(transform);
  else
    refuse(*declared);
}

Value transformed(const Value& body, const Known& known) {
  const Value* declared = body.find("Transform");
  if (!declared && !has_include(body)) return body;
  const Includes includes(known);
  Value out = includes.apply(body);
  out.erase("Transform");
  bool extensions = false;
  auto take = [&](const Value& transform) {
    const std::string name = transform.is_map() ? transform.string_or("Name") : text_of(transform);
    if (name == language_extensions) {
      extensions = true;
    } else {
      Includes::merge(out, includes.content(transform));
    }
  };
  if (declared && declared->is_list()) {
    for (const Value& transform : declared->as_list()) take(transform);
  } else if (declared) {
    take(*declared);
  }
  if (extensions) extend_language(out, known);
  return out;
}

}  // namespace tarn::deploy
