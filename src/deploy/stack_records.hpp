// Stacks as they stand on disk: what each is, its resources, what happened in it, its change sets.
//
// Kinds in the metadata store, all under (account, region): "cloudformation.stack" by the stack's uuid;
// "cloudformation.stack-name" by name -> uuid, of those that are not deleted; "cloudformation.declaration" by (uuid,
// number); "cloudformation.resource" by (uuid, logical id); "cloudformation.event" by (uuid, number) with the newest
// first; "cloudformation.change-set" by (uuid, name) and "cloudformation.change-set-id" by its own uuid ->
// {Stack, Name}; "cloudformation.export" by name; "cloudformation.import" by (export's name, uuid of who imports it).
// What CloudFormation tells of a stack is AWS's own shape.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cloudformation.hpp"
#include "api/operations.hpp"
#include "deploy/template.hpp"
#include "meta/metadata.hpp"

namespace tarn::deploy {

// Where a stack is.
struct StackScope {
  std::string account, region;
  auto operator<=>(const StackScope&) const = default;
};

// The one resource that a logical id stands for at a time.
struct Instance {
  std::string type, physical_id;
  Value properties = Value::map();  // without what dynamic references name
  Value attributes = Value::map();
  std::vector<std::string> dependencies;  // logical ids
  std::string deletion_policy = "Delete", update_replace_policy = "Delete";
};

// What is being done to a resource.
struct Task {
  enum class Kind { create, update, revert, remove, remove_leftover };
  Kind kind = Kind::create;
  std::string token;
  Value memory;        // that its type left
  bool begun = false;  // a call of its type may have been made
};

struct ResourceRecord {
  std::string logical_id;
  Instance now;
  // What stood before the operation that is under way, or that failed and can still be rolled back.
  std::optional<Instance> before;
  bool replaced = false;  // `before` is another physical resource
  bool created = false;   // by that operation: there was nothing before
  // Physical resources that are to be removed once the operation has come to its end.
  std::vector<Instance> leftovers;
  std::optional<Task> task;
  std::string stage;     // the last operation and phase that came to this resource
  bool settled = false;  // they have done with it
  std::string status, reason;
  Time changed_at{};
  std::string description, metadata;  // of its declaration; metadata as JSON

  // Whether there is such a resource, as far as the stack knows.
  bool exists() const { return status != "DELETE_COMPLETE" && status != "DELETE_SKIPPED"; }
};

// What a stack is asked to be. Its parameters may be secret, so it never stands in the change log.
struct Declaration {
  std::string text;  // the template as it was given
  ParameterValues parameters;
};

enum class Phase {
  forward,         // creates and updates
  cleanup,         // removes what an update has left over
  rollback,        // restores what an update has changed
  rollback_clean,  // removes what a rolled back update has made
  undo,            // removes what a creation has made
  removal,         // removes all
};

// What is being done to a stack.
struct Operation {
  std::string id;
  std::string type;  // AWS's OperationType: CREATE_STACK ...
  Phase phase = Phase::forward;
  api::Principal principal;  // who acts: the stack's role, or whoever called
  std::string client_token;
  bool disable_rollback = false, delete_on_failure = false, retain_except_on_create = false;
  bool cancelled = false;         // by CancelUpdateStack
  bool tags_changed = false;      // all resources get the stack's tags anew
  std::optional<Time> deadline;   // of a creation
  std::string policy;             // that holds while it is under way; empty: none
  std::vector<std::string> skip;  // logical ids: resources that are left as they are
  bool force_delete = false;      // what can't be removed is left
  bool nested = false;            // its parent decides about what it has left over
  std::vector<std::string> failed_create, failed_update, failed_delete;
  std::string failure;  // what else went wrong
};

// What an update that is under way, or failed, started from.
struct StableStack {
  int64_t declaration = 0;
  api::cloudformation::Stack shown;
};

struct StackRecord {
  StackScope scope;
  std::string uuid;
  api::cloudformation::Stack shown;  // as DescribeStacks tells it
  int64_t declaration = 0;           // its number; 0: none yet
  int64_t last_declaration = 0, last_event = 0;
  std::optional<Operation> operation;
  std::optional<StableStack> stable;
  std::string policy;           // its stack policy; empty: none
  std::string principal_arn;    // who made it
  std::string token, token_of;  // the ClientRequestToken of the last request, and the request's operation
  std::vector<std::string> capabilities() const { return shown.capabilities.value_or(std::vector<std::string>()); }

