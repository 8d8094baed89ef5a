#include "gateway/tagging/tagged_types.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "notify/targets.hpp"

namespace tarn::gateway::tagging {
namespace {

constexpr TaggedType types[] = {
    {"athena:datacatalog", "datacatalog/", "athena:ListDataCatalogs", "DataCatalogsSummary", "NextToken", "NextToken",
     "datacatalog/{CatalogName}", TagForm::pairs, TagId::arn, "athena:ListTagsForResource", "ResourceARN", "Tags",
     "athena:TagResource", "ResourceARN", "Tags", "athena:UntagResource", "TagKeys"},
    {"athena:workgroup", "workgroup/", "athena:ListWorkGroups", "WorkGroups", "NextToken", "NextToken",
     "workgroup/{Name}", TagForm::pairs, TagId::arn, "athena:ListTagsForResource", "ResourceARN", "Tags",
     "athena:TagResource", "ResourceARN", "Tags", "athena:UntagResource", "TagKeys"},
    {"ecr:repository", "repository/", "ecr:DescribeRepositories", "repositories", "nextToken", "nextToken",
     "repositoryArn", TagForm::pairs, TagId::arn, "ecr:ListTagsForResource", "resourceArn", "tags", "ecr:TagResource",
     "resourceArn", "tags", "ecr:UntagResource", "tagKeys"},
    {"ec2", "", "ec2:DescribeTags", "Tags", "NextToken", "NextToken", "{ResourceType}/{ResourceId}", TagForm::ec2,
     TagId::last_part, "ec2:DescribeTags", "Filters", "Tags", "ec2:CreateTags", "Resources", "Tags", "ec2:DeleteTags",
     "Tags"},
    {"events:event-bus", "event-bus/", "events:ListEventBuses", "EventBuses", "NextToken", "NextToken", "Arn",
     TagForm::pairs, TagId::arn, "events:ListTagsForResource", "ResourceARN", "Tags", "events:TagResource",
     "ResourceARN", "Tags", "events:UntagResource", "TagKeys"},
    {"events:rule", "rule/", "events:ListRules", "Rules", "NextToken", "NextToken", "Arn", TagForm::pairs, TagId::arn,
     "events:ListTagsForResource", "ResourceARN", "Tags", "events:TagResource", "ResourceARN", "Tags",
     "events:UntagResource", "TagKeys"},
    {"glue:crawler", "crawler/", "glue:ListCrawlers", "CrawlerNames", "NextToken", "NextToken", "crawler/{}",
     TagForm::map, TagId::arn, "glue:GetTags", "ResourceArn", "Tags", "glue:TagResource", "ResourceArn", "TagsToAdd",
     "glue:UntagResource", "TagsToRemove"},
    {"glue:job", "job/", "glue:ListJobs", "JobNames", "NextToken", "NextToken", "job/{}", TagForm::map, TagId::arn,
     "glue:GetTags", "ResourceArn", "Tags", "glue:TagResource", "ResourceArn", "TagsToAdd", "glue:UntagResource",
     "TagsToRemove"},
    {"glue:trigger", "trigger/", "glue:ListTriggers", "TriggerNames", "NextToken", "NextToken", "trigger/{}",
     TagForm::map, TagId::arn, "glue:GetTags", "ResourceArn", "Tags", "glue:TagResource", "ResourceArn", "TagsToAdd",
     "glue:UntagResource", "TagsToRemove"},
    {"glue:workflow", "workflow/", "glue:ListWorkflows", "Workflows", "NextToken", "NextToken", "workflow/{}",
     TagForm::map, TagId::arn, "glue:GetTags", "ResourceArn", "Tags", "glue:TagResource", "ResourceArn", "TagsToAdd",
     "glue:UntagResource", "TagsToRemove"},
    {"kms:key", "key/", "kms:ListKeys", "Keys", "Marker", "NextMarker", "KeyArn", TagForm::tag_key_values, TagId::arn,
     "kms:ListResourceTags", "KeyId", "Tags", "kms:TagResource", "KeyId", "Tags", "kms:UntagResource", "TagKeys"},
    {"lambda:function", "function:", "lambda:ListFunctions", "Functions", "Marker", "NextMarker", "FunctionArn",
     TagForm::map, TagId::arn, "lambda:ListTags", "Resource", "Tags", "lambda:TagResource", "Resource", "Tags",
     "lambda:UntagResource", "TagKeys"},
    {"logs:log-group", "log-group:", "logs:DescribeLogGroups", "logGroups", "nextToken", "nextToken", "logGroupArn",
     TagForm::map, TagId::arn, "logs:ListTagsForResource", "resourceArn", "tags", "logs:TagResource", "resourceArn",
     "tags", "logs:UntagResource", "tagKeys"},
    {"s3:bucket", "", "s3:ListBuckets", "Buckets", "ContinuationToken", "ContinuationToken", "{Name}", TagForm::bucket,
     TagId::last_part, "s3:GetBucketTagging", "Bucket", "TagSet", "s3:PutBucketTagging", "Bucket", "Tagging",
     "s3:DeleteBucketTagging", ""},
    {"scheduler:schedule-group", "schedule-group/", "scheduler:ListScheduleGroups", "ScheduleGroups", "NextToken",
     "NextToken", "Arn", TagForm::pairs, TagId::arn, "scheduler:ListTagsForResource", "ResourceArn", "Tags",
     "scheduler:TagResource", "ResourceArn", "Tags", "scheduler:UntagResource", "TagKeys"},
    {"secretsmanager:secret", "secret:", "secretsmanager:ListSecrets", "SecretList", "NextToken", "NextToken", "ARN",
     TagForm::pairs, TagId::arn, "secretsmanager:DescribeSecret", "SecretId", "Tags", "secretsmanager:TagResource",
     "SecretId", "Tags", "secretsmanager:UntagResource", "TagKeys"},
    {"sns:topic", "", "sns:ListTopics", "Topics", "NextToken", "NextToken", "TopicArn", TagForm::pairs, TagId::arn,
     "sns:ListTagsForResource", "ResourceArn", "Tags", "sns:TagResource", "ResourceArn", "Tags", "sns:UntagResource",
     "TagKeys"},
    {"sqs:queue", "", "sqs:ListQueues", "QueueUrls", "NextToken", "NextToken", "{}", TagForm::map, TagId::queue_url,
     "sqs:ListQueueTags", "QueueUrl", "Tags", "sqs:TagQueue", "QueueUrl", "Tags", "sqs:UntagQueue", "TagKeys"},
    {"ssm:parameter", "parameter/", "ssm:DescribeParameters", "Parameters", "NextToken", "NextToken", "ARN",
     TagForm::pairs, TagId::arn, "ssm:ListTagsForResource", "ResourceId", "TagList", "ssm:AddTagsToResource",
     "ResourceId", "Tags", "ssm:RemoveTagsFromResource", "TagKeys"},
    {"states:activity", "activity:", "states:ListActivities", "activities", "nextToken", "nextToken", "activityArn",
     TagForm::small_pairs, TagId::arn, "states:ListTagsForResource", "resourceArn", "tags", "states:TagResource",
     "resourceArn", "tags", "states:UntagResource", "tagKeys"},
    {"states:stateMachine", "stateMachine:", "states:ListStateMachines", "stateMachines", "nextToken", "nextToken",
     "stateMachineArn", TagForm::small_pairs, TagId::arn, "states:ListTagsForResource", "resourceArn", "tags",
     "states:TagResource", "resourceArn", "tags", "states:UntagResource", "tagKeys"},
};

std::string_view service_of(const TaggedType& type) {
  return type.type.substr(0, type.type.find(':'));
}

bool has(const api::Operations& operations, std::string_view name) {
  const api::Service* service = api::find_service(name.substr(0, name.find(':')));
  const api::Operation* operation = service ? api::find_operation(*service, name.substr(name.find(':') + 1)) : nullptr;
  return operation && operations.has(*service, *operation);
}

Value call(api::Operations& operations, const api::Context& caller, std::string_view name, const Value& input) {
  api::Context c;
  c.principal = caller.principal;
  c.region = caller.region;
  c.request_id = caller.request_id;
  c.now = caller.now;
  c.user_agent = "tagging.amazonaws.com";
  return operations.call(c, name, input);
}

std::string last_part(std::string_view text) {
  return std::string(text.substr(text.find_last_of(":/") + 1));
}

// An item of a list, or members of it, within the ARN that is made of it.
std::string arn_of(const TaggedType& type, const Value& item, const api::Context& c) {
  if (type.arn.find('{') == type.arn.npos) return item.string_or(type.arn);
  std::string resource;
  for (std::string_view rest = type.arn; !rest.empty();) {
    const std::size_t brace = std::min(rest.find('{'), rest.size()), end = rest.find('}');
    resource += rest.substr(0, brace);
    if (brace == rest.size()) break;
    const std::string_view member = rest.substr(brace + 1, end - brace - 1);
    resource += member.empty() ? last_part(item.as_string()) : item.string_or(member);
    rest.remove_prefix(end + 1);
  }
  if (type.form == TagForm::bucket) return "arn:aws:s3:::" + resource;
  return c.arn(service_of(type), resource);
}

Value id_of(const TaggedType& type, const std::string& arn, const api::Context& c) {
  if (type.id == TagId::arn) return arn;
  const std::string name = last_part(arn);
  return type.id == TagId::queue_url ? "/" + c.account() + "/" + name : name;
}

struct PairNames {
  const char *key, *value;
};
PairNames names_of(TagForm form) {
  if (form == TagForm::small_pairs) return {"key", "value"};
  if (form == TagForm::tag_key_values) return {"TagKey", "TagValue"};
  return {"Key", "Value"};
}

Tags tags_from(TagForm form, const Value* tags) {
  Tags out;
  if (!tags || tags->is_null()) return out;
  if (form == TagForm::map) {
    for (const auto& [key, value] : tags->as_map()) out[key] = value.as_string();
    return out;
  }
  const PairNames names = names_of(form);
  for (const Value& pair : tags->as_list()) out[pair.string_or(names.key)] = pair.string_or(names.value);
  return out;
}

Value tags_value(TagForm form, const Tags& tags) {
  if (form == TagForm::map) {
    Value out = Value::map();
    for (const auto& [key, value] : tags) out.set(key, value);
    return out;
  }
  const PairNames names = names_of(form);
  Value out = Value::list();
  for (const auto& [key, value] : tags) out.push_back(Value::map({{names.key, key}, {names.value, value}}));
  return out;
}

Value named(const TaggedType& type, std::string_view member, const std::string& arn, const api::Context& c) {
  Value out = Value::map();
  const Value id = id_of(type, arn, c);
  if (member == "Filters")
    out.set(member, Value::list({Value::map({{"Name", "resource-id"}, {"Values", Value::list({id})}})}));
  else
    out.set(member, type.form == TagForm::ec2 ? Value::list({id}) : id);
  if (type.type == "ssm:parameter") out.set("ResourceType", "Parameter");
  return out;
}

void set_bucket_tags(api::Operations& operations, const api::Context& c, const TaggedType& type, const std::string& arn,
                     const Tags& tags) {
  Value input = named(type, type.tag_id, arn, c);
  if (tags.empty()) {
    call(operations, c, type.untag, input);
    return;
  }
  input.set(type.tags_in, Value::map({{"TagSet", tags_value(type.form, tags)}}));
  call(operations, c, type.tag, input);
}

}  // namespace

std::span<const TaggedType> tagged_types() {
  return types;
}

const TaggedType* type_of(std::string_view text) {
  const auto arn = notify::parse_arn(text);
  if (!arn) return nullptr;
  const bool bare = arn->resource.find_first_of(":/") == std::string::npos;
  for (const TaggedType& type : types)
    if (service_of(type) == arn->service && arn->resource.starts_with(type.resource) &&
        (bare || !type.resource.empty() || type.form == TagForm::ec2))
      return &type;
  return nullptr;
}

std::vector<std::string> list_resources(api::Operations& operations, const api::Context& caller,
                                        const TaggedType& type) {
  std::vector<std::string> out;
  if (!has(operations, type.list) || !has(operations, type.read)) return out;
  Value input = Value::map();
  for (;;) {
    const Value page = call(operations, caller, type.list, input);
    if (const Value* items = page.find(type.items); items && items->is_list())
      for (const Value& item : items->as_list()) out.push_back(arn_of(type, item, caller));
    const std::string next = page.string_or(type.next_out);
    if (next.empty()) break;
    input.set(type.next_in, next);
  }
  std::ranges::sort(out);  // EC2 tells a resource once for each of its tags
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Tags read_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type,
               const std::string& arn) {
  try {
    const Value output = call(operations, caller, type.read, named(type, type.read_id, arn, caller));
    return tags_from(type.form, output.find(type.tags));
  } catch (const Error& e) {
    if (e.code() == "NoSuchTagSet") return {};
    throw;
  }
}

void add_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type, const std::string& arn,
              const Tags& tags) {
  if (type.form == TagForm::bucket) {
    Tags all = read_tags(operations, caller, type, arn);
    for (const auto& [key, value] : tags) all[key] = value;
    set_bucket_tags(operations, caller, type, arn, all);
    return;
  }
  Value input = named(type, type.tag_id, arn, caller);
  input.set(type.tags_in, tags_value(type.form, tags));
  call(operations, caller, type.tag, input);
}

void remove_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type,
                 const std::string& arn, const std::vector<std::string>& keys) {
  if (type.form == TagForm::bucket) {
    Tags all = read_tags(operations, caller, type, arn);
    for (const auto& key : keys) all.erase(key);
    set_bucket_tags(operations, caller, type, arn, all);
    return;
  }
  Value input = named(type, type.tag_id, arn, caller);
  if (type.form == TagForm::ec2) {
    Value tags = Value::list();
    for (const auto& key : keys) tags.push_back(Value::map({{"Key", key}}));
    input.set(type.keys, tags);
  } else {
    input.set(type.keys, api::to_value(keys));
  }
  call(operations, caller, type.untag, input);
}

}  // namespace tarn::gateway::tagging
