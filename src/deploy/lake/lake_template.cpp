#include "deploy/lake/lake_template.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "deploy/lake/lake_builder.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_check.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {

std::string LakeBuilder::named(std::initializer_list<std::string> parts) const {
  std::string out = lake.name;
  for (const std::string& part : parts) out += (out.empty() ? "" : "-") + part;
  return out + "-" + lake.stage;
}

std::string LakeBuilder::bucket_name(const LakeDomain& domain, const std::string& layer) const {
  return named({domain.name, layer});
}

std::string LakeBuilder::database_name(const LakeDomain& domain) const {
  std::string out = named({domain.name});
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

std::string LakeBuilder::id(std::initializer_list<std::string> parts) {
  std::string out;
  for (const std::string& part : parts) {
    bool upper = true;
    for (char c : part) {
      if (!is_alphanumeric(std::string_view(&c, 1))) {
        upper = true;
        continue;
      }
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

Value& LakeBuilder::add(const std::string& logical_id, const std::string& type, Value properties) {
  if (resources.find(logical_id)) throw validation_error("two things of the lake would both be named " + logical_id);
  return resources[logical_id] = Value::map({{"Type", type}, {"Properties", std::move(properties)}});
}

Value LakeBuilder::tags() const {
  Value out = Value::list();
  for (const auto& [key, value] : lake.tags) out.push_back(Value::map({{"Key", key}, {"Value", value}}));
  return out;
}

Value LakeBuilder::tag_map() const {
  Value out = Value::map();
  for (const auto& [key, value] : lake.tags) out.set(key, value);
  return out;
}

std::string LakeBuilder::asset(std::string bytes, const std::string& suffix) {
  std::string key = hex_encode(digest(DigestKind::sha256, bytes)) + suffix;
  if (std::none_of(assets.begin(), assets.end(), [&](const LakeAsset& a) { return a.key == key; }))
    assets.push_back({key, std::move(bytes)});
  return key;
}

void LakeBuilder::add_role(const std::string& logical_id, const std::string& name, const std::string& service,
                           Value statements) {
  const Value who = service.empty() ? Value::map({{"AWS", sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}})
                                    : Value::map({{"Service", service}});
  Value properties = Value::map(
      {{"RoleName", name},
       {"AssumeRolePolicyDocument",
        Value::map({{"Version", "2012-10-17"},
                    {"Statement", Value::list({Value::map(
                                      {{"Effect", "Allow"}, {"Principal", who}, {"Action", "sts:AssumeRole"}})})}})},
       {"Policies",
        Value::list({Value::map(
            {{"PolicyName", "what-it-does"},
             {"PolicyDocument", Value::map({{"Version", "2012-10-17"}, {"Statement", std::move(statements)}})}})})}});
  if (!lake.tags.empty()) properties.set("Tags", tags());
  add(logical_id, "AWS::IAM::Role", std::move(properties));
}

namespace {

struct Format {
  const char *input, *output, *serde;
};

Format format_of(const std::string& name) {
  const char* text_input = "org.apache.hadoop.mapred.TextInputFormat";
  const char* text_output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
  if (name == "csv") return {text_input, text_output, "org.apache.hadoop.hive.serde2.OpenCSVSerde"};
  if (name == "json") return {text_input, text_output, "org.openx.data.jsonserde.JsonSerDe"};
  if (name == "orc")
    return {"org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
            "org.apache.hadoop.hive.ql.io.orc.OrcSerde"};
  if (name == "avro")
    return {"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
            "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
            "org.apache.hadoop.hive.serde2.avro.AvroSerDe"};
  return {"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
          "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
          "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"};
}

Value columns(const std::vector<LakeColumn>& all) {
  Value out = Value::list();
  for (const LakeColumn& column : all) out.push_back(Value::map({{"Name", column.name}, {"Type", column.type}}));
  return out;
}

void add_bucket(LakeBuilder& b, const std::string& logical_id, const std::string& name) {
  Value properties = Value::map({{"BucketName", name},
                                 {"PublicAccessBlockConfiguration", Value::map({{"BlockPublicAcls", true},
                                                                                {"BlockPublicPolicy", true},
                                                                                {"IgnorePublicAcls", true},
                                                                                {"RestrictPublicBuckets", true}})}});
  if (!b.lake.tags.empty()) properties.set("Tags", b.tags());
  Value& bucket = b.add(logical_id, "AWS::S3::Bucket", std::move(properties));
  const char* policy = b.lake.keep_data ? "RetainExceptOnCreate" : "Delete";
  bucket.set("DeletionPolicy", policy);
  bucket.set("UpdateReplacePolicy", "Retain");
}

void add_table(LakeBuilder& b, const LakeDomain& domain, const LakeTable& table) {
  const Format format = format_of(table.format);
  Value serde = Value::map({{"SerializationLibrary", format.serde}});
  Value parameters = Value::map({{"classification", table.format}, {"EXTERNAL", "TRUE"}});
  if (table.format == "csv") {
    serde.set("Parameters", Value::map({{"separatorChar", table.delimiter}}));
    if (table.header) parameters.set("skip.header.line.count", "1");
  }
  Value input = Value::map(
      {{"Name", table.name},
       {"TableType", "EXTERNAL_TABLE"},
       {"Parameters", std::move(parameters)},
       {"PartitionKeys", columns(table.partitions)},
       {"StorageDescriptor", Value::map({{"Columns", columns(table.columns)},
                                         {"Location", "s3://" + b.bucket_name(domain, table.layer) + "/" + table.path},
                                         {"InputFormat", format.input},
                                         {"OutputFormat", format.output},
                                         {"SerdeInfo", std::move(serde)}})}});
  if (!table.description.empty()) input.set("Description", table.description);
  b.add(b.id({domain.name, table.name, "table"}), "AWS::Glue::Table",
        Value::map({{"CatalogId", b.ref("AWS::AccountId")},
                    {"DatabaseName", b.ref(b.id({domain.name, "database"}))},
                    {"TableInput", std::move(input)}}));
}

void add_crawler(LakeBuilder& b, const LakeDomain& domain) {
  const std::string bucket = b.bucket_name(domain, *domain.crawled_layer);
  const std::string objects = "arn:${AWS::Partition}:s3:::" + bucket;
  b.add_role(b.id({domain.name, "crawler", "role"}), b.named({domain.name, "crawler"}), "glue.amazonaws.com",
             Value::list({b.allow({"s3:GetObject"}, b.sub(objects + "/*")),
                          b.allow({"s3:ListBucket", "s3:GetBucketLocation"}, b.sub(objects)), b.allow({"glue:*"}, "*"),
                          b.allow({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, "*")}));
  Value properties = Value::map(
      {{"Name", b.named({domain.name, *domain.crawled_layer})},
       {"Role", b.arn_of(b.id({domain.name, "crawler", "role"}))},
       {"DatabaseName", b.ref(b.id({domain.name, "database"}))},
       {"TablePrefix", *domain.crawled_layer + "_"},
       {"Targets", Value::map({{"S3Targets", Value::list({Value::map({{"Path", "s3://" + bucket + "/"}})})}})}});
  if (!domain.crawl_schedule.empty())
    properties.set("Schedule", Value::map({{"ScheduleExpression", domain.crawl_schedule}}));
  if (!b.lake.tags.empty()) properties.set("Tags", b.tag_map());
  Value& crawler = b.add(b.id({domain.name, "crawler"}), "AWS::Glue::Crawler", std::move(properties));
  crawler.set("DependsOn", b.id({domain.name, *domain.crawled_layer, "bucket"}));
}

void add_domain(LakeBuilder& b, const LakeDomain& domain) {
  for (const std::string& layer : b.lake.layers)
    add_bucket(b, b.id({domain.name, layer, "bucket"}), b.bucket_name(domain, layer));
  b.add(b.id({domain.name, "database"}), "AWS::Glue::Database",
        Value::map({{"CatalogId", b.ref("AWS::AccountId")},
                    {"DatabaseInput", Value::map({{"Name", b.database_name(domain)}})}}));
  for (const LakeTable& table : domain.tables) add_table(b, domain, table);
  if (domain.crawled_layer) add_crawler(b, domain);
  if (!domain.pipelines.empty()) {
    Value properties = Value::map({{"TopicName", b.named({domain.name, "errors"})}});
    if (!b.lake.tags.empty()) properties.set("Tags", b.tags());
    const std::string topic = b.id({domain.name, "errors"});
    b.add(topic, "AWS::SNS::Topic", std::move(properties));
    for (std::size_t i = 0; i < b.lake.alarms.size(); i++)
      b.add(topic + "To" + std::to_string(i + 1), "AWS::SNS::Subscription",
            Value::map({{"TopicArn", b.ref(topic)}, {"Protocol", "email"}, {"Endpoint", b.lake.alarms[i]}}));
  }
  for (const std::string& folder : domain.pipelines) add_pipeline(b, domain, folder);
}

// Where Athena's answers lie, and the workgroup that puts them there.
void add_workgroup(LakeBuilder& b) {
  add_bucket(b, "ResultsBucket", b.named({"results"}));
  Value properties =
      Value::map({{"Name", b.named({})},
                  {"RecursiveDeleteOption", true},  // what it was asked goes with it
                  {"WorkGroupConfiguration",
                   Value::map({{"EnforceWorkGroupConfiguration", true},
                               {"ResultConfiguration",
                                Value::map({{"OutputLocation", "s3://" + b.named({"results"}) + "/"}})}})}});
  if (!b.lake.tags.empty()) properties.set("Tags", b.tags());
  b.add("WorkGroup", "AWS::Athena::WorkGroup", std::move(properties)).set("DependsOn", "ResultsBucket");
}

Value reader_statements(LakeBuilder& b, const LakeReader& reader) {
  const std::string catalog = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:";
  Value metadata = Value::list({b.sub(catalog + "catalog")}), objects = Value::list(), buckets = Value::list();
  auto add_once = [](Value& list, Value item) {
    if (std::find(list.as_list().begin(), list.as_list().end(), item) == list.as_list().end())
      list.push_back(std::move(item));
  };
  for (const std::string& granted : reader.tables) {
    const std::size_t dot = granted.find('.');
    const LakeDomain& domain = *std::find_if(b.lake.domains.begin(), b.lake.domains.end(),
                                             [&](const LakeDomain& d) { return d.name == granted.substr(0, dot); });
    const std::string database = b.database_name(domain), name = granted.substr(dot + 1);
    add_once(metadata, b.sub(catalog + "database/" + database));
    add_once(metadata, b.sub(catalog + "table/" + database + "/" + name));
    for (const LakeTable& table : domain.tables) {
      if (name != "*" && name != table.name) continue;
      const std::string bucket = "arn:${AWS::Partition}:s3:::" + b.bucket_name(domain, table.layer);
      add_once(objects, b.sub(bucket + "/" + table.path + "*"));
      add_once(buckets, b.sub(bucket));
    }
  }
  const std::string results = "arn:${AWS::Partition}:s3:::" + b.named({"results"});
  add_once(buckets, b.sub(results));
  Value out = Value::list(
      {b.allow({"athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution",
                "athena:GetQueryResults", "athena:GetQueryResultsStream", "athena:GetWorkGroup",
                "athena:ListQueryExecutions"},
               b.sub("arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:workgroup/" + b.named({}))),
       b.allow({"glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartition",
                "glue:GetPartitions", "glue:BatchGetPartition"},
               std::move(metadata)),
       b.allow({"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"},
               b.sub(results + "/*")),
       b.allow({"s3:ListBucket", "s3:GetBucketLocation"}, std::move(buckets))});
  if (!objects.as_list().empty()) out.push_back(b.allow({"s3:GetObject"}, std::move(objects)));
  return out;
}

void add_reader(LakeBuilder& b, const LakeReader& reader) {
  Value statements = reader_statements(b, reader);
  if (reader.role.empty()) {
    const std::string role = b.id({reader.name, "reader", "role"});
    b.add_role(role, b.named({reader.name}), "", std::move(statements));
    b.outputs.set(role + "Arn", Value::map({{"Value", b.arn_of(role)}}));
    return;
  }
  b.add(b.id({reader.name, "reader", "policy"}), "AWS::IAM::Policy",
        Value::map({{"PolicyName", b.named({reader.name})},
                    {"PolicyDocument", Value::map({{"Version", "2012-10-17"}, {"Statement", std::move(statements)}})},
                    {"Roles", Value::list({reader.role})}}));
}

void attach_notifications(LakeBuilder& b) {
  for (auto& [bucket, attached] : b.notifications) {
    Value& resource = *b.resources.find(bucket);
    resource["Properties"].set("NotificationConfiguration",
                               Value::map({{"LambdaConfigurations", std::move(attached.first)}}));
    resource.set("DependsOn", std::move(attached.second));
  }
}

}  // namespace

LakeTemplate lake_template(const LakeFile& lake, const SourceFiles& files) {
  LakeBuilder b(lake, files);
  for (const LakeDomain& domain : lake.domains) add_domain(b, domain);
  attach_notifications(b);
  if (!lake.name.empty()) {
    add_workgroup(b);
    for (const LakeReader& reader : lake.readers) add_reader(b, reader);
  }
  LakeTemplate out;
  out.stack_name = lake.name.empty() ? b.named({lake.domains[0].name}) : b.named({});
  out.body = Value::map({{"AWSTemplateFormatVersion", "2010-09-09"}, {"Description", "The lake " + out.stack_name}});
  if (!b.assets.empty())
    out.body.set("Parameters",
                 Value::map({{"AssetsBucket",
                              Value::map({{"Type", "String"}, {"Description", "Bucket with the pipelines' code"}})}}));
  if (b.resources.as_map().size() > limits::max_resources)
    throw validation_error("the lake is " + std::to_string(b.resources.as_map().size()) +
                           " resources; a stack has at most " + std::to_string(limits::max_resources));
  out.body.set("Resources", std::move(b.resources));
  if (!b.outputs.as_map().empty()) out.body.set("Outputs", std::move(b.outputs));
  out.assets = std::move(b.assets);
  return out;
}

}  // namespace tarn::deploy
