// Runs the cases of template_cases/*.txt (its README says how they read), and what text can't say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/template.hpp"
#include "deploy/template_summary.hpp"

namespace tarn::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The world of every case.
Surroundings world() {
  Surroundings out;
  out.parameter = [](const std::string& name, std::optional<int64_t> version) -> std::optional<StoredParameter> {
    if (name == "/app/text") return StoredParameter{"String", version == 1 ? "first" : "second"};
    if (name == "/app/list") return StoredParameter{"StringList", "a,b, c ,d"};
    if (name == "/app/secure") return StoredParameter{"SecureString", "s3cr3t"};
    return std::nullopt;
  };
  out.secret = [](const std::string& id, const std::string& key, const std::string& stage,
                  const std::string& version) -> std::optional<std::string> {
    if (id == "missing" || key == "missing") return std::nullopt;
    return id + "|" + key + "|" + stage + "|" + version;
  };
  out.exported = [](const std::string& name) -> std::optional<std::string> {
    return name == "network-vpc" ? std::optional<std::string>("vpc-1") : std::nullopt;
  };
  out.availability_zones = [](const std::string& region) {
    return std::vector<std::string>{region + "a", region + "b", region + "c"};
  };
  out.included = [](const std::string& location) -> std::string {
    if (location == "s3://templates/rules.yaml") return "Rule: [1, 2]\nOther: {Ref: 'AWS::Region'}\n";
    if (location == "s3://templates/broken.yaml") return "a: [";
    return R"({"Outputs": {"Included": {"Value": "yes"}}})";
  };
  out.existing = [](const std::string& type) -> std::optional<std::vector<std::string>> {
    if (type == "AWS::EC2::VPC::Id") return std::vector<std::string>{"vpc-1", "vpc-2"};
    return std::nullopt;
  };
  out.existing_attribute = [](const std::string&, const std::string& id, const std::string& attribute) {
    return std::optional<std::string>(attribute == "Tags.Department" && id == "vpc-1" ? "IT" : "HR");
  };
  return out;
}

PseudoParameters pseudo() {
  return {"123456789012",
          "us-east-1",
          "arn:aws:cloudformation:us-east-1:123456789012:stack/lake/1",
          "lake",
          {"arn:aws:sns:us-east-1:123456789012:told"}};
}

// Resource X's Ref is x-id, its attribute A is "X.A"; those named Later are not made yet.
ResourceResults results() {
  ResourceResults out;
  out.ref = [](std::string_view id) -> std::optional<Value> {
    if (id.starts_with("Later")) return std::nullopt;
    return Value(std::string(id) + "-id");
  };
  out.attribute = [](std::string_view id, std::string_view attribute) -> std::optional<Value> {
    if (id.starts_with("Later")) return std::nullopt;
    return Value(std::string(id) + "." + std::string(attribute));
  };
  return out;
}

struct Case {
  std::string file, name, setup, text;
  std::vector<std::string> expected;
};

ParameterValues given_of(const std::string& setup) {
  ParameterValues out;
  std::istringstream words(setup);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos && equals > 0) out[word.substr(0, equals)].value = word.substr(equals + 1);
  }
  return out;
}

// What one line of expectations asks: the value after "=>" of what stands before it.
std::string answer(const Evaluation& evaluation, const std::string& what) {
  std::istringstream words(what);
  std::string verb, subject;
  words >> verb >> subject;
  Value out = Value::list();
  if (verb == "resources") {
    for (const std::string& id : evaluation.resources()) out.push_back(id);
  } else if (verb == "waits") {
    for (const std::string& id : evaluation.dependencies(subject)) out.push_back(id);
  } else if (verb == "imports") {
    for (const std::string& name : evaluation.imports()) out.push_back(name);
  } else if (verb == "outputs") {
    out = Value::map();
    for (const Evaluation::Output& output : evaluation.outputs())
      out.set(output.name, evaluation.resolve(output.value, results(), false));
  } else if (verb == "policy") {
    return evaluation.policy(subject, what.substr(what.rfind(' ') + 1));
  } else if (verb == "resolved") {
    const ParameterValue& parameter = evaluation.parameters().at(subject);
    return parameter.resolved ? *parameter.resolved : parameter.value;
  } else if (verb == "processed") {
    return to_json(evaluation.processed());
  } else if (verb == "early") {
    return to_json(evaluation.properties(subject, {}, false));
  } else if (verb == "secret") {
    return to_json(evaluation.properties(subject, results(), true));
  } else {
    return to_json(evaluation.properties(verb, results(), false));
  }
  return to_json(out);
}

