// lake.yml as a template, and what is wrong in one, told by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/lake/lake_template.hpp"
#include "deploy/lake/zip.hpp"
#include "deploy/resource_type.hpp"
#include "deploy/template.hpp"
#include "deploy/template_summary.hpp"

namespace tarn::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* lake_yml = R"yml(lake: shop
stage: dev
tags: {team: data}
alarms: team@example.com
domains:
  sales:
    crawl: {schedule: "cron(0/15 * * * ? *)"}
    tables:
      orders:
        layer: trusted
        columns: {id: bigint, product: string, value: double}
        partitions: {day: date}
      imports: {layer: raw, format: csv, delimiter: ";", columns: {id: string}}
readers:
  analyst: {tables: [sales.orders]}
  auditor: {role: audit, tables: sales.*}
)yml";

const char* config_yml = R"(name: daily
layers: {origin: raw, target: trusted}
triggers:
  - {type: s3, prefix: orders/, suffix: .json}
  - {type: event_rule, source: shop.orders, detail_type: orders ready}
steps:
  - {name: check, type: lambda, memory: 256, next_step: sort}
  - name: sort
    type: choice
    choices: [{variable: $.valid, equals: true, next_step: refine}]
    default: nothing
  - {name: refine, type: glue, command: pythonshell, max_concurrent_runs: 25}
  - {name: nothing, type: succeed}
)";

SourceFiles shop() {
  return {{"lake.yml", lake_yml},
          {"sales/daily/config.yml", config_yml},
          {"sales/daily/trigger/index.py", "def handler(e, c): pass\n"},
          {"sales/daily/catch/index.py", "def handler(e, c): pass\n"},
          {"sales/daily/steps/check/src/index.py", "import places\n"},
          {"sales/daily/steps/refine/src/index.py", "print(1)\n"},
          {"sales/shared/places.py", "x = 1\n"}};
}

LakeTemplate made(const SourceFiles& files, const std::string& file = "lake.yml", const std::string& stage = "") {
  return lake_template(read_lake_file(files, file, stage), files);
}

Evaluation evaluated(const LakeTemplate& lake) {
  return Evaluation(parse_template(to_json(lake.body)), {{"AssetsBucket", {"code"}}}, {},
                    {"123456789012", "us-east-1", "id", lake.stack_name, {}}, {});
}

std::string refusal(SourceFiles files, const std::string& from, const std::string& to) {
  std::string& text =
      files["lake.yml"].find(from) == std::string::npos ? files["sales/daily/config.yml"] : files["lake.yml"];
  text.replace(text.find(from), from.size(), to);
  try {
    (void)made(files);
  } catch (const Error& e) {
    return e.message();
  }
  return {};
}

TEST(LakeFile, IsATemplateThatResolves) {
  const LakeTemplate lake = made(shop());
  EXPECT_EQ(lake.stack_name, "shop-dev");
  const Evaluation evaluation = evaluated(lake);
  EXPECT_EQ(to_json(evaluation.properties("SalesRawBucket", {}, false).at("BucketName")), R"("shop-sales-raw-dev")");
  const Value table = evaluation.properties("SalesOrdersTable", {}, false).at("TableInput");
  EXPECT_EQ(to_json(table.at("PartitionKeys")), R"([{"Name":"day","Type":"date"}])");
  EXPECT_EQ(table.at("StorageDescriptor").string_or("Location"), "s3://shop-sales-trusted-dev/orders/");
  const Value csv = evaluation.properties("SalesImportsTable", {}, false).at("TableInput");
  EXPECT_EQ(to_json(csv.at("StorageDescriptor").at("SerdeInfo").at("Parameters")), R"({"separatorChar":";"})");
  EXPECT_THAT(summarize(parse_template(to_json(lake.body))).capabilities, ElementsAre("CAPABILITY_NAMED_IAM"));
}

TEST(LakeFile, EveryResourceFitsItsSchema) {
  ResourceTypes types;
  add_resource_types(types);
  const Evaluation evaluation = evaluated(made(shop()));
  for (const std::string& id : evaluation.resources()) {
    const std::string type = evaluation.declaration(id).string_or("Type");
    ASSERT_NE(types.find(type), nullptr) << types.refusal(type);
    for (const PropertyProblem& problem : types.find(type)->check(evaluation.properties(id, {}, false)))
      ADD_FAILURE() << id << problem.path << ": " << problem.message;
  }
}

