// CloudFormation's templates, from text to resolved properties: pure functions over Values, no stack, no clock, no disk
// ("Template reference", AWS CloudFormation User Guide).
//
// What is wrong throws Error (caller, ValidationError) in AWS's words; what tarn does not have (macros) throws Error
// (unsupported) that names it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
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

// Scalars are text, booleans and numbers, as YAML 1.1 has them without its dates. A number is one only where
// text_of() gives back what stood there ("4.0", but "1.10" is text), so nothing is lost when a property wants text.
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

// YAML or JSON. Broken text is an error that names line and column; so are repeated keys, aliases, and what no template
// has (unknown sections, resources without a type, too many of anything ...).
Template parse_template(std::string_view text);

// A scalar as CloudFormation passes it on where text is wanted: true, 5, 4.0. What is no scalar becomes JSON.
std::string text_of(const Value& value);

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

// What the parameter store holds.
struct StoredParameter {
  std::string type;  // String, StringList, SecureString
  std::string value;
};

// What a template needs of the world while it is resolved. Each may throw, or answer absent where there is no such
// thing. What is not set can't be known: functions that need it stay as they stand.
struct Surroundings {
  std::function<std::optional<StoredParameter>(const std::string& name, std::optional<int64_t> version)> parameter;
  // Value of a secret, or of one key of it.
  std::function<std::optional<std::string>(const std::string& secret_id, const std::string& json_key,
                                           const std::string& version_stage, const std::string& version_id)>
      secret;
  std::function<std::optional<std::string>(const std::string& export_name)> exported;
  std::function<std::vector<std::string>(const std::string& region)> availability_zones;
  // The text of an object ("s3://bucket/key"), for AWS::Include.
  std::function<std::string(const std::string& location)> included;
  // All that the account has of a parameter type ("AWS::EC2::VPC::Id"); absent: tarn has no such things, and whatever
  // is given passes.
  std::function<std::optional<std::vector<std::string>>(const std::string& parameter_type)> existing;
  // Of one of these, for the rules' Fn::ValueOf ("Tags.Department").
  std::function<std::optional<std::string>(const std::string& parameter_type, const std::string& id,
                                           const std::string& attribute)>
      existing_attribute;
};

// What resources gave so far. Absent: not yet, and what needs it is left as it stands in the template.
struct ResourceResults {
  std::function<std::optional<Value>(std::string_view logical_id)> ref;
  std::function<std::optional<Value>(std::string_view logical_id, std::string_view attribute)> attribute;
};

struct EvaluationState;

// A template with its transforms done, its parameters given and its conditions decided. Cheap to copy, never changed:
// threads may share one.
class Evaluation {
 public:
  // Checks parameters (types, allowed values, patterns; those missing), rules, conditions and every reference.
  // `previous` are the stack's parameters; empty for a new one.
  Evaluation(Template source, const ParameterValues& given, const ParameterValues& previous, PseudoParameters pseudo,
             Surroundings surroundings);

  const Template& source() const;
  // With transforms done: what GetTemplate gives for the stage Processed.
  const Value& processed() const;
  // Every parameter of the template, with the values that hold.
  const ParameterValues& parameters() const;

  // Logical ids of the resources whose condition holds, in the template's order.
  const std::vector<std::string>& resources() const;
  // Of any resource of the template; one that it does not have is a broken invariant.
  const Value& declaration(std::string_view logical_id) const;
  // What it waits for: DependsOn, Ref, Fn::GetAtt, Fn::Sub, and names that another resource of the template is given
  // literally. A circle throws when the Evaluation is made.
  const std::set<std::string>& dependencies(std::string_view logical_id) const;
  // False too when there is no such condition.
  bool condition(std::string_view name) const;

  // Properties with every intrinsic function worked out that can be; AWS::NoValue removes. Dynamic references
  // ({{resolve:…}}) are filled in only where `with_secrets`: what is stored or shown must not hold them.
  Value properties(std::string_view logical_id, const ResourceResults& results, bool with_secrets) const;
  // "Delete", "Retain", "RetainExceptOnCreate", "Snapshot": of DeletionPolicy, UpdateReplacePolicy. Empty when the
  // resource has none.
  std::string policy(std::string_view logical_id, std::string_view name) const;
  // Any other part of the template (a Metadata, an output's Value).
  Value resolve(const Value& node, const ResourceResults& results, bool with_secrets) const;
  // Whether no intrinsic function is left anywhere in it.
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
  std::shared_ptr<const EvaluationState> state_;
};

// One difference between what a resource was given and what it will be.
struct PropertyDifference {
  std::string path;  // "/Tags/0/Value"
  std::optional<Value> before, after;
};
// Scalars differ where their texts do: 5 is "5". In the order of `after`, then what is gone.
std::vector<PropertyDifference> differences(const Value& before, const Value& after);

}  // namespace tarn::deploy
