// Paths, intrinsic functions, choices, and what a definition must be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/choice.hpp"
#include "orchestrate/states/definition.hpp"
#include "orchestrate/states/expression.hpp"
#include "orchestrate/states/integration.hpp"
#include "orchestrate/states/map_run.hpp"

namespace tarn::states {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SeededRandom seeded(1);

std::string read(const char* path, const char* document) {
  const auto found = JsonPath(path).read(parse_json(document));
  return found ? to_json(*found) : "nothing";
}

template <class F>
std::string code_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

TEST(JsonPath, Reads) {
  const char* document = R"({"a":{"b":[1,2,3],"c d":"x"},"list":[{"n":1,"t":"p"},{"n":5,"t":"q"},{"n":7,"t":"p"}]})";
  EXPECT_EQ(read("$", "5"), "5");
  EXPECT_EQ(read("$.a.b[1]", document), "2");
  EXPECT_EQ(read("$['a']['c d']", document), "\"x\"");
  EXPECT_EQ(read("$.a.b[-1]", document), "3");
  EXPECT_EQ(read("$.a.b[9]", document), "nothing");
  EXPECT_EQ(read("$.a.x.y", document), "nothing");
  EXPECT_EQ(read("$.a.b[0,2]", document), "[1,3]");
  EXPECT_EQ(read("$.a.b[1:]", document), "[2,3]");
  EXPECT_EQ(read("$.a.b[:-1]", document), "[1,2]");
  EXPECT_EQ(read("$.list[*].n", document), "[1,5,7]");
  EXPECT_EQ(read("$..n", document), "[1,5,7]");
  EXPECT_EQ(read("$.list[?(@.n > 3 && @.t == 'p')].n", document), "[7]");
  EXPECT_EQ(read("$.list[?(!(@.t == 'p') || @.n==1)].n", document), "[1,5]");
  EXPECT_EQ(read("$.list[?(@.none)]", document), "[]");
  EXPECT_EQ(read("$.list.length()", document), "3");
  EXPECT_EQ(read("$.a.b.[1]", document), "2");
  EXPECT_EQ(read("$.['list'].[*].['n', 't']", document), R"([{"n":1,"t":"p"},{"n":5,"t":"q"},{"n":7,"t":"p"}])");
  EXPECT_EQ(read("$.list[0]['t','none']", document), R"({"t":"p"})");
  EXPECT_EQ(read("$['a','none']['b'][0]", document), "[1]");
}

TEST(JsonPath, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "$.", "$.[", "$[", "$['a", "$.a[b]", "$.a[?(@.b)", "$.a b", "$.a[?(1)]"})
    EXPECT_EQ(code_of([&] { JsonPath{text}; }), "InvalidPath") << text;
  EXPECT_TRUE(JsonPath("$.a[0].b").is_reference());
  EXPECT_FALSE(JsonPath("$.a[*]").is_reference());
  EXPECT_FALSE(JsonPath("$..a").is_reference());
  EXPECT_FALSE(JsonPath("$['a','b']").is_reference());
}

TEST(JsonPath, Writes) {
  auto write = [](const char* path, const char* document) {
    auto out = JsonPath(path).write(parse_json(document), 9);
    return out ? to_json(*out) : "nothing";
  };
  EXPECT_EQ(write("$", "{\"a\":1}"), "9");
  EXPECT_EQ(write("$.b.c", "{\"a\":1}"), R"({"a":1,"b":{"c":9}})");
  EXPECT_EQ(write("$.a[1]", "{\"a\":[1,2]}"), R"({"a":[1,9]})");
  EXPECT_EQ(write("$.a.b", "{\"a\":1}"), "nothing");
  EXPECT_EQ(write("$.a[2]", "{\"a\":[1,2]}"), "nothing");
}

std::string evaluate(const char* text, const char* input = "{}") {
  const Value in = parse_json(input), context = parse_json(R"({"Execution":{"Id":"arn"}})");
  return to_json(Expression(text).evaluate({in, context, seeded}, "f.$"));
}

