#include "api/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/pattern.hpp"
#include "base/error.hpp"

namespace tarn::api {
namespace {

using testing::HasSubstr;

void check(std::string_view service, std::string_view operation, const Value& input) {
  const Service& s = *find_service(service);
  validate(s, *find_operation(s, operation), input);
}

// The error of an invalid input, as "Code: message"; "valid" when there is none.
std::string refusal(std::string_view service, std::string_view operation, const Value& input) {
  try {
    check(service, operation, input);
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
  return "valid";
}

Value table(Value input) {
  return Value::map({{"DatabaseName", "db"}, {"TableInput", std::move(input)}});
}

TEST(Validate, TakesWhatIsValid) {
  EXPECT_EQ(refusal("glue", "CreateTable", table(Value::map({{"Name", "orders"}}))), "valid");
  EXPECT_EQ(refusal("glue", "GetDatabases", Value::map()), "valid");
  EXPECT_EQ(refusal("glue", "GetDatabases", Value()), "valid");
  EXPECT_EQ(refusal("sts", "GetCallerIdentity", Value::map()), "valid");
  EXPECT_EQ(refusal("s3", "GetObject", Value::map({{"Bucket", "b"}, {"Key", "k"}})), "valid");
}

TEST(Validate, NamesAMissingMemberByItsPath) {
  EXPECT_EQ(refusal("glue", "GetTable", Value::map({{"DatabaseName", "db"}})),
            "ValidationException: 1 validation error detected: Value null at 'name' failed to satisfy constraint: "
            "Member must not be null");
  EXPECT_EQ(refusal("glue", "CreateTable", table(Value::map())),
            "ValidationException: 1 validation error detected: Value null at 'tableInput.name' failed to satisfy "
            "constraint: Member must not "
            "be null");
  EXPECT_THAT(refusal("glue", "GetTable", Value::map({{"DatabaseName", nullptr}, {"Name", "t"}})),
              HasSubstr("Value null at 'databaseName'"));
}

TEST(Validate, ListsSeveralErrors) {
  EXPECT_EQ(refusal("glue", "GetTable", Value::map()),
            "ValidationException: 2 validation errors detected: Value null at 'databaseName' failed to satisfy "
            "constraint: Member must not be "
            "null; Value null at 'name' failed to satisfy constraint: Member must not be null");
}

TEST(Validate, CountsCharactersNotBytes) {
  std::string name;
  for (int i = 0; i < 255; i++) name += "é";
  EXPECT_EQ(refusal("glue", "CreateTable", table(Value::map({{"Name", name}}))), "valid");
  name += "é";
  EXPECT_THAT(
      refusal("glue", "CreateTable", table(Value::map({{"Name", name}}))),
      HasSubstr(
          "at 'tableInput.name' failed to satisfy constraint: Member must have length less than or equal to 255"));
}

TEST(Validate, EmptyNames) {
  EXPECT_EQ(refusal("glue", "GetTable", Value::map({{"DatabaseName", ""}, {"Name", "t"}})),
            "ValidationException: 1 validation error detected: Value '' at 'databaseName' failed to satisfy "
            "constraint: Member must have "
            "length greater than or equal to 1");
}

TEST(Validate, PathsThroughListsAndNestedStructures) {
  Value columns = Value::list({Value::map({{"Name", "a"}}), Value::map({{"Name", "b"}, {"Comment", "bell\x07"}})});
  EXPECT_THAT(refusal("glue", "CreateTable",
                      table(Value::map({{"Name", "t"}, {"StorageDescriptor", Value::map({{"Columns", columns}})}}))),
              HasSubstr("at 'tableInput.storageDescriptor.columns.2.member.comment' failed to satisfy constraint: "
                        "Member must satisfy regular "
                        "expression pattern: [\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*"));
}

TEST(Validate, PatternsTakeAllOfUnicode) {
  EXPECT_EQ(refusal("glue", "CreateTable", table(Value::map({{"Name", "cañón 😀 漢字"}}))), "valid");
}

TEST(Validate, Ranges) {
  EXPECT_THAT(
      refusal("glue", "GetTables", Value::map({{"DatabaseName", "db"}, {"MaxResults", 0}})),
      HasSubstr(
          "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"));
}

TEST(Validate, Enumerations) {
  EXPECT_EQ(
      refusal("glue", "UpdateCrawler",
              Value::map({{"Name", "c"}, {"LineageConfiguration", Value::map({{"CrawlerLineageSettings", "ON"}})}})),
      "ValidationException: 1 validation error detected: Value 'ON' at 'lineageConfiguration.crawlerLineageSettings' "
      "failed to satisfy "
      "constraint: Member must satisfy enum value set: [ENABLE, DISABLE]");
}

TEST(Validate, ItemsOfAListAreToldTogether) {
  Value names = Value::list({"a", std::string(256, 'x')});
  EXPECT_THAT(
      refusal("glue", "BatchDeleteTable", Value::map({{"DatabaseName", "db"}, {"TablesToDelete", names}})),
      HasSubstr("at 'tablesToDelete' failed to satisfy constraint: Member must satisfy constraint: [Member must have "
                "length less than "
                "or equal to 255, Member must have length greater than or equal to 1, Member must satisfy regular"));
}

TEST(Validate, KeysOfAMap) {
  Value parameters = Value::map({{"", "v"}});
  EXPECT_THAT(refusal("glue", "CreateTable", table(Value::map({{"Name", "t"}, {"Parameters", parameters}}))),
              HasSubstr("Map keys must satisfy constraint: [Member must have length less than or equal to 255"));
}

TEST(Validate, SizesOfLists) {
  ValueList inputs;
  for (int i = 0; i < 101; i++) inputs.push_back(Value::map());
  EXPECT_THAT(
      refusal("glue", "BatchCreatePartition",
              Value::map({{"DatabaseName", "d"}, {"TableName", "t"}, {"PartitionInputList", inputs}})),
      HasSubstr(
          "at 'partitionInputList' failed to satisfy constraint: Member must have length less than or equal to 100"));
}

TEST(Validate, SecretsAreNotShown) {
  std::string message = refusal("secretsmanager", "CreateSecret",
                                Value::map({{"Name", "n"}, {"SecretString", std::string(70'000, 's')}}));
  EXPECT_THAT(
      message,
      HasSubstr(
          "Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536"));
}

TEST(Validate, EachServiceHasItsCode) {
  EXPECT_THAT(refusal("athena", "StartQueryExecution", Value::map({{"QueryString", ""}})),
              HasSubstr("InvalidRequestException: 1 validation error detected: Value '' at 'queryString'"));
  EXPECT_THAT(refusal("iam", "GetRole", Value::map()),
              HasSubstr("ValidationError: 1 validation error detected: Value null at 'roleName'"));
  EXPECT_THAT(refusal("logs", "CreateLogGroup", Value::map({{"logGroupName", "a b"}})),
              HasSubstr("InvalidParameterException: 1 validation"));
  EXPECT_THAT(refusal("dynamodb", "DescribeTable", Value::map()), HasSubstr("ValidationException: "));
  EXPECT_EQ(refusal("ec2", "DeleteVpc", Value::map()),
            "MissingParameter: The request must contain the parameter VpcId");
  EXPECT_THAT(refusal("lambda", "Invoke", Value::map({{"FunctionName", "bad name"}})),
              HasSubstr("ValidationException: "));
}

TEST(Validate, S3HasItsOwnWords) {
  Value object = Value::map({{"Bucket", "b"}, {"Key", "k"}});
  EXPECT_EQ(refusal("s3", "DeleteObjects", Value::map({{"Bucket", "b"}})),
            "MissingRequestBodyError: Request Body is empty");
  EXPECT_THAT(
      refusal("s3", "DeleteObjects",
              Value::map({{"Bucket", "b"}, {"Delete", Value::map({{"Objects", Value::list({Value::map()})}})}})),
      HasSubstr("MalformedXML: "));
  EXPECT_THAT(refusal("s3", "CopyObject", object),
              HasSubstr("InvalidRequest: Missing required header for this request: x-amz-copy-source"));
  EXPECT_THAT(refusal("s3", "PutObject", Value(object).set("StorageClass", "COLD")),
              HasSubstr("InvalidStorageClass: "));
  EXPECT_THAT(refusal("s3", "PutObject", Value(object).set("ACL", "everybody")), HasSubstr("InvalidArgument: "));
  // S3 takes any region of ours, and has no lengths in its model that it would check itself.
  Value configuration = Value::map({{"LocationConstraint", "nowhere-1"}});
  EXPECT_EQ(refusal("s3", "CreateBucket", Value::map({{"Bucket", "b"}, {"CreateBucketConfiguration", configuration}})),
            "valid");
}

TEST(Validate, WrongTypesFromInside) {
  EXPECT_THAT(refusal("glue", "GetTable", Value::map({{"DatabaseName", 1}, {"Name", "t"}})),
              HasSubstr("SerializationException: 'databaseName' must be a string"));
  EXPECT_THAT(refusal("glue", "GetTable", Value("text")), HasSubstr("SerializationException"));
}

TEST(Pattern, WholeTextMustMatch) {
  EXPECT_EQ(match_pattern("[a-z]+", "abc"), PatternMatch::matches);
  EXPECT_EQ(match_pattern("[a-z]+", "abc1"), PatternMatch::differs);
  EXPECT_EQ(match_pattern("a|bc", "bc"), PatternMatch::matches);
  EXPECT_EQ(match_pattern("a|bc", "bcd"), PatternMatch::differs);
}

TEST(Pattern, JavasOwnForms) {
  EXPECT_EQ(match_pattern("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*", "a\tb 😀"),
            PatternMatch::matches);
  EXPECT_EQ(match_pattern("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*!", "a\nb!"),
            PatternMatch::differs);
  EXPECT_EQ(match_pattern("\\p{Print}+", "a b"), PatternMatch::matches);
  EXPECT_EQ(match_pattern(".{1,2048}", std::string(1500, 'x')), PatternMatch::matches);
  EXPECT_EQ(match_pattern("^(?!aws:)[a-z:]*$", "aws:x"), PatternMatch::differs);
  EXPECT_EQ(match_pattern("^(?!aws:)[a-z:]*$", "mine:x"), PatternMatch::matches);
  EXPECT_EQ(match_pattern("[a-z.]*(?<!\\.)", "a.b"), PatternMatch::matches);
  EXPECT_EQ(match_pattern("[a-z.]*(?<!\\.)", "a.b."), PatternMatch::differs);
  EXPECT_EQ(match_pattern("(a)\\1", "aa"), PatternMatch::unchecked);
}

// Those that cannot be checked are counted, so that a new version of the models does not quietly bring more.
TEST(Pattern, OfTheModelsNearlyAllAreChecked) {
  int patterns = 0;
  std::vector<std::string> unchecked;
  auto visit = [&](auto& self, const Shape* shape, std::set<const Shape*>& seen, const std::string& where) -> void {
    if (!shape || !seen.insert(shape).second) return;
    if (!shape->pattern.empty()) {
      patterns++;
      if (match_pattern(shape->pattern, "x") == PatternMatch::unchecked)
        unchecked.push_back(where + ":" + std::string(shape->name) + " " + std::string(shape->pattern));
    }
    for (const Member& member : shape->members) self(self, member.shape, seen, where);
    if (shape->element) self(self, shape->element->shape, seen, where);
    if (shape->key) self(self, shape->key->shape, seen, where);
  };
  for (const Service* service : services()) {
    std::set<const Shape*> seen;
    for (const Operation& operation : service->operations)
      visit(visit, operation.input, seen, std::string(service->name));
  }
  EXPECT_GT(patterns, 1000);
  EXPECT_EQ(unchecked.size(), 13u) << testing::PrintToString(unchecked);
}

}  // namespace
}  // namespace tarn::api
