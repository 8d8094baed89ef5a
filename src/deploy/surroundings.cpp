#include "deploy/surroundings.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/limits.hpp"

namespace tarn::deploy {
namespace {

Value call(const Asking& a, std::string_view operation, const Value& input) {
  api::Context context;
  context.principal = a.principal;
  context.region = a.region;
  context.request_id = a.random.uuid();
  context.now = a.clock.now();
  context.endpoint = a.endpoint;
  context.user_agent = "cloudformation.amazonaws.com";
  return a.operations.call(context, operation, input);
}

std::optional<StoredParameter> find_parameter(const Asking& a, const std::string& name,
                                              std::optional<int64_t> version) {
  try {
    const Value out =
        call(a, "ssm:GetParameter",
             Value::map({{"Name", version ? name + ":" + std::to_string(*version) : name}, {"WithDecryption", true}}));
    const Value& p = out.at("Parameter");
    return StoredParameter{p.string_or("Type"), p.string_or("Value")};
  } catch (const Error& e) {
    if (e.code() == "ParameterNotFound" || e.code() == "ParameterVersionNotFound") return std::nullopt;
    throw;
  }
}

std::optional<std::string> find_secret(const Asking& a, const std::string& id, const std::string& json_key,
                                       const std::string& stage, const std::string& version) {
  Value input = Value::map({{"SecretId", id}});
  if (!stage.empty()) input.set("VersionStage", stage);
  if (!version.empty()) input.set("VersionId", version);
  Value out;
  try {
    out = call(a, "secretsmanager:GetSecretValue", input);
  } catch (const Error& e) {
    if (e.code() == "ResourceNotFoundException") return std::nullopt;
    throw;
  }
  const Value* text = out.find("SecretString");
  if (!text) return std::nullopt;
  if (json_key.empty()) return text->as_string();
  Value document;
  try {
    document = parse_json(text->as_string());
  } catch (const Error&) {
    return std::nullopt;
  }
  const Value* found = document.find(json_key);
  return found ? std::optional(text_of(*found)) : std::nullopt;
}

std::vector<std::string> zones(const Asking& of, const std::string& region) {
  Asking a = of;
  if (!region.empty()) a.region = region;
  const Value out = call(a, "ec2:DescribeAvailabilityZones", Value::map());
  std::vector<std::string> names;
  for (const Value& zone : out.at("AvailabilityZones").as_list()) names.push_back(zone.string_or("ZoneName"));
  return names;
}

// Parameter types that name what the account has.
struct ExistingType {
  std::string_view parameter_type, operation, list, member;
};
constexpr ExistingType existing_types[] = {
    {"AWS::EC2::AvailabilityZone::Name", "ec2:DescribeAvailabilityZones", "AvailabilityZones", "ZoneName"},
    {"AWS::EC2::SecurityGroup::GroupName", "ec2:DescribeSecurityGroups", "SecurityGroups", "GroupName"},
    {"AWS::EC2::SecurityGroup::Id", "ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId"},
    {"AWS::EC2::Subnet::Id", "ec2:DescribeSubnets", "Subnets", "SubnetId"},
    {"AWS::EC2::VPC::Id", "ec2:DescribeVpcs", "Vpcs", "VpcId"},
};

std::optional<std::vector<std::string>> existing(const Asking& a, const std::string& parameter_type) {
  for (const ExistingType& type : existing_types) {
    if (type.parameter_type != parameter_type) continue;
    std::vector<std::string> out;
    Value input = Value::map(), page;
    do {
      page = call(a, type.operation, input);
      for (const Value& one : page.at(type.list).as_list()) out.push_back(one.string_or(type.member));
      if (const Value* next = page.find("NextToken")) input.set("NextToken", *next);
    } while (!page.string_or("NextToken").empty());
    return out;
  }
  return std::nullopt;
}

}  // namespace

Surroundings make_surroundings(const Asking& a, StackRecords& records, const StackScope& scope) {
  Surroundings out;
  out.parameter = [a](const std::string& name, std::optional<int64_t> version) {
    return find_parameter(a, name, version);
  };
  out.secret = [a](const std::string& id, const std::string& key, const std::string& stage,
                   const std::string& version) { return find_secret(a, id, key, stage, version); };
  out.exported = [&records, scope](const std::string& name) -> std::optional<std::string> {
    auto found = StackRecords::find_export(records.metadata(), scope, name);
    return found ? std::optional(found->value) : std::nullopt;
  };
  out.availability_zones = [a](const std::string& region) { return zones(a, region); };
  out.existing = [a](const std::string& type) { return existing(a, type); };
  out.included = [a](const std::string& location) { return fetch_text(a, location, limits::max_template_size_bytes); };
  return out;
}

}  // namespace tarn::deploy