TEST(Intrinsics, Compute) {
  EXPECT_EQ(evaluate("States.Format('Hi {}, {} \\{\\} it\\'s', $.n, 3)", R"({"n":"Ann"})"), "\"Hi Ann, 3 {} it's\"");
  EXPECT_EQ(evaluate("States.Format($.t, 'a')", R"({"t":"<{}>"})"), "\"<a>\"");
  EXPECT_EQ(evaluate("States.StringToJson('{\"a\":[1]}')"), R"({"a":[1]})");
  EXPECT_EQ(evaluate("States.JsonToString($.a)", R"({"a":{"b":null}})"), R"("{\"b\":null}")");
  EXPECT_EQ(evaluate("States.Array('a', 1, true, null, $$.Execution.Id)"), R"(["a",1,true,null,"arn"])");
  EXPECT_EQ(evaluate("States.ArrayPartition($.a, 2)", R"({"a":[1,2,3]})"), "[[1,2],[3]]");
  EXPECT_EQ(evaluate("States.ArrayContains($.a, 2)", R"({"a":[1,2,3]})"), "true");
  EXPECT_EQ(evaluate("States.ArrayRange(1, 9, 2)"), "[1,3,5,7,9]");
  EXPECT_EQ(evaluate("States.ArrayRange(3, 1, -1)"), "[3,2,1]");
  EXPECT_EQ(evaluate("States.ArrayGetItem($.a, 2)", R"({"a":[1,2,3]})"), "3");
  EXPECT_EQ(evaluate("States.ArrayLength($.a)", R"({"a":[1,2,3]})"), "3");
  EXPECT_EQ(evaluate("States.ArrayUnique($.a)", R"({"a":[1,2,1,{"x":1,"y":2},{"y":2,"x":1}]})"),
            R"([1,2,{"x":1,"y":2}])");
  EXPECT_EQ(evaluate("States.Base64Encode('data')"), "\"ZGF0YQ==\"");
  EXPECT_EQ(evaluate("States.Base64Decode('ZGF0YQ==')"), "\"data\"");
  EXPECT_EQ(evaluate("States.Hash('input data', 'SHA-1')"), "\"aaff4a450a104cd177d28d18d74485e8cae074b7\"");
  EXPECT_EQ(evaluate("States.Hash('', 'SHA-384')").substr(0, 9), "\"38b060a7");
  EXPECT_EQ(evaluate("States.JsonMerge($.a, $.b, false)", R"({"a":{"x":1,"y":2},"b":{"y":3}})"), R"({"x":1,"y":3})");
  EXPECT_EQ(evaluate("States.MathAdd(111, -1)"), "110");
  EXPECT_EQ(evaluate("States.MathRandom(5, 6)"), "5");
  EXPECT_EQ(evaluate("States.MathRandom(1, 999, 7)"), evaluate("States.MathRandom(1, 999, 7)"));
  EXPECT_EQ(evaluate("States.StringSplit('This.is+a,test=string', '.+,=')"), R"(["This","is","a","test","string"])");
  EXPECT_EQ(evaluate("States.UUID()").size(), 38u);
  EXPECT_EQ(evaluate("States.ArrayLength(States.StringSplit(States.Format('{},{}', 1, 2), ','))"), "2");
}

TEST(Intrinsics, Fail) {
  for (const char* text :
       {"States.Format('{}')", "States.Format('a', 1)", "States.StringToJson('{')", "States.ArrayPartition($.a, 0)",
        "States.ArrayRange(1, 2000, 1)", "States.ArrayRange(1, 2, 0)", "States.ArrayGetItem($.a, 3)",
        "States.ArrayLength('x')", "States.Base64Decode('!')", "States.Hash('a', 'CRC')",
        "States.JsonMerge($, $, true)", "States.MathAdd('a', 1)", "States.MathRandom(2, 1)", "States.UUID(1)"})
    EXPECT_EQ(code_of([&] { evaluate(text, R"({"a":[1,2,3]})"); }), "States.IntrinsicFailure") << text;
  EXPECT_EQ(code_of([] { evaluate("$.none"); }), "States.Runtime");
  for (const char* text : {"States.None()", "States.Array(", "States.Array(1", "States.Array('a)", "States.Array(1) x",
                           "Array(1)", "States.Array(a)"})
    EXPECT_EQ(code_of([&] { Expression{text}; }), "InvalidPath") << text;
}

bool holds(const char* rule, const char* input) {
  const Value in = parse_json(input), context = Value::map();
  return choice_holds(parse_json(rule), {in, context, seeded});
}

TEST(Choice, Compares) {
  const char* in =
      R"({"s":"log-a.txt","n":5,"m":5.0,"b":true,"z":null,"t":"2026-01-02T03:04:05Z","u":"2026-01-02T04:04:05+01:00"})";
  EXPECT_TRUE(holds(R"({"Variable":"$.s","StringMatches":"log-*.txt"})", in));
  EXPECT_FALSE(holds(R"({"Variable":"$.s","StringMatches":"*.csv"})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.n","NumericEqualsPath":"$.m"})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.n","NumericGreaterThanEquals":5})", in));
  EXPECT_FALSE(holds(R"({"Variable":"$.s","NumericEquals":5})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.b","BooleanEquals":true})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.t","TimestampEqualsPath":"$.u"})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.t","TimestampLessThan":"2026-02-01T00:00:00Z"})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.z","IsNull":true})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.none","IsPresent":false})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.t","IsTimestamp":true})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.s","IsNumeric":false})", in));
  EXPECT_TRUE(holds(R"({"Variable":"$.s","StringLessThan":"m"})", in));
  EXPECT_TRUE(holds(
      R"({"And":[{"Variable":"$.n","NumericLessThan":6},{"Not":{"Or":[{"Variable":"$.b","BooleanEquals":false}]}}]})",
      in));
  EXPECT_EQ(code_of([&] { holds(R"({"Variable":"$.none","StringEquals":"a"})", in); }), "States.Runtime");
  EXPECT_TRUE(string_matches("a*b", "a\\*b"));
  EXPECT_FALSE(string_matches("axb", "a\\*b"));
  EXPECT_TRUE(string_matches("", "*"));
  EXPECT_TRUE(string_matches("abcabc", "*abc"));
}

