#include "deploy/resources/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace tarn::deploy {
namespace {

const Schema& schema() {
  static const Schema one(parse_json(R"({
    "type": "object", "additionalProperties": false, "required": ["Name"],
    "definitions": {
      "Rule": {"type": "object", "additionalProperties": false, "required": ["Days"],
               "properties": {"Days": {"type": "integer", "minimum": 1, "maximum": 10}, "Next": {"$ref": "#/definitions/Rule"}}},
      "Document": {"type": ["object", "string"]}},
    "properties": {
      "Name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
      "On": {"type": "boolean"},
      "Rate": {"type": "number"},
      "Mode": {"type": "string", "enum": ["A", "B"]},
      "Rules": {"type": "array", "items": {"$ref": "#/definitions/Rule"}, "minItems": 1, "maxItems": 2, "uniqueItems": true},
      "Policy": {"$ref": "#/definitions/Document"},
      "Labels": {"type": "object", "patternProperties": {"^[a-z]+$": {"type": "string"}}, "additionalProperties": false},
      "Choice": {"oneOf": [{"type": "object", "required": ["X"], "properties": {"X": {"type": "integer"}}},
                           {"type": "object", "required": ["Y"]}]},
      "Arn": {"type": "string"}},
    "createOnlyProperties": ["/properties/Name", "/properties/Rules/*/Next"],
    "conditionalCreateOnlyProperties": ["/properties/Mode"],
    "readOnlyProperties": ["/properties/Arn", "/properties/Endpoint/Address"]})"));
  return one;
}

std::vector<std::string> wrong(const char* properties) {
  std::vector<std::string> out;
  for (const PropertyProblem& problem : schema().check(parse_json(properties))) out.push_back(problem.message);
  return out;
}
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Schema, TakesWhatFits) {
  EXPECT_THAT(wrong(R"({"Name": "ab", "On": true, "Rate": 1.5, "Mode": "A", "Rules": [{"Days": 1, "Next": {"Days": 2}}],
                        "Policy": {"Version": "2012-10-17"}, "Labels": {"a": "b"}, "Choice": {"X": 1}})"),
              IsEmpty());
}

TEST(Schema, SaysWhatIsWrongAsCloudFormationDoes) {
  EXPECT_THAT(wrong("{}"), ElementsAre("#: required key [Name] not found"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Nmae": 1})"), ElementsAre("#: extraneous key [Nmae] is not permitted"));
  EXPECT_THAT(wrong(R"({"Name": {"a": "b"}})"), ElementsAre("#/Name: expected type: String, found: JSONObject"));
  EXPECT_THAT(wrong(R"({"Name": "a"})"), ElementsAre("#/Name: expected minLength: 2, actual: 1"));
  EXPECT_THAT(wrong(R"({"Name": "abcde"})"), ElementsAre("#/Name: expected maxLength: 4, actual: 5"));
  EXPECT_THAT(
      wrong(R"({"Name": "AB"})"),
      ElementsAre(
          "#/Name: failed validation constraint for keyword [pattern]: string [AB] does not match pattern ^[a-z]+$"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Mode": "C"})"), ElementsAre("#/Mode: C is not a valid enum value"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Rules": [{"Days": 11}]})"),
              ElementsAre("#/Rules/0/Days: 11 is not less or equal to 10"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Rules": []})"),
              ElementsAre("#/Rules: expected minimum item count: 1, found: 0"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Rules": [{"Days": 1}, {"Days": 1}]})"),
              ElementsAre("#/Rules: array items are not unique"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "On": "yes"})"), ElementsAre("#/On: expected type: Boolean, found: String"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Labels": {"A": "b"}})"),
              ElementsAre("#/Labels: extraneous key [A] is not permitted"));
  EXPECT_THAT(wrong(R"({"Name": "ab", "Choice": {"Z": 1}})"),
              ElementsAre("#/Choice: 0 subschemas matched instead of one"));
}

TEST(Schema, TellsUnknownFromMissingFromWrong) {
  const auto problems = schema().check(parse_json(R"({"Nmae": "ab", "On": []})"));
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].kind, PropertyProblem::Kind::missing);
  EXPECT_EQ(problems[0].path, "/Name");
  EXPECT_EQ(problems[1].kind, PropertyProblem::Kind::unknown);
  EXPECT_EQ(problems[1].path, "/Nmae");
  EXPECT_EQ(problems[2].kind, PropertyProblem::Kind::wrong);
  EXPECT_EQ(problems[2].path, "/On");
}

TEST(Schema, IntrinsicFunctionsFitEverywhere) {
  EXPECT_THAT(wrong(R"({"Name": {"Ref": "P"}, "On": {"Fn::If": ["c", true, false]}, "Rules": {"Fn::GetAtt": ["a", "b"]},
                        "Rate": "{{resolve:ssm:rate}}", "Choice": {"X": {"Ref": "P"}}})"),
              IsEmpty());
}

TEST(Schema, AConditionIsNamed) {
  EXPECT_TRUE(is_intrinsic(parse_json(R"({"Condition": "IsProd"})")));
  EXPECT_FALSE(is_intrinsic(parse_json(R"({"Condition": {"Bool": {"aws:SecureTransport": "false"}}})")));
}

TEST(Schema, ScalarsFitWhereTheirTextDoes) {
  EXPECT_THAT(wrong(R"({"Name": "ab", "On": "true", "Rate": "1.5", "Rules": [{"Days": "3"}]})"), IsEmpty());
  EXPECT_EQ(
      to_json(schema().coerce(parse_json(
          R"({"Name": 5, "On": "false", "Rate": "2", "Rules": [{"Days": "3"}], "Policy": {"a": 1}, "Labels": {"b": true}})"))),
      R"({"Name":"5","On":false,"Rate":2,"Rules":[{"Days":3}],"Policy":{"a":1},"Labels":{"b":"true"}})");
}

TEST(Schema, KnowsWhatAChangeMeans) {
  EXPECT_EQ(schema().replacement("/Name"), Replacement::always);
  EXPECT_EQ(schema().replacement("/Mode"), Replacement::conditionally);
  EXPECT_EQ(schema().replacement("/Rate"), Replacement::never);
  EXPECT_EQ(schema().replacement("/Rules/0/Next/Days"), Replacement::always);
  EXPECT_EQ(schema().replacement("/Rules/0/Days"), Replacement::never);
  EXPECT_TRUE(schema().is_read_only("Arn"));
  EXPECT_TRUE(schema().is_read_only("Endpoint.Address"));
  EXPECT_FALSE(schema().is_read_only("Name"));
}

}  // namespace
}  // namespace tarn::deploy