void check(const Case& c) {
  SCOPED_TRACE(c.file + ": " + c.name);
  std::string refused;
  std::unique_ptr<Evaluation> evaluation;
  auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error& e) {
      refused = e.message();
    }
  };
  attempt([&] {
    evaluation =
        std::make_unique<Evaluation>(parse_template(c.text), given_of(c.setup), ParameterValues(), pseudo(), world());
  });
  for (const std::string& line : c.expected) {
    if (line.starts_with("!! ")) {
      for (const char* verb : {"secret R", "R"})
        if (refused.empty() && evaluation) attempt([&] { (void)answer(*evaluation, verb); });
      EXPECT_EQ(refused, line.substr(3));
      continue;
    }
    ASSERT_EQ(refused, "") << "where an answer was expected to " << line;
    const std::size_t arrow = line.find(" => ");
    ASSERT_NE(arrow, std::string::npos) << line;
    std::string got;
    attempt([&] { got = answer(*evaluation, line.substr(0, arrow)); });
    EXPECT_EQ(refused, "");
    EXPECT_EQ(got, line.substr(arrow + 4));
  }
}

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::vector<Case> out;
  std::ifstream stream(file);
  bool in_text = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("## ")) {
      const std::size_t bar = line.find(" | ");
      out.push_back(
          {file.filename(), line.substr(3, bar - 3), bar == std::string::npos ? "" : line.substr(bar + 3), "", {}});
      in_text = true;
    } else if (out.empty()) {
      continue;
    } else if (line.find(" => ") != std::string::npos && line.starts_with("-> ")) {
      in_text = false;
      out.back().expected.push_back(line.substr(3));
    } else if (line.starts_with("!! ")) {
      in_text = false;
      out.back().expected.push_back(line);
    } else if (in_text) {
      out.back().text += line + "\n";
    }
  }
  return out;
}

// A case of functions.txt and the like may give only what stands as R's property P.
std::string whole_template(const std::string& text) {
  if (!text.starts_with("P: ")) return text;
  return "Parameters:\n"
         "  Env: {Type: String, Default: dev}\n"
         "  Names: {Type: CommaDelimitedList, Default: 'a, b,c'}\n"
         "  Ports: {Type: List<Number>, Default: '80,443'}\n"
         "Mappings:\n"
         "  Sizes:\n"
         "    dev: {Count: 1, Zones: [a, b]}\n"
         "    prd: {Count: 3, Zones: [a, b, c]}\n"
         "Conditions:\n"
         "  IsProd: !Equals [!Ref Env, prd]\n"
         "Resources:\n"
         "  Bucket: {Type: 'AWS::S3::Bucket'}\n"
         "  LaterRole: {Type: 'AWS::IAM::Role'}\n"
         "  R:\n"
         "    Type: AWS::S3::Bucket\n"
         "    Properties:\n"
         "      " +
         text;
}

TEST(Templates, Cases) {
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(TARN_SOURCE_DIR) / "src/deploy/template_cases")) {
    if (entry.path().extension() != ".txt") continue;
    for (Case& c : read_cases(entry.path())) {
      c.text = whole_template(c.text);
      EXPECT_FALSE(c.expected.empty()) << c.file << ": " << c.name << " expects nothing";
      check(c);
      count++;
    }
  }
  EXPECT_GT(count, 100u);
}

std::string refusal(const std::string& text) {
  try {
    (void)parse_template(text);
  } catch (const Error& e) {
    return e.message();
  }
  return {};
}

TEST(Templates, EveryPartHasItsPosition) {
  const Template yaml = parse_template(
      "Resources:\n  R:\n    Type: AWS::S3::Bucket\n    Properties:\n      Tags:\n        - Key: k\n          Value: "
      "!Sub "
      "'${AWS::Region}'\n");
  const Template json = parse_template("{\n \"Resources\": {\n  \"R\": {\"Type\": \"T\",\n   \"Properties\": {}}}}");
  auto at = [](const Template& t, std::string_view path) {
    const Position p = t.position(path);
    return std::to_string(p.line) + ":" + std::to_string(p.column);
  };
  EXPECT_EQ(at(yaml, "/Resources/R/Properties/Tags/0/Value"), "7:11");
  EXPECT_EQ(at(yaml, "/Resources/R/Properties/Tags/0"), "6:11");
  EXPECT_EQ(at(yaml, "/Resources/R/Properties/Tags/5/Nope"), "5:7") << "the nearest thing around it";
  EXPECT_EQ(at(yaml, "/Nope"), "1:1");
  EXPECT_EQ(at(json, "/Resources/R/Properties"), "4:4");
  EXPECT_EQ(yaml.resource("R")->string_or("Type"), "AWS::S3::Bucket");
  EXPECT_EQ(yaml.resource("Nope"), nullptr);
}

TEST(Templates, TooMuchIsRefused) {
  std::string many = "Resources:\n";
  for (int i = 0; i < 501; i++) many += "  R" + std::to_string(i) + ": {Type: AWS::S3::Bucket}\n";
  EXPECT_EQ(refusal(many), "Template format error: Number of resources, 501, is greater than maximum allowed, 500");
  EXPECT_THAT(refusal(std::string(1024 * 1024 + 1, ' ')), HasSubstr("may not exceed 1048576 bytes"));
  EXPECT_THAT(refusal("Description: " + std::string(1025, 'x') + "\nResources: {R: {Type: T}}"),
              HasSubstr("'Description' length is greater than 1024"));
  EXPECT_THAT(refusal("Resources: " + std::string(1000, '[') + std::string(1000, ']')),
              HasSubstr("YAML not well-formed"));
  EXPECT_THAT(refusal("{\"Resources\": " + std::string(1000, '[')), HasSubstr("JSON not well-formed"));
}

