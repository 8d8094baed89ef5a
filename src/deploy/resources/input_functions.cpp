#include "deploy/resources/input_functions.hpp"

#include <array>
#include <utility>

#include "base/json.hpp"

namespace tarn::deploy {
namespace {

Value only_true(const Value& v, const Scope&) {
  return v.is_bool() && v.as_bool() ? v : Value();
}

Value only_false(const Value& v, const Scope&) {
  return v.is_bool() && !v.as_bool() ? v : Value();
}

Value as_json(const Value& v, const Scope&) {
  return v.is_string() ? v : Value(to_json(v));
}

Value last(const Value& v, const Scope&) {
  return v.is_string() ? Value(last_part(v.as_string())) : v;
}

Value only_arn(const Value& v, const Scope&) {
  return v.is_string() && v.as_string().starts_with("arn:") ? v : Value();
}

// CreateBucket wants no location for us-east-1.
Value location(const Value& v, const Scope&) {
  return v.is_string() && v.as_string() == "us-east-1" ? Value() : v;
}

// An empty list, map or text is none.
Value unless_empty(const Value& v, const Scope&) {
  if (v.is_list() && v.as_list().empty()) return {};
  if (v.is_map() && v.as_map().empty()) return {};
  if (v.is_string() && v.as_string().empty()) return {};
  return v;
}

Value enabled(const Value& v, const Scope&) {
  return v.is_bool() ? Value(v.as_bool() ? "Enabled" : "Disabled") : v;
}

Value last_but_one(const Value& v, const Scope&) {
  const std::string& text = v.as_string();
  const std::string_view last = last_part(text);
  if (last.size() == text.size()) return v;
  return Value(last_part(std::string_view(text).substr(0, text.size() - last.size() - 1)));
}

bool is_default_bus(const Value& v) {
  return !v.is_string() || last_part(v.as_string()) == "default";
}

// A parameter's name as its ARN has it.
Value rooted(const Value& v, const Scope&) {
  return v.as_string().starts_with('/') ? v : Value("/" + v.as_string());
}

// A rule's ARN names its bus when it is not the default one; so does its id.
Value bus_path(const Value& v, const Scope&) {
  return is_default_bus(v) ? Value("") : Value(std::string(last_part(v.as_string())) + "/");
}
Value bus_prefix(const Value& v, const Scope&) {
  return is_default_bus(v) ? Value("") : Value(std::string(last_part(v.as_string())) + "|");
}

// The bus's policy ({read}) with this statement in the place of the one that has its id.
Value bus_policy(const Value& statement, const Scope& scope) {
  Value own = statement.is_string() ? parse_json(statement.as_string()) : statement;
  const std::string id = scope.properties.string_or("StatementId");
  own.set("Sid", id);
  Value policy = Value::map({{"Version", "2012-10-17"}});
  if (const std::string text = scope.read.string_or("Policy"); !text.empty()) policy = parse_json(text);
  Value statements = Value::list();
  if (const Value* old = policy.find("Statement"); old && old->is_list())
    for (const Value& one : old->as_list())
      if (one.string_or("Sid") != id) statements.push_back(one);
  statements.push_back(std::move(own));
  policy.set("Statement", std::move(statements));
  return Value(to_json(policy));
}

// What a key has when nobody says who may use it.
Value default_key_policy(const Value& account, const Scope&) {
  const Value root = Value::map({{"AWS", "arn:aws:iam::" + account.as_string() + ":root"}});
  return Value::map({{"Version", "2012-10-17"},
                     {"Id", "key-default-1"},
                     {"Statement", Value::list({Value::map({{"Sid", "Enable IAM User Permissions"},
                                                            {"Effect", "Allow"},
                                                            {"Principal", root},
                                                            {"Action", "kms:*"},
                                                            {"Resource", "*"}})})}});
}

// A list of versions with their weights is a map in Lambda's operations.
Value version_weights(const Value& v, const Scope&) {
  Value out = Value::map();
  if (v.is_list())
    for (const Value& one : v.as_list())
      if (const Value* weight = one.find("FunctionWeight")) out.set(one.string_or("FunctionVersion"), *weight);
  return out;
}

// A deployment that moves an alias at once.
Value all_at_once(const Value& v, const Scope&) {
  const Value* version = v.find("StateMachineVersionArn");
  if (!version) return {};
  return Value::list({Value::map({{"StateMachineVersionArn", *version}, {"Weight", 100}})});
}

void remove_absent(const Value& before, const Value& now, std::initializer_list<const char*> names, Value& out) {
  for (const char* name : names)
    if (before.find(name) && !now.find(name)) out.set("Remove" + std::string(name), true);
}

// A workgroup's configuration as changes to it: what was there before and is no more is removed.
Value workgroup_updates(const Value& v, const Scope& scope) {
  static const Value none = Value::map();
  Value out = Value::map();
  for (const auto& [key, value] : v.as_map())
    if (key != "ResultConfiguration" && key != "ManagedQueryResultsConfiguration") out.set(key, value);
  const Value *old = scope.before.find("WorkGroupConfiguration"), *results = v.find("ResultConfiguration");
  const Value* old_results = old ? old->find("ResultConfiguration") : nullptr;
  remove_absent(old ? *old : none, v, {"BytesScannedCutoffPerQuery"}, out);
  if (results || old_results) {
    Value changes = results ? *results : none;
    remove_absent(old_results ? *old_results : none, results ? *results : none,
                  {"OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"}, changes);
    out.set("ResultConfigurationUpdates", std::move(changes));
  }
  return out;
}

constexpr std::array<std::pair<std::string_view, InputFunction>, 17> functions{
    {{"true", only_true},
     {"false", only_false},
     {"json", as_json},
     {"last", last},
     {"location", location},
     {"filled", unless_empty},
     {"enabled", enabled},
     {"last_but_one", last_but_one},
     {"rooted", rooted},
     {"arn", only_arn},
     {"bus_path", bus_path},
     {"bus_prefix", bus_prefix},
     {"bus_policy", bus_policy},
     {"default_key_policy", default_key_policy},
     {"version_weights", version_weights},
     {"all_at_once", all_at_once},
     {"workgroup_updates", workgroup_updates}}};

}  // namespace

InputFunction find_input_function(std::string_view name) {
  for (const auto& [known, function] : functions)
    if (known == name) return function;
  if (const InputFunction function = find_code_function(name)) return function;
  if (const InputFunction function = find_network_function(name)) return function;
  return find_bucket_function(name);
}

std::string_view last_part(std::string_view id) {
  const std::size_t at = id.find_last_of("/:|");
  return at == id.npos ? id : id.substr(at + 1);
}

}  // namespace tarn::deploy
