// A resource type that is a row of a table: calls of operations, and what they are given.
//
// One row (resources/SERVICE.json, "types"):
//   "name"        {"at": "QueueName", "max": 80, "lower": true, "suffix": {"FifoQueue": ".fifo"}}: the property that
//   names
//                 the resource, or several of which one does; generated where the template leaves it out. "from": a
//                 template that gives it from the id, when it is not the id's last part.
//   "exists"      a call that answers only where a resource of this name is there already; for operations that would
//   take
//                 it over without a word
//   "adopt"       the same, asked only after an action was cut off; for what has no name of the template's
//   "create", "delete"  calls. "update": each made when a property changed that it names
//   "read"        a call; its answer is {read…}. "reads_first": before create and update too; "one_at_a_time": with no
//                 other resource of the type between the two. "reads": {name: call}: {reads.name…} of the attributes
//   "ref"         what Ref gives: a template of expression.hpp. "attributes": {"Arn": template, …}
//   "parts"       what operations of their own set: {"of": "VersioningConfiguration", "put": calls, "remove": calls}.
//   Of a
//                 list, with "each" (a template that tells items apart), each item is put and removed on its own; of
//                 several properties the first is the list, and a change of another puts all anew ("identity": under
//                 another name). "update_only": the create operation takes it. "before_delete": removed before
//                 deletion.
//   "tags"        {"tag": call, "untag": call} with {item} as the tags, or their keys; "at_creation" where the create
//                 operation does not take them. Otherwise a part or an update.
//   "ready"       {"value": template, "done": [...], "failed": [...], "reason": template}: waited for after create,
//   update "gone"        true: deletion is over when the read operation finds nothing "replacement" {"/Path":
//   "always"}: where it differs from the schema. "immutable": {"Name": why}: a change fails. "unchanged"   {"Name":
//   why}: no update needs it "refused"     {"/Path": why, "/Path=value": why, "/Path=begin*": why}: what tarn does not
//   have
// A call: {"call": "sqs:CreateQueue", "with": template of the input, "rename": {property: member}, "absent": {property:
// what an update sends when it was removed}, "when": [properties], "except": [properties that "*" is without], "if": a
// template that must give something, "unless": one that must not, "at_update": never at the creation, "may_be_gone":
// what is absent is no error, "missing": [codes that mean "is not there"],
// "taken": [codes that mean "is there already"]}, and "lookup": {"call", "with", "list": "Subscriptions", "where":
// {member: template}}: the call is made for each item of the list operation's answer that `where` describes, {found}.
// "*" in a template stands for all properties not named otherwise. Without "with" it is {"*": ""}. Several calls are a
// list.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deploy/resource_type.hpp"
#include "deploy/resources/expression.hpp"
#include "deploy/resources/schema.hpp"

namespace tarn::deploy {

// What tools/generate_resource_types.py makes of one type: JSON text ({"schema": …, "table": …}), deflated.
struct PackedType {
  std::string_view name;
  std::string_view deflated;
  std::size_t size_bytes;  // of the JSON
};

class TableType : public ResourceType {
 public:
  explicit TableType(const PackedType& packed) : packed_(&packed) {}
  // Of a schema and a table that are parsed already.
  TableType(std::string name, Value schema, Value table);

  std::string_view name() const override;
  std::vector<PropertyProblem> check(const Value& properties) const override;
  bool has_attribute(std::string_view attribute) const override;
  Replacement replacement(std::string_view path) const override;
  Progress create(const Action& action, const Value& properties, const Value& memory) const override;
  Progress update(const Action& action, const std::string& physical_id, const Value& before, const Value& after,
                  const Value& memory) const override;
  Progress remove(const Action& action, const std::string& physical_id, const Value& properties,
                  const Value& memory) const override;

  // `properties` with each scalar of the type that the schema wants.
  Value coerced(const Value& properties) const { return schema().coerce(properties); }

 private:
  const Schema& schema() const;
  const Value& table() const;

  struct Unpacked {
    std::string name;
    Schema schema;
    Value table;
    std::string tags;  // the property that holds tags; empty: none
  };
  const Unpacked& unpacked() const;

  Scope scope_of(const Action& action, const Value& properties, std::string id) const;
  void give_name(const Value& rule, Scope& scope) const;
  void refuse_changes(const Scope& scope) const;
  std::unique_lock<std::mutex> turn() const;
  Value call(const Value& spec, const Scope& scope) const;
  Value call_operation(const Value& spec, const Scope& scope) const;
  ValueList looked_up(const Value& lookup, const Scope& scope) const;
  // Null where nothing is there.
  Value call_if_there(const Value& spec, const Scope& scope) const;
  Value rest_of(const Value& spec, const Value& properties) const;
  std::set<std::string> named_by(const Value& spec) const;
  void make(Scope& scope) const;
  void put_part(const Value& part, const Scope& scope) const;
  void put_parts(Scope& scope) const;
  void change_part(const Value& part, Scope& scope) const;
  bool tags_at_creation() const;
  void call_for_tags(const Value& spec, Scope& scope, Value item) const;
  void put_tags(Scope& scope) const;
  void change_tags(Scope& scope) const;
  bool is_gone(Scope& scope) const;
  bool is_wanted(const Value& spec, const Scope& scope) const;
  void change(const Value& spec, const Scope& scope) const;
  void remove_parts(Scope& scope) const;
  bool has_parts(const Scope& scope) const;
  bool is_ready(Scope& scope) const;
  Progress waiting(const Scope& scope, Value memory) const;
  Progress finish(Scope& scope, Value memory) const;

  const PackedType* packed_ = nullptr;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const Unpacked> unpacked_;
  mutable std::mutex turn_;  // of types whose changes read first what they change ("one_at_a_time")
};

}  // namespace tarn::deploy
