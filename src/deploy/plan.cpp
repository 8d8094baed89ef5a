#include "deploy/plan.hpp"

#include <algorithm>
#include <functional>

#include "base/error.hpp"

namespace tarn::deploy {
namespace {

struct Finding {
  std::string logical_id, type, path, message;
  std::size_t line = 0;
};

class Check {
 public:
  Check(const Evaluation& evaluation, const ResourceTypes& types) : evaluation_(evaluation), types_(types) {}

  void run() {
    for (const std::string& id : evaluation_.resources()) resource(id);
    for (const Evaluation::Output& o : evaluation_.outputs())
      attributes(o.value, "Outputs/" + o.name, evaluation_.source().position("/Outputs/" + o.name).line);
    report();
  }

 private:
  void add(const std::string& id, const std::string& type, const std::string& path, const std::string& message) {
    std::string at = "/Resources/" + id + path;
    findings_.push_back({id, type, path, message, evaluation_.source().position(at).line});
  }

  void resource(const std::string& id) {
    const Value& declaration = evaluation_.declaration(id);
    const std::string type_name = declaration.string_or("Type");
    const ResourceType* type = types_.find(type_name);
    if (!type) {
      const std::string why = types_.refusal(type_name);
      const bool unknown = why.starts_with("Template format error");
      if (unknown && std::find(unknown_.begin(), unknown_.end(), type_name) == unknown_.end())
        unknown_.push_back(type_name);
      return add(id, type_name, "/Type", unknown ? "there is no such type" : why);
    }
    const Value properties = evaluation_.properties(id, ResourceResults(), false);
    for (const PropertyProblem& p : type->check(properties.is_null() ? Value::map() : properties))
      add(id, type_name, "/Properties" + p.path, p.message);
    policies(id, type_name, declaration);
    attributes(declaration, id, evaluation_.source().position("/Resources/" + id).line);
  }

  void policies(const std::string& id, const std::string& type, const Value& declaration) {
    for (const char* name : {"CreationPolicy", "UpdatePolicy"})
      if (declaration.find(name)) add(id, type, std::string("/") + name, std::string("tarn does not act by a ") + name);
    for (const char* name : {"DeletionPolicy", "UpdateReplacePolicy"})
      if (evaluation_.policy(id, name) == "Snapshot")
        add(id, type, std::string("/") + name, "tarn takes no snapshots of what it removes");
  }

  // Fn::GetAtt and Fn::Sub of attributes that the type does not have.
  void attributes(const Value& v, const std::string& where, std::size_t line) {
    if (v.is_list())
      for (const Value& one : v.as_list()) attributes(one, where, line);
    if (!v.is_map()) return;
    for (const ValueMember& m : v.as_map()) {
      if (m.key == "Fn::GetAtt" && m.value.is_list() && m.value.as_list().size() == 2) {
        const Value &id = m.value.as_list()[0], &name = m.value.as_list()[1];
        if (id.is_string() && name.is_string()) attribute(id.as_string(), name.as_string(), where, line);
      } else if (m.key == "Fn::Sub") {
        substitution(m.value, where, line);
      }
      attributes(m.value, where, line);
    }
  }

  void substitution(const Value& v, const std::string& where, std::size_t line) {
    const Value* text = v.is_string() ? &v : v.is_list() && !v.as_list().empty() ? &v.as_list()[0] : nullptr;
    if (!text || !text->is_string()) return;
    const std::string& s = text->as_string();
    for (std::size_t at = 0; (at = s.find("${", at)) != s.npos;) {
      const std::size_t end = s.find('}', at);
      if (end == s.npos) return;
      const std::string name = s.substr(at + 2, end - at - 2);
      at = end;
      const std::size_t dot = name.find('.');
      if (!name.starts_with('!') && dot != name.npos && evaluation_.source().resource(name.substr(0, dot)))
        attribute(name.substr(0, dot), name.substr(dot + 1), where, line);
    }
  }

  void attribute(const std::string& id, const std::string& name, const std::string& where, std::size_t line) {
    const Value* declaration = evaluation_.processed().find("Resources");
    declaration = declaration ? declaration->find(id) : nullptr;
    if (!declaration) return;
    const std::string type_name = declaration->string_or("Type");
    const ResourceType* type = types_.find(type_name);
    if (type && !type->has_attribute(name))
      findings_.push_back(
          {where, type_name, "",
           "Template error: resource " + id + " does not support attribute type " + name + " in Fn::GetAtt", line});
  }

  void report() const {
    if (findings_.empty()) return;
    std::string out;
    if (!unknown_.empty()) {
      out = "Template format error: Unrecognized resource types: [";
      for (const std::string& t : unknown_) out += (out.back() == '[' ? "" : ", ") + t;
      out += "]\n";
    }
    const std::size_t most = 50;
    for (std::size_t i = 0; i < findings_.size() && i < most; ++i) {
      const Finding& f = findings_[i];
      out += f.logical_id + " (" + f.type + ")";
      if (f.line) out += ", line " + std::to_string(f.line);
      if (!f.path.empty()) out += ", " + f.path;
      out += ": " + f.message + "\n";
    }
    if (findings_.size() > most) out += "and " + std::to_string(findings_.size() - most) + " more\n";
    out.pop_back();
    throw Error(ErrorKind::caller, "ValidationError", out);
  }

  const Evaluation& evaluation_;
  const ResourceTypes& types_;
  std::vector<Finding> findings_;
  std::vector<std::string> unknown_;
};

}  // namespace

void check_resources(const Evaluation& evaluation, const ResourceTypes& types) {
  Check(evaluation, types).run();
}

void check_capabilities(const std::vector<std::string>& needed, const std::vector<std::string>& given, bool macros) {
  auto has = [&](const char* name) { return std::find(given.begin(), given.end(), name) != given.end(); };
  std::string missing;
  for (const std::string& name : needed) {
    if (name == "CAPABILITY_AUTO_EXPAND" && !macros) continue;
    if (has(name.c_str()) || (name == "CAPABILITY_IAM" && has("CAPABILITY_NAMED_IAM"))) continue;
    missing += (missing.empty() ? "" : ", ") + name;
  }
  if (!missing.empty())
    throw Error(ErrorKind::caller, "InsufficientCapabilitiesException", "Requires capabilities : [" + missing + "]");
}

void check_resource_types(const Evaluation& evaluation, const std::vector<std::string>& allowed) {
  for (const std::string& id : evaluation.resources()) {
    const std::string type = evaluation.declaration(id).string_or("Type");
    const bool fits = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& a) {
      return a == type || (a.ends_with('*') && type.starts_with(a.substr(0, a.size() - 1)));
    });
    if (!fits)
      throw Error(ErrorKind::caller, "ValidationError",
                  "Resource type " + type + " is not allowed by parameter ResourceTypes");
  }
}

}  // namespace tarn::deploy
