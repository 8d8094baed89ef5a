// SimulatePrincipalPolicy, SimulateCustomPolicy and the keys that policies ask for: what govern/policy_decision says,
// told as IAM tells it.

#include <algorithm>
#include <set>

#include "gateway/iam/aws_policies.hpp"
#include "gateway/iam/records.hpp"
#include "govern/policy.hpp"
#include "govern/policy_decision.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

// A policy's text, and as what it is told of.
struct Source {
  std::string document, id, type;
};

struct Simulation {
  std::vector<Source> policies;
  std::vector<std::string> boundaries;  // texts; the request must be allowed by one of them too, if there are any
};

std::vector<std::string> strings(const Value& in, const char* member) {
  std::vector<std::string> out;
  if (const Value* list = in.find(member))
    for (const Value& item : list->as_list()) out.push_back(item.as_string());
  return out;
}

void refuse_others(const Value& in, const char* operation) {
  for (const char* member : {"ResourcePolicy", "ResourceOwner", "CallerArn", "ResourceHandlingOption",
                             "OrderedOrganizationPolicyInputList", "PolicyExclusionList"})
    if (in.find(member))
      throw Error(ErrorKind::unsupported, "NotImplemented",
                  "tarn does not have the parameter " + std::string(member) + " of " + operation);
}

void add_given(Simulation& simulation, const Value& in) {
  int number = 0;
  for (const std::string& document : strings(in, "PolicyInputList")) {
    govern::check_policy(document, govern::PolicyKind::identity);
    simulation.policies.push_back({document, "PolicyInputList." + std::to_string(++number), "none"});
  }
  for (const std::string& document : strings(in, "PermissionsBoundaryPolicyInputList")) {
    govern::check_policy(document, govern::PolicyKind::identity);
    simulation.boundaries.push_back(document);
  }
}

// The default version's text of a managed policy.
Source managed(const Services& s, const Context& c, const std::string& arn) {
  const std::string name = arn.substr(arn.rfind('/') + 1);
  if (const AwsPolicy* policy = find_aws_policy(arn)) return {std::string(policy->document), name, "aws-managed"};
  const auto record = s.metadata.get("iam.policy", meta::key({c.account(), arn}));
  if (!record)
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not hold the text of the policy " + arn);
  for (const Value& version : record->at("Versions").as_list())
    if (version.at("VersionId") == record->at("Policy").at("DefaultVersionId"))
      return {version.at("Document").as_string(), name, "user-managed"};
  return {{}, name, "user-managed"};
}

void add_of_entity(const Services& s, const Context& c, const EntityType& type, const Value& record,
                   Simulation& simulation) {
  if (const Value* all = record.find("Inline"))
    for (const auto& policy : all->as_map())
      simulation.policies.push_back({policy.value.as_string(), policy.key, std::string(type.arn_name)});
  if (const Value* attached = record.find("Attached"))
    for (const Value& arn : attached->as_list()) simulation.policies.push_back(managed(s, c, arn.as_string()));
}

