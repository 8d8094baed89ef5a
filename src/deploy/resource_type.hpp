// A resource type of CloudFormation's ("AWS::Glue::Job") as the engine sees it: properties in, a physical id and
// attributes out.
//
// Most types are rows of tables (resources/*.json): which operations of tarn's make, change and remove the resource,
// and how its properties become their inputs. The properties themselves come from AWS's public resource schemas, so
// what is accepted, what is read-only and what asks for a replacement is written by nobody twice. A type that is more
// than calls of operations derives from ResourceType in a file of its own.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/value.hpp"

namespace tarn::deploy {

// One action on one resource of one stack, on whose behalf a type calls operations. Lives as long as the call.
struct Action {
  api::Operations& operations;
  Clock& clock;
  Random& random;
  api::Principal principal;  // the stack's role, or whoever called
  std::string region;
  std::string endpoint;  // "http://127.0.0.1:4566": where others reach tarn
  std::string stack_id, stack_name, logical_id;
  std::string resource_type;  // as the template names it ("Custom::Thing")
  // The same at every call of this action, after a restart too: generated names and idempotency tokens follow from it.
  std::string token;
  // An earlier call of this action may have done some of its work and was cut off: what stands under the name that the
  // action would give is its own.
  bool begun_before = false;
  // The stack's, with CloudFormation's own (aws:cloudformation:stack-name ...).
  std::vector<std::pair<std::string, std::string>> tags;
  // Of an update: what `tags` was when the resource was last created or updated.
  std::vector<std::pair<std::string, std::string>> previous_tags;
  bool rolls_back = false;  // an update that undoes one which was made, or failed, just before

  // Throws what the operation throws.
  Value call(std::string_view operation, const Value& input) const;
};

// How far an action is.
struct Progress {
  // What Ref gives and DescribeStackResources tells; given as soon as it is known, and never changed by an update.
  std::string physical_id;
  // What Fn::GetAtt gives, by its whole name ("Endpoint.Address"). What an update does not tell again stays as it was.
  Value attributes = Value::map();
  bool done = true;
  // Not done: what the next call of this action is given (on disk in between), and when that comes.
  Value memory;
  std::chrono::milliseconds again_in{1000};
};

// What is wrong with a resource's properties, or can't be had here.
struct PropertyProblem {
  enum class Kind { unknown, wrong, missing, unsupported } kind;
  std::string path;  // "/BucketEncryption/ServerSideEncryptionConfiguration/0"
  std::string message;
};

enum class Replacement { never, conditionally, always };

// Thread-safe: handlers of many resources run at once.
class ResourceType {
 public:
  virtual ~ResourceType() = default;
  virtual std::string_view name() const = 0;

  // All that is wrong with `properties`. They may still hold intrinsic functions ({"Ref": …}, {"Fn::…": …}): these fit
  // everywhere.
  virtual std::vector<PropertyProblem> check(const Value& properties) const = 0;
  virtual bool has_attribute(std::string_view attribute) const = 0;
  // What a change at `path` ("/Name") means.
  virtual Replacement replacement(std::string_view path) const = 0;

  // Each does its work, or a part of it (`done` false: it is called again with the same arguments and what it left in
  // `memory`, null at first). Throws Error where the work fails; an update that throws one with the code NotUpdatable
  // becomes a replacement. Values in `properties` are of the type that the schema gives, whatever scalars the template
  // held.
  virtual Progress create(const Action& action, const Value& properties, const Value& memory) const = 0;
  virtual Progress update(const Action& action, const std::string& physical_id, const Value& before, const Value& after,
                          const Value& memory) const = 0;
  // What is gone already is no error.
  virtual Progress remove(const Action& action, const std::string& physical_id, const Value& properties,
                          const Value& memory) const = 0;
};

// "STACK-LOGICAL-1A2B3C4D5E6F", cut to `max_length`; always the same for one action. What CloudFormation gives to what
// the template leaves without a name.
std::string generated_name(const Action& action, std::size_t max_length, bool lower_case = false);

class ResourceTypes {
 public:
  // A type that is there already is a broken invariant.
  void add(std::unique_ptr<ResourceType> type);
  // nullptr when tarn does not have it. All of "Custom::…" are AWS::CloudFormation::CustomResource.
  const ResourceType* find(std::string_view name) const;
  // Why find() has none, in a sentence that names the type: its service is still to come, it is unknown.
  std::string refusal(std::string_view name) const;

 private:
  std::map<std::string, std::unique_ptr<ResourceType>, std::less<>> types_;
};

// All types that stand in tables or in files of resources/.
void add_resource_types(ResourceTypes& types);

}  // namespace tarn::deploy
