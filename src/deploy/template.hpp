// CloudFormation's templates, from text to resolved properties: pure functions over Values, no stack, no clock, no disk
// ("Template reference", AWS CloudFormation User Guide).
//
// What is wrong throws Error (caller, ValidationError) in AWS's words.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::deploy {

// Where something stands in a template's text; both from 1.
struct Position {
  std::size_t line = 0, column = 0;
};

struct Template {
  std::string text;  // as it was given
  Value body;        // short forms (!Ref, !Sub ...) written as long ones
  // By path ("/Resources/Bucket/Properties/BucketName").
  std::map<std::string, Position, std::less<>> positions;

  // Of `path`, or of the nearest thing around it.
  Position position(std::string_view path) const;
  // The resource's whole declaration; nullptr when there is none.
  const Value* resource(std::string_view logical_id) const;
};

// YAML or JSON. Broken text is an error that names line and column; so are repeated keys and what no template has.
Template parse_template(std::string_view text);

// What the pseudo-parameters (AWS::Region ...) give.
struct PseudoParameters {
  std::string account, region, stack_id, stack_name;
  std::vector<std::string> notification_arns;
};

// A parameter as a stack has it.
struct ParameterValue {
  std::string value;  // as it was given; lists with commas
  bool no_echo = false;
  bool use_previous = false;            // of an update: the value that the stack has
  std::optional<std::string> resolved;  // of an SSM parameter: what it names
};
using ParameterValues = std::map<std::string, ParameterValue, std::less<>>;

// What a template needs of the world while it is resolved. Each may throw, or answer absent where there is no such
// thing.
struct Surroundings {
  // Value of an SSM parameter (`secure`: one that is encrypted), of a secret's key.
  std::function<std::optional<std::string>(const std::string& name, std::optional<int64_t> version, bool secure)>
      parameter;
  std::function<std::optional<std::string>(const std::string& secret_id, const std::string& json_key,
                                           const std::string& version_stage, const std::string& version_id)>
      secret;
  std::function<std::optional<std::string>(const std::string& export_name)> exported;
  std::function<std::vector<std::string>(const std::string& region)> availability_zones;
  // The text of an object, for AWS::Include.
  std::function<std::string(const std::string& location)> included;
};

// What resources gave so far. Absent: not yet, and what needs it is left as it stands in the template.
struct ResourceResults {
  std::function<std::optional<Value>(std::string_view logical_id)> ref;
  std::function<std::optional<Value>(std::string_view logical_id, std::string_view attribute)> attribute;
};

// A template with its transforms done, its parameters given and its conditions decided.
class Evaluation {
 public:
  // Checks parameters (types, allowed values, patterns; those missing), rules, conditions and every reference.
  // `previous` are the stack's parameters; empty for a new one.
  Evaluation(Template source, const ParameterValues& given, const ParameterValues& previous, PseudoParameters pseudo,
             Surroundings surroundings);

  const Template& source() const { return source_; }
  // With transforms done: what GetTemplate gives for the stage Processed.
  const Value& processed() const { return processed_; }
  const ParameterValues& parameters() const { return parameters_; }

  // Logical ids of the resources whose condition holds, in the template's order.
  std::vector<std::string> resources() const;
  const Value& declaration(std::string_view logical_id) const;
  // What it waits for: DependsOn, Ref, Fn::GetAtt, Fn::Sub, and names that another resource of the template is given
  // literally. A circle throws when the Evaluation is made.
  std::set<std::string> dependencies(std::string_view logical_id) const;

  // Properties with every intrinsic function worked out that can be; AWS::NoValue removes. Dynamic references
  // ({{resolve:…}}) are filled in only where `with_secrets`: what is stored or shown must not hold them.
  Value properties(std::string_view logical_id, const ResourceResults& results, bool with_secrets) const;
  // Any other part of the template (a Metadata, an output's Value).
  Value resolve(const Value& node, const ResourceResults& results, bool with_secrets) const;
  // Whether an intrinsic function is left anywhere in it.
  static bool is_resolved(const Value& node);

  struct Output {
    std::string name, description;
    Value value;  // unresolved
    std::optional<Value> export_name;
  };
  // Those whose condition holds.
  std::vector<Output> outputs() const;
  // Names that Fn::ImportValue asks for, as far as they can be known.
  std::set<std::string> imports() const;

 private:
  Template source_;
  Value processed_;
  ParameterValues parameters_;
  PseudoParameters pseudo_;
  Surroundings surroundings_;
  std::map<std::string, bool, std::less<>> conditions_;
};

// One difference between what a resource was given and what it will be.
struct PropertyDifference {
  std::string path;  // "/Tags/0/Value"
  std::optional<Value> before, after;
};
std::vector<PropertyDifference> differences(const Value& before, const Value& after);

}  // namespace tarn::deploy
