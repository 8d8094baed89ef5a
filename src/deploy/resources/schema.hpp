// AWS's public resource schemas (JSON Schema draft 7, "CloudFormation resource provider definition schema") over
// Values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"
#include "deploy/resource_type.hpp"

namespace tarn::deploy {

// Whether `value` is an intrinsic function: {"Ref": …}, {"Fn::…": …}, {"Condition": …}, or a dynamic reference.
bool is_intrinsic(const Value& value);

// One type's schema. Immutable, so thread-safe.
class Schema {
 public:
  // `document` is the schema as AWS gives it; what it does not have is not asked for.
  explicit Schema(Value document) : document_(std::move(document)) {}

  // What is wrong with `properties`, worded as CloudFormation does ("#/Foo: expected type: String, found: JSONObject").
  // Intrinsic functions fit everywhere; scalars fit where their text does ("300" where an integer is wanted).
  std::vector<PropertyProblem> check(const Value& properties) const;
  // `properties` with each scalar of the type that the schema wants ("300" → 300, true → "true").
  Value coerce(const Value& properties) const;
  // What a change at `path` ("/Tags/0/Value") asks for.
  Replacement replacement(std::string_view path) const;
  // Whether `path` ("Endpoint.Address", "Arn") is among readOnlyProperties.
  bool is_read_only(std::string_view attribute) const;

  const Value& document() const { return document_; }

 private:
  Value document_;
};

}  // namespace tarn::deploy