TEST(LakeFile, APipelineIsAMachineOfItsSteps) {
  const LakeTemplate lake = made(shop());
  const Evaluation evaluation = evaluated(lake);
  ResourceResults results;
  results.ref = [](std::string_view id) { return Value(std::string(id)); };
  results.attribute = [](std::string_view id, std::string_view) { return Value("arn:" + std::string(id)); };
  const Value machine = evaluation.properties("SalesDailyMachine", results, false);
  const Value states = parse_json(machine.string_or("DefinitionString")).at("States");
  EXPECT_EQ(states.at("check").string_or("Resource"), "arn:SalesDailyCheckFunction");
  EXPECT_EQ(states.at("check").string_or("Next"), "sort");
  EXPECT_EQ(states.at("refine").string_or("Resource"), "arn:aws:states:::glue:startJobRun.sync");
  EXPECT_EQ(states.at("refine").at("Parameters").string_or("JobName"), "SalesDailyRefineJob");
  EXPECT_EQ(states.at("sort").string_or("Default"), "nothing");
  const Value bucket = evaluation.properties("SalesRawBucket", results, false);
  EXPECT_THAT(to_json(bucket.at("NotificationConfiguration")),
              HasSubstr(R"({"Name":"prefix","Value":"orders/"},{"Name":"suffix","Value":".json"})"));
  // Code is the same for the same files, and each file of code lies in the bucket once.
  EXPECT_EQ(to_json(made(shop()).body), to_json(lake.body));
  EXPECT_EQ(lake.assets.size(), 3u) << "trigger and catch are the same";
}

TEST(LakeFile, StagesStandSideBySide) {
  const LakeTemplate prd = made(shop(), "lake.yml", "prd");
  EXPECT_EQ(prd.stack_name, "shop-prd");
  EXPECT_THAT(to_json(prd.body), testing::Not(HasSubstr("-dev")));
}

TEST(LakeFile, AFolderOfPipelinesNeedsNoLakeFile) {
  SourceFiles files;
  for (auto& [path, bytes] : shop())
    if (path.starts_with("sales/")) files[path.substr(6)] = bytes;
  files["domain.yml"] = "domain: sales\nalarms: team@example.com\n";
  const LakeTemplate lake = made(files, "domain.yml");
  EXPECT_EQ(lake.stack_name, "sales-dev");
  const Evaluation evaluation = evaluated(lake);
  EXPECT_EQ(evaluation.properties("SalesRawBucket", {}, false).string_or("BucketName"), "sales-raw-dev");
}

TEST(LakeFile, WhatIsWrongIsToldByLine) {
  EXPECT_THAT(refusal(shop(), "stage: dev", "stages: dev"), HasSubstr("lake.yml:2: stages: has no meaning here"));
  EXPECT_THAT(refusal(shop(), "layer: trusted", "layer: gold"), HasSubstr("lake.yml:10: "));
  EXPECT_THAT(refusal(shop(), "sales.orders", "sales.order"), HasSubstr("the lake has no table sales.order"));
  EXPECT_THAT(refusal(shop(), "lake: shop", "lake: Shop"), HasSubstr("is no name"));
  EXPECT_THAT(refusal(shop(), "partitions: {day: date}", "contract: {keys: [id]}"),
              HasSubstr("does not check contracts"));
  EXPECT_THAT(refusal(shop(), "next_step: sort", "next_step: sorted"),
              HasSubstr("sales/daily/config.yml:7: steps/0/next_step: there is no step sorted"));
  EXPECT_EQ(refusal(shop(), "tags: {team: data}", "tags: {team: data"),
            "lake.yml: YAML not well-formed. (line 4, column 7): end of map flow not found");
  EXPECT_THAT(refusal(shop(), "type: succeed", "type: wait"), HasSubstr("must be lambda, glue, choice or succeed"));
  EXPECT_THAT(refusal(shop(), "name: check", "name: inspect"),
              HasSubstr("there is no sales/daily/steps/inspect/src/index.py"));
  SourceFiles packages = shop();
  packages["sales/daily/steps/check/requirements.json"] = "{}";
  EXPECT_THROW(made(packages), Error);
}

TEST(Zip, IsTheSameForTheSameFiles) {
  const std::string archive = zip({{"index.py", "print(1)\n"}, {"a/b.txt", std::string(1000, 'x')}});
  EXPECT_EQ(archive, zip({{"a/b.txt", std::string(1000, 'x')}, {"index.py", "print(1)\n"}}));
  EXPECT_TRUE(archive.starts_with("PK\3\4"));
  EXPECT_LT(archive.size(), 400u);
}

}  // namespace
}  // namespace tarn::deploy
