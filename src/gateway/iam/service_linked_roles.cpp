// Roles that AWS's services make for themselves: each named, trusted and allowed as its service says.

#include <algorithm>

#include "gateway/iam/aws_policies.hpp"
#include "gateway/iam/records.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

constexpr const char* deletions = "iam.service_role_deletion";

struct Template {
  std::string_view service;  // before .amazonaws.com
  std::string_view role;     // AWSServiceRoleFor…
  std::string_view policy;   // below /aws-service-role/
  bool suffix = false;       // whether there may be several, told apart by a suffix
};

// Of the services that lakes use.
constexpr Template templates[] = {
    {"autoscaling", "AutoScaling", "AutoScalingServiceRolePolicy", true},
    {"cloudtrail", "CloudTrail", "CloudTrailServiceRolePolicy"},
    {"ecs", "ECS", "AmazonECSServiceRolePolicy"},
    {"elasticache", "ElastiCache", "ElastiCacheServiceRolePolicy"},
    {"elasticloadbalancing", "ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"},
    {"elasticmapreduce", "EMRCleanup", "AmazonEMRCleanupPolicy"},
    {"events", "CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"},
    {"kafka", "Kafka", "KafkaServiceRolePolicy"},
    {"lakeformation", "LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"},
    {"opensearchservice", "AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"},
    {"ops.apigateway", "APIGateway", "APIGatewayServiceRolePolicy"},
    {"rds", "RDS", "AmazonRDSServiceRolePolicy"},
    {"redshift", "Redshift", "AmazonRedshiftServiceLinkedRolePolicy"},
    {"replication.dynamodb", "DynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"},
    {"ssm", "AmazonSSM", "AmazonSSMServiceRolePolicy"},
};

const Template& template_of(const std::string& service) {
  auto it = std::find_if(std::begin(templates), std::end(templates),
                         [&](const Template& t) { return service == std::string(t.service) + ".amazonaws.com"; });
  if (it == std::end(templates))
    throw Error(ErrorKind::caller, "InvalidInput", "Cannot find Service Linked Role template for " + service);
  return *it;
}

Value create(const Services& s, Context& c, const Value& in) {
  const std::string service = in.at("AWSServiceName").as_string(), suffix = in.string_or("CustomSuffix");
  const Template& made_by = template_of(service);
  if (!suffix.empty() && !made_by.suffix)
    throw Error(ErrorKind::caller, "InvalidInput", "Custom suffix is not allowed for " + service);
  const std::string name = "AWSServiceRoleFor" + std::string(made_by.role) + (suffix.empty() ? "" : "_" + suffix);
  Value entity = make_entity(
      role, c, Value::map({{"RoleName", name}, {"Path", std::string(service_role_path) + service + "/"}}), s.random);
  entity.set("AssumeRolePolicyDocument",
             R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":")" + service +
                 R"("},"Action":"sts:AssumeRole"}]})");
  entity.set("MaxSessionDuration", 3600);
  if (const Value* description = in.find("Description")) entity.set("Description", *description);
  const Value record = Value::map(
      {{"Entity", entity},
       {"Attached", Value::list({"arn:aws:iam::aws:policy/aws-service-role/" + std::string(made_by.policy)})}});
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    if (t.get(role.record, meta::key({c.account(), name})))
      throw Error(ErrorKind::caller, "InvalidInput",
                  "Service role name " + name + " has been taken in this account, please try a different suffix.");
    add(t, role, c.account(), record);
  });
  entity.set("AssumeRolePolicyDocument", encode_document(entity.at("AssumeRolePolicyDocument").as_string()));
  return Value::map({{"Role", std::move(entity)}});
}

Value remove(const Services& s, Context& c, const Value& in) {
  const std::string name = in.at("RoleName").as_string();
  std::string task;
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    const Value record = get(t, role, c.account(), name);
    const std::string path = record.at("Entity").at("Path").as_string();
    if (!path.starts_with(service_role_path))
      throw Error(ErrorKind::caller, "InvalidInput", "Role " + name + " is not a service-linked role.");
    t.erase(role.record, meta::key({c.account(), name}));
    task = "task" + path + name + "/" + s.random.uuid();
    t.put(deletions, meta::key({c.account(), task}), Value::map({{"Status", "SUCCEEDED"}}));
  });
  return Value::map({{"DeletionTaskId", task}});
}

}  // namespace

void register_service_linked_roles(const Services& s) {
  s.operations.add("iam:CreateServiceLinkedRole", [s](Context& c, const Value& in) { return create(s, c, in); });
  s.operations.add("iam:DeleteServiceLinkedRole", [s](Context& c, const Value& in) { return remove(s, c, in); });
  s.operations.add("iam:GetServiceLinkedRoleDeletionStatus", [s](Context& c, const Value& in) {
    const std::string task = in.at("DeletionTaskId").as_string();
    auto record = s.metadata.get(deletions, meta::key({c.account(), task}));
    if (!record) no_such_entity("The deletion task " + task + " cannot be found.");
    return *record;
  });
}

}  // namespace tarn::gateway::iam