// All policies of the user, group or role that the ARN names; a user's groups' too.
void add_of_principal(const Services& s, const Context& c, const std::string& arn, Simulation& simulation) {
  const std::string start = "arn:aws:iam::" + c.account() + ":";
  for (const EntityType* type : {&user, &group, &role}) {
    if (!arn.starts_with(start + std::string(type->arn_name) + "/")) continue;
    const std::string name = arn.substr(arn.rfind('/') + 1);
    const Value record = get(s.metadata, *type, c.account(), name);
    add_of_entity(s, c, *type, record, simulation);
    if (const Value* boundary = record.at("Entity").find("PermissionsBoundary"))
      simulation.boundaries.push_back(managed(s, c, boundary->at("PermissionsBoundaryArn").as_string()).document);
    if (type != &user) return;
    for (const auto& g : s.metadata.list(group.record, meta::prefix({c.account()})))
      if (const Value* members = g.value.find("Members"); members && members->is_list())
        if (std::find(members->as_list().begin(), members->as_list().end(), Value(name)) != members->as_list().end())
          add_of_entity(s, c, group, g.value, simulation);
    return;
  }
  throw Error(ErrorKind::caller, "InvalidInput", "Invalid Entity Arn: " + arn);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// The keys that the request brings.
void add_context(const Value& in, govern::PolicyRequest& request) {
  const Value* entries = in.find("ContextEntries");
  if (!entries) return;
  for (const Value& entry : entries->as_list()) {
    const auto values = strings(entry, "ContextKeyValues");
    const std::string name = lower(entry.string_or("ContextKeyName"));
    if (name.empty() || values.empty()) continue;
    request.keys[name] = values[0];
    if (entry.string_or("ContextKeyType").ends_with("List")) request.lists[name] = values;
  }
}

Value result(const Simulation& simulation, const govern::PolicyRequest& request) {
  std::vector<std::string> documents;
  for (const Source& source : simulation.policies) documents.push_back(source.document);
  const auto decided = govern::decide(documents, request);
  auto decision = decided.decision;
  Value out = Value::map({{"EvalActionName", request.action}, {"EvalResourceName", request.resource_arn}});
  if (!simulation.boundaries.empty()) {
    const auto bounded = govern::decide(simulation.boundaries, request).decision;
    const bool within = bounded == govern::Decision::allowed;
    out.set("PermissionsBoundaryDecisionDetail", Value::map({{"AllowedByPermissionsBoundary", within}}));
    if (bounded == govern::Decision::explicit_deny) decision = bounded;
    if (!within && decision == govern::Decision::allowed) decision = govern::Decision::implicit_deny;
  }
  out.set("EvalDecision", decision == govern::Decision::allowed         ? "allowed"
                          : decision == govern::Decision::explicit_deny ? "explicitDeny"
                                                                        : "implicitDeny");
  Value matched = Value::list(), missing = Value::list();
  for (const std::size_t index : decided.matched)
    matched.push_back(Value::map(
        {{"SourcePolicyId", simulation.policies[index].id}, {"SourcePolicyType", simulation.policies[index].type}}));
  std::set<std::string> asked;
  for (const std::string& document : documents)
    for (const std::string& key : govern::condition_keys(document))
      if (!request.keys.contains(lower(key))) asked.insert(key);
  for (const std::string& key : asked) missing.push_back(key);
  return out.set("MatchedStatements", std::move(matched)).set("MissingContextValues", std::move(missing));
}

Value simulate(const Value& in, const Simulation& simulation) {
  auto resources = strings(in, "ResourceArns");
  if (resources.empty()) resources.push_back("*");
  ValueList results;
  for (const std::string& action : strings(in, "ActionNames")) {
    if (action.find(':') == std::string::npos || action.find('*') != std::string::npos)
      throw Error(ErrorKind::caller, "InvalidInput", "Invalid Action: " + action);
    for (const std::string& resource : resources) {
      govern::PolicyRequest request{{}, action, resource, {}, {}};
      add_context(in, request);
      Value one = result(simulation, request);
      one.set("At", std::to_string(1'000'000 + results.size()));
      results.push_back(std::move(one));
    }
  }
  Value out = page(in, "EvaluationResults", results, [](const Value& v) { return v.at("At").as_string(); });
  for (Value& one : out["EvaluationResults"].as_list()) one.erase("At");
  return out;
}

Value keys_of(const Simulation& simulation) {
  std::set<std::string> keys;
  for (const Source& source : simulation.policies)
    for (const std::string& key : govern::condition_keys(source.document)) keys.insert(key);
  ValueList names(keys.begin(), keys.end());
  return Value::map({{"ContextKeyNames", std::move(names)}});
}

}  // namespace

void register_simulation(const Services& s) {
  s.operations.add("iam:SimulateCustomPolicy", [](Context&, const Value& in) {
    refuse_others(in, "SimulateCustomPolicy");
    Simulation simulation;
    add_given(simulation, in);
    return simulate(in, simulation);
  });
  s.operations.add("iam:SimulatePrincipalPolicy", [s](Context& c, const Value& in) {
    refuse_others(in, "SimulatePrincipalPolicy");
    Simulation simulation;
    add_of_principal(s, c, in.at("PolicySourceArn").as_string(), simulation);
    add_given(simulation, in);
    return simulate(in, simulation);
  });
  s.operations.add("iam:GetContextKeysForCustomPolicy", [](Context&, const Value& in) {
    Simulation simulation;
    add_given(simulation, in);
    return keys_of(simulation);
  });
  s.operations.add("iam:GetContextKeysForPrincipalPolicy", [s](Context& c, const Value& in) {
    Simulation simulation;
    add_of_principal(s, c, in.at("PolicySourceArn").as_string(), simulation);
    add_given(simulation, in);
    return keys_of(simulation);
  });
}

}  // namespace tarn::gateway::iam