  const std::string& name() const { return shown.stack_name; }
  const std::string& id() const { return *shown.stack_id; }
  const std::string& status() const { return shown.stack_status; }
  bool deleted() const { return shown.stack_status == "DELETE_COMPLETE"; }
  // A nested stack whose update is done, and whose parent's is not: it is cleaned up, or rolled back, with its parent.
  bool awaits_parent() const { return !operation && shown.stack_status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"; }
};

struct EventRecord {
  api::cloudformation::StackEvent event;
  std::string operation_type;
};

struct ChangeSetRecord {
  std::string uuid, stack_uuid;
  api::cloudformation::DescribeChangeSetOutput shown;  // with all values; they are left out where nobody asks for them
  std::string type;                                    // CREATE, UPDATE
  Declaration declaration;
  std::string processed;  // the template with its transforms done, as JSON
  std::optional<std::string> role_arn;
  std::string client_token;
};

// The uuid of arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID; absent when the text is no such ARN.
std::optional<std::string> uuid_of_stack_id(std::string_view text);

// Reads and writes them. As thread-safe as the store; those with a Transaction write within it.
class StackRecords {
 public:
  explicit StackRecords(meta::Metadata& metadata) : metadata_(metadata) {}
  meta::Metadata& metadata() { return metadata_; }

  // By name (one that is not deleted) or by id. Absent when there is none.
  static std::optional<StackRecord> find(meta::Reader& reader, const StackScope& scope, std::string_view name_or_id);
  std::optional<StackRecord> find(const StackScope& scope, std::string_view name_or_id) const;
  static void put(meta::Transaction& t, const StackRecord& stack);
  // All, deleted ones too, in no order that means anything.
  static std::vector<StackRecord> list(meta::Reader& reader, const StackScope& scope);
  std::vector<StackRecord> list(const StackScope& scope) const { return list(metadata_, scope); }
  // Of all accounts and regions, those with an operation under way.
  std::vector<StackRecord> under_way() const;

  static void put(meta::Transaction& t, const StackRecord& stack, int64_t number, const Declaration& declaration);
  static Declaration declaration(meta::Reader& reader, const StackRecord& stack, int64_t number);
  Declaration declaration(const StackRecord& stack) const;
  static void erase_declarations(meta::Transaction& t, const StackRecord& stack, std::vector<int64_t> but);

  std::map<std::string, ResourceRecord> resources(const StackRecord& stack) const;
  static void put(meta::Transaction& t, const StackRecord& stack, const ResourceRecord& resource);
  static void erase(meta::Transaction& t, const StackRecord& stack, const std::string& logical_id);

  // Gives the event its number.
  static void add(meta::Transaction& t, StackRecord& stack, const EventRecord& event);
  // Newest first; `after` is the key that the last page gave.
  std::vector<std::pair<std::string, EventRecord>> events(const StackRecord& stack, std::string_view after,
                                                          std::size_t limit) const;

  std::optional<ChangeSetRecord> find_change_set(const StackRecord& stack, std::string_view name) const;
  // By its ARN, with the stack that it belongs to.
  std::optional<std::pair<StackRecord, ChangeSetRecord>> change_set_of_arn(const StackScope& scope,
                                                                           std::string_view arn) const;
  static std::vector<ChangeSetRecord> change_sets(meta::Reader& reader, const StackRecord& stack);
  std::vector<ChangeSetRecord> change_sets(const StackRecord& stack) const { return change_sets(metadata_, stack); }
  static void put(meta::Transaction& t, const StackRecord& stack, const ChangeSetRecord& change_set);
  static void erase(meta::Transaction& t, const StackRecord& stack, const ChangeSetRecord& change_set);

  struct Export {
    std::string name, value, stack_id, stack_name;
  };
  static std::optional<Export> find_export(meta::Reader& reader, const StackScope& scope, const std::string& name);
  std::vector<Export> exports(const StackScope& scope, std::string_view after, std::size_t limit) const;
  static std::vector<Export> exports_of(meta::Reader& reader, const StackRecord& stack);
  static void put_export(meta::Transaction& t, const StackRecord& stack, const std::string& name,
                         const std::string& value);
  static void erase_export(meta::Transaction& t, const StackRecord& stack, const std::string& name);
  // Names of the stacks that import it.
  static std::vector<std::string> importers(meta::Reader& reader, const StackScope& scope, const std::string& name);
  static void add_imports(meta::Transaction& t, const StackRecord& stack, const std::set<std::string>& names);
  // Forgets the stack's imports of all but `names`.
  static void set_imports(meta::Transaction& t, const StackRecord& stack, const std::set<std::string>& names);

 private:
  meta::Metadata& metadata_;
};

}  // namespace tarn::deploy
