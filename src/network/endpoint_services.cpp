#include "network/endpoint_services.hpp"

#include "network/records.hpp"

namespace tarn::network {
namespace {

struct Service {
  std::string_view name;
  std::string_view host;  // where it differs from the name; {} stands for the region in the middle
};

// What a lake's networks usually reach. By route: s3 and dynamodb, which have interfaces too.
constexpr Service services[] = {
    {"airflow.api", "api.airflow"},
    {"airflow.env", "env.airflow"},
    {"airflow.ops", "ops.airflow"},
    {"athena", ""},
    {"autoscaling", ""},
    {"cloudformation", ""},
    {"cloudtrail", ""},
    {"codeartifact.api", "codeartifact"},
    {"codebuild", ""},
    {"codecommit", ""},
    {"config", ""},
    {"databrew", ""},
    {"datasync", ""},
    {"dms", ""},
    {"dynamodb", ""},
    {"ec2", ""},
    {"ec2messages", ""},
    {"ecr.api", "api.ecr"},
    {"ecr.dkr", "*.dkr.ecr"},
    {"ecs", ""},
    {"ecs-agent", "ecs-a"},
    {"ecs-telemetry", "ecs-t"},
    {"elasticfilesystem", ""},
    {"elasticloadbalancing", ""},
    {"elasticmapreduce", ""},
    {"email-smtp", ""},
    {"emr-serverless", ""},
    {"events", ""},
    {"execute-api", "*.execute-api"},
    {"git-codecommit", ""},
    {"glue", ""},
    {"kinesis-firehose", "firehose"},
    {"kinesis-streams", "kinesis"},
    {"kms", ""},
    {"lakeformation", ""},
    {"lambda", ""},
    {"logs", ""},
    {"monitoring", ""},
    {"rds", ""},
    {"rds-data", ""},
    {"redshift", ""},
    {"redshift-data", ""},
    {"redshift-serverless", ""},
    {"s3", ""},
    {"s3tables", ""},
    {"sagemaker.api", "api.sagemaker"},
    {"sagemaker.runtime", "runtime.sagemaker"},
    {"scheduler", ""},
    {"secretsmanager", ""},
    {"servicecatalog", ""},
    {"sms", ""},
    {"sns", ""},
    {"sqs", ""},
    {"ssm", ""},
    {"ssmmessages", ""},
    {"states", ""},
    {"sts", ""},
    {"sync-states", ""},
    {"tagging", ""},
    {"transfer", ""},
    {"xray", ""},
};

}  // namespace

std::vector<EndpointService> endpoint_services(std::string_view region) {
  std::vector<EndpointService> out;
  for (const Service& service : services) {
    const std::string host(service.host.empty() ? service.name : service.host);
    out.push_back({"com.amazonaws." + std::string(region) + "." + std::string(service.name),
                   host + "." + std::string(region) + ".amazonaws.com", host,
                   service.name == "s3" || service.name == "dynamodb"});
  }
  return out;
}

std::optional<EndpointService> find_endpoint_service(std::string_view region, std::string_view name) {
  for (EndpointService& service : endpoint_services(region))
    if (service.name == name) return std::move(service);
  return std::nullopt;
}

}  // namespace tarn::network
