#include <algorithm>

#include "gateway/iam/records.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

bool exists(meta::Reader& reader, const std::string& account, const std::string& arn) {
  // AWS's own policies stand in every account.
  return arn.starts_with("arn:aws:iam::aws:policy/") || reader.get("iam.policy", meta::key({account, arn}));
}

void change(const Services& s, const EntityType& type, Context& c, const Value& in,
            const std::function<void(meta::Transaction&, Value&)>& edit) {
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    Value record = get(t, type, c.account(), in.at(type.member("Name")).as_string());
    check_modifiable(type, record);
    edit(t, record);
    put(t, type, c.account(), record);
  });
}

void register_attached(const Services& s, const EntityType& type) {
  const std::string n(type.name);
  s.operations.add("iam:Attach" + n + "Policy", [s, &type](Context& c, const Value& in) {
    const Value& arn = in.at("PolicyArn");
    change(s, type, c, in, [&](meta::Transaction& t, Value& record) {
      if (!exists(t, c.account(), arn.as_string()))
        no_such_entity("Policy " + arn.as_string() + " does not exist or is not attachable.");
      Value& attached = record["Attached"];
      if (attached.is_null()) attached = Value::list();
      auto& list = attached.as_list();
      if (std::find(list.begin(), list.end(), arn) == list.end()) list.push_back(arn);
    });
    return Value::map();
  });
  s.operations.add("iam:Detach" + n + "Policy", [s, &type](Context& c, const Value& in) {
    const Value& arn = in.at("PolicyArn");
    change(s, type, c, in, [&](meta::Transaction&, Value& record) {
      Value* attached = record.find("Attached");
      if (!attached || !attached->is_list() || !std::erase(attached->as_list(), arn))
        no_such_entity("Policy " + arn.as_string() + " was not found.");
    });
    return Value::map();
  });
  s.operations.add("iam:ListAttached" + n + "Policies", [s, &type](Context& c, const Value& in) {
    Value record = get(s.metadata, type, c.account(), in.at(type.member("Name")).as_string());
    ValueList rows;
    if (const Value* attached = record.find("Attached"))
      for (const Value& arn : attached->as_list())
        rows.push_back(
            Value::map({{"PolicyName", arn.as_string().substr(arn.as_string().rfind('/') + 1)}, {"PolicyArn", arn}}));
    return page(in, "AttachedPolicies", rows, [](const Value& v) { return v.at("PolicyArn").as_string(); });
  });
}

void register_inline(const Services& s, const EntityType& type) {
  const std::string n(type.name);
  auto missing = [&type](const Value& in) {
    no_such_entity("The " + std::string(type.arn_name) + " policy with name " + in.at("PolicyName").as_string() +
                   " cannot be found.");
  };
  s.operations.add("iam:Put" + n + "Policy", [s, &type](Context& c, const Value& in) {
    govern::check_policy(in.at("PolicyDocument").as_string(), govern::PolicyKind::identity);
    change(s, type, c, in, [&](meta::Transaction&, Value& record) {
      record["Inline"].set(in.at("PolicyName").as_string(), in.at("PolicyDocument"));
    });
    return Value::map();
  });
  s.operations.add("iam:Get" + n + "Policy", [s, &type, missing](Context& c, const Value& in) {
    Value record = get(s.metadata, type, c.account(), in.at(type.member("Name")).as_string());
    const Value* all = record.find("Inline");
    const Value* document = all ? all->find(in.at("PolicyName").as_string()) : nullptr;
    if (!document) missing(in);
    return Value::map({{type.member("Name"), in.at(type.member("Name"))},
                       {"PolicyName", in.at("PolicyName")},
                       {"PolicyDocument", encode_document(document->as_string())}});
  });
  s.operations.add("iam:Delete" + n + "Policy", [s, &type, missing](Context& c, const Value& in) {
    change(s, type, c, in, [&](meta::Transaction&, Value& record) {
      Value* all = record.find("Inline");
      if (!all || !all->find(in.at("PolicyName").as_string())) missing(in);
      all->erase(in.at("PolicyName").as_string());
    });
    return Value::map();
  });
  s.operations.add("iam:List" + n + "Policies", [s, &type](Context& c, const Value& in) {
    Value record = get(s.metadata, type, c.account(), in.at(type.member("Name")).as_string());
    ValueList names;
    if (const Value* all = record.find("Inline"))
      for (const auto& policy : all->as_map()) names.push_back(policy.key);
    std::sort(names.begin(), names.end(), [](const Value& a, const Value& b) { return a.as_string() < b.as_string(); });
    return page(in, "PolicyNames", names, [](const Value& v) { return v.as_string(); });
  });
}

}  // namespace

void register_attached_policies(const Services& s) {
  for (const EntityType* type : {&user, &group, &role}) {
    register_attached(s, *type);
    register_inline(s, *type);
  }
}

}  // namespace tarn::gateway::iam