TEST(Templates, AnUpdateMayKeepTheStacksParameters) {
  const Template source = parse_template(
      "Parameters: {A: {Type: String, Default: new}, B: {Type: String}}\nResources: {R: {Type: AWS::S3::Bucket}}");
  ParameterValues previous{{"A", {"old"}}, {"B", {"kept"}}};
  ParameterValues given{{"B", {}}};
  given["B"].use_previous = true;
  const Evaluation update(source, given, previous, pseudo(), world());
  EXPECT_EQ(update.parameters().at("A").value, "new") << "what is not given takes its default";
  EXPECT_EQ(update.parameters().at("B").value, "kept");
  EXPECT_THROW(Evaluation(source, given, {}, pseudo(), world()), Error);
}

TEST(Templates, OutputsTellTheirExports) {
  const Evaluation evaluation(
      parse_template("Resources: {R: {Type: AWS::S3::Bucket}}\n"
                     "Outputs: {O: {Value: !Ref R, Description: d, Export: {Name: !Sub '${AWS::StackName}-o'}}}"),
      {}, {}, pseudo(), world());
  const auto outputs = evaluation.outputs();
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].description, "d");
  EXPECT_EQ(to_json(evaluation.resolve(*outputs[0].export_name, {}, false)), R"("lake-o")");
}

TEST(Templates, Differences) {
  auto told = [](const char* before, const char* after) {
    std::string out;
    for (const PropertyDifference& d : differences(parse_json(before), parse_json(after)))
      out += d.path + " " + (d.before ? to_json(*d.before) : "-") + ">" + (d.after ? to_json(*d.after) : "-") + "; ";
    return out;
  };
  EXPECT_EQ(told(R"({"A":1,"B":[{"K":"v"}]})", R"({"A":"1","B":[{"K":"v"}]})"), "") << "scalars differ by their text";
  EXPECT_EQ(told(R"({"A":1,"T":[{"K":"a","V":1},{"K":"b"}],"G":true})", R"({"A":2,"T":[{"K":"a","V":3}],"N":{}})"),
            R"(/A 1>2; /T/0/V 1>3; /T/1 {"K":"b"}>-; /N ->{}; /G true>-; )");
  EXPECT_EQ(told(R"({"A":[1]})", R"({"A":{"b":1}})"), R"(/A [1]>{"b":1}; )");
}

TEST(Templates, ASummaryTellsWhatIsAskedFor) {
  const TemplateSummary plain = summarize(parse_template(
      "AWSTemplateFormatVersion: 2010-09-09\nDescription: d\nMetadata: {M: 1}\n"
      "Parameters: {P: {Type: Number, Default: 5, NoEcho: true, MinValue: 1, AllowedValues: [5, 6]}}\n"
      "Resources:\n  A: {Type: AWS::IAM::Role}\n  B: {Type: AWS::S3::Bucket}\n  C: {Type: AWS::S3::Bucket}\n"));
  EXPECT_EQ(plain.version, "2010-09-09");
  EXPECT_EQ(plain.description, "d");
  EXPECT_EQ(plain.metadata, R"({"M":1})");
  ASSERT_EQ(plain.parameters.size(), 1u);
  EXPECT_EQ(plain.parameters[0].default_value, "5");
  EXPECT_TRUE(plain.parameters[0].no_echo);
  EXPECT_EQ(plain.parameters[0].min_value, "1");
  EXPECT_THAT(plain.parameters[0].allowed_values, ElementsAre("5", "6"));
  EXPECT_THAT(plain.capabilities, ElementsAre("CAPABILITY_IAM"));
  EXPECT_EQ(plain.capabilities_reason, "The following resource(s) require capabilities: [AWS::IAM::Role]");
  EXPECT_THAT(plain.resource_types, ElementsAre("AWS::IAM::Role", "AWS::S3::Bucket"));
  EXPECT_THAT(plain.logical_ids[1].second, ElementsAre("B", "C"));

  const TemplateSummary named = summarize(parse_template(
      "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [X, [a], {'R${X}': {Type: AWS::IAM::Role, "
      "Properties: {RoleName: r}}}]}"));
  EXPECT_THAT(named.capabilities, ElementsAre("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"));
  EXPECT_THAT(named.declared_transforms, ElementsAre("AWS::LanguageExtensions"));
  EXPECT_THROW(summarize(parse_template("Resources: {R: {Type: T, Properties: {A: !Ref Nope}}}")), Error);
}

}  // namespace
}  // namespace tarn::deploy