std::vector<std::string> codes(const char* definition, bool express = false) {
  std::vector<std::string> out;
  for (const Diagnostic& d : check_definition(definition, express)) out.push_back(d.code + " " + d.location);
  return out;
}

TEST(Definition, IsChecked) {
  EXPECT_THAT(codes(R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})"), IsEmpty());
  EXPECT_THAT(codes("no"), ElementsAre("INVALID_JSON_DESCRIPTION "));
  EXPECT_THAT(codes("{}"), ElementsAre("SCHEMA_VALIDATION_FAILED /"));
  EXPECT_THAT(codes(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"C":{"Type":"Succeed"}}})"),
              ElementsAre("MISSING_TRANSITION_TARGET /States/A/Next", "MISSING_TRANSITION_TARGET /States/C"));
  EXPECT_THAT(codes(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A"}}})"),
              ElementsAre("MISSING_END_STATE /"));
  EXPECT_THAT(
      codes(R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::no:such","End":true}}})"),
      ElementsAre("SCHEMA_VALIDATION_FAILED /States/A/Resource"));
  EXPECT_THAT(codes(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x.$":"a"},"End":true}}})"),
              ElementsAre("SCHEMA_VALIDATION_FAILED /States/A/Parameters"));
  EXPECT_THAT(codes(R"({"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})"),
              ElementsAre("SCHEMA_VALIDATION_FAILED /QueryLanguage"));
  const char* waits =
      R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}}})";
  EXPECT_THAT(codes(waits), IsEmpty());
  EXPECT_THAT(codes(waits, true), ElementsAre("SCHEMA_VALIDATION_FAILED /States/A/Resource"));
}

TEST(Integration, IsFound) {
  EXPECT_EQ(parse_resource("arn:aws:states:::aws-sdk:cloudwatchlogs:putLogEvents")->operation->name, "PutLogEvents");
  EXPECT_EQ(parse_resource("arn:aws:states:::aws-sdk:sfn:startExecution")->operation->name, "StartExecution");
  EXPECT_EQ(parse_resource("arn:aws:states:::states:startExecution.sync:2")->pattern, Integration::Pattern::job_parsed);
  EXPECT_EQ(parse_resource("arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject")->operation->name, "GetObject");
  EXPECT_FALSE(parse_resource("arn:aws:states:us-east-1:123456789012:stateMachine:m"));
  EXPECT_FALSE(parse_resource("arn:aws:states:::sqs:sendMessage.sync"));
  EXPECT_FALSE(parse_resource("arn:aws:states:::aws-sdk:s3:GetObject"));
  const auto s3 = *parse_resource("arn:aws:states:::aws-sdk:s3:getObject");
  EXPECT_EQ(call_failure(s3, {ErrorKind::missing, "NoSuchKey", "Gone."}, "r").code(), "S3.NoSuchKeyException");
  EXPECT_EQ(call_failure(s3, {ErrorKind::limit, "SlowDown", "No."}, "r").code(), "S3.S3Exception");
  const auto ddb = *parse_resource("arn:aws:states:::aws-sdk:dynamodb:getItem");
  EXPECT_EQ(call_failure(ddb, {ErrorKind::missing, "Odd", "m"}, "r").code(), "DynamoDb.DynamoDbException");
  const auto nested = *parse_resource("arn:aws:states:::states:startExecution");
  EXPECT_EQ(call_failure(nested, {ErrorKind::missing, "StateMachineDoesNotExist", "m"}, "r").code(),
            "StepFunctions.StateMachineDoesNotExistException");
  const auto function = *parse_resource("arn:aws:lambda:us-east-1:123456789012:function:f");
  EXPECT_EQ(function.kind, Integration::Kind::function);
  try {
    call_result(function, parse_json(R"({"FunctionError":"Unhandled","Payload":"{\"errorType\":\"KeyError\"}"})"), "r");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "KeyError");
  }
}

std::string items(const char* bytes, const char* config, int64_t most = 0) {
  return to_json(parse_items(bytes, parse_json(config), most));
}

TEST(MapItems, AreRead) {
  EXPECT_EQ(items("[1,2,3]", R"({"InputType":"JSON"})", 2), "[1,2]");
  EXPECT_EQ(items(R"({"a/b":{"c":[4]}})", R"({"InputType":"JSON","ItemsPointer":"/a~1b/c"})"), "[4]");
  EXPECT_EQ(items(R"({"x":1})", R"({"InputType":"JSON"})"), R"([{"Key":"x","Value":1}])");
  EXPECT_EQ(items("{\"a\":1}\n\n2\r\n", R"({"InputType":"JSONL"})"), R"([{"a":1},2])");
  EXPECT_EQ(items("a|b\n1|\"2|3\"\n4\n", R"({"InputType":"CSV","CSVDelimiter":"PIPE"})"),
            R"([{"a":"1","b":"2|3"},{"a":"4","b":""}])");
  EXPECT_EQ(items("1,2\n", R"({"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["x"]})"), R"([{"x":"1"}])");
  for (auto [bytes, config] : {std::pair{"5", R"({"InputType":"JSON"})"}, std::pair{"{", R"({"InputType":"JSON"})"},
                               std::pair{"{}", R"({"InputType":"JSON","ItemsPointer":"/a"})"},
                               std::pair{"a", R"({"InputType":"CSV","CSVDelimiter":"X"})"}})
    EXPECT_EQ(code_of([&] { items(bytes, config); }), "States.ItemReaderFailed") << bytes;
}

TEST(MapItems, AreBatched) {
  auto batches = [](int64_t most_items, int64_t most_bytes) {
    return to_json(make_batches({parse_json(R"({"k":1})"), most_items, most_bytes}, {1, 2, 3}));
  };
  EXPECT_EQ(batches(2, 0), R"([{"BatchInput":{"k":1},"Items":[1,2]},{"BatchInput":{"k":1},"Items":[3]}])");
  EXPECT_EQ(batches(0, 38), R"([{"BatchInput":{"k":1},"Items":[1,2]},{"BatchInput":{"k":1},"Items":[3]}])");
}

}  // namespace
}  // namespace tarn::states
