#include "deploy/stack_records.hpp"

#include <algorithm>
#include <cstdio>

#include "base/json.hpp"

namespace tarn::deploy {
namespace {

constexpr std::string_view stack_kind = "cloudformation.stack", name_kind = "cloudformation.stack-name",
                           declaration_kind = "cloudformation.declaration", resource_kind = "cloudformation.resource",
                           event_kind = "cloudformation.event", change_set_kind = "cloudformation.change-set",
                           change_set_id_kind = "cloudformation.change-set-id", export_kind = "cloudformation.export",
                           import_kind = "cloudformation.import", under_way_kind = "cloudformation.under-way";

std::string key_of(const StackRecord& s) {
  return meta::key({s.scope.account, s.scope.region, s.uuid});
}
std::string key_in(const StackRecord& s, std::string_view part) {
  return meta::key({s.scope.account, s.scope.region, s.uuid, part});
}
std::string prefix_in(const StackRecord& s) {
  return meta::prefix({s.scope.account, s.scope.region, s.uuid});
}

std::string padded(int64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%012lld", static_cast<long long>(number));
  return text;
}
constexpr int64_t last_number = 999'999'999'999;

Value strings(const std::vector<std::string>& list) {
  return api::to_value(list);
}
std::vector<std::string> strings_of(const Value* v) {
  std::vector<std::string> out;
  if (v) api::from_value(*v, out);
  return out;
}

Value to_record(const Instance& i) {
  return Value::map({{"Type", i.type},
                     {"PhysicalId", i.physical_id},
                     {"Properties", i.properties},
                     {"Attributes", i.attributes},
                     {"Dependencies", strings(i.dependencies)},
                     {"DeletionPolicy", i.deletion_policy},
                     {"UpdateReplacePolicy", i.update_replace_policy}});
}
Instance instance_of(const Value& v) {
  Instance i;
  i.type = v.string_or("Type");
  i.physical_id = v.string_or("PhysicalId");
  i.properties = v.at("Properties");
  i.attributes = v.at("Attributes");
  i.dependencies = strings_of(v.find("Dependencies"));
  i.deletion_policy = v.string_or("DeletionPolicy", "Delete");
  i.update_replace_policy = v.string_or("UpdateReplacePolicy", "Delete");
  return i;
}

Value to_record(const ResourceRecord& r) {
  Value out = Value::map({{"Now", to_record(r.now)},
                          {"Stage", r.stage},
                          {"Settled", r.settled},
                          {"Status", r.status},
                          {"Reason", r.reason},
                          {"ChangedAt", r.changed_at},
                          {"Description", r.description},
                          {"Metadata", r.metadata}});
  if (r.before) out.set("Before", to_record(*r.before));
  if (r.replaced) out.set("Replaced", true);
  if (r.created) out.set("Created", true);
  if (!r.leftovers.empty()) {
    Value list = Value::list();
    for (const Instance& i : r.leftovers) list.push_back(to_record(i));
    out.set("Leftovers", std::move(list));
  }
  if (r.task)
    out.set("Task", Value::map({{"Kind", static_cast<int>(r.task->kind)},
                                {"Token", r.task->token},
                                {"Memory", r.task->memory},
                                {"Begun", r.task->begun}}));
  return out;
}
ResourceRecord resource_of(const std::string& logical_id, const Value& v) {
  ResourceRecord r;
  r.logical_id = logical_id;
  r.now = instance_of(v.at("Now"));
  r.stage = v.string_or("Stage");
  r.settled = v.bool_or("Settled");
  r.status = v.string_or("Status");
  r.reason = v.string_or("Reason");
  api::from_value(v.at("ChangedAt"), r.changed_at);
  r.description = v.string_or("Description");
  r.metadata = v.string_or("Metadata");
  if (const Value* before = v.find("Before")) r.before = instance_of(*before);
  r.replaced = v.bool_or("Replaced");
  r.created = v.bool_or("Created");
  if (const Value* leftovers = v.find("Leftovers"))
    for (const Value& one : leftovers->as_list()) r.leftovers.push_back(instance_of(one));
  if (const Value* task = v.find("Task"))
    r.task = Task{static_cast<Task::Kind>(task->int_or("Kind")), task->string_or("Token"), task->at("Memory"),
                  task->bool_or("Begun")};
  return r;
}

Value to_record(const Operation& o) {
  Value out = Value::map({{"Id", o.id},
                          {"Type", o.type},
                          {"Phase", static_cast<int>(o.phase)},
                          {"Account", o.principal.account},
                          {"Arn", o.principal.arn},
                          {"UserId", o.principal.user_id},
                          {"AccessKeyId", o.principal.access_key_id},
                          {"ClientToken", o.client_token},
                          {"DisableRollback", o.disable_rollback},
                          {"DeleteOnFailure", o.delete_on_failure},
                          {"RetainExceptOnCreate", o.retain_except_on_create},
                          {"Cancelled", o.cancelled},
                          {"TagsChanged", o.tags_changed},
                          {"Policy", o.policy},
                          {"Skip", strings(o.skip)},
                          {"ForceDelete", o.force_delete},
                          {"Nested", o.nested},
                          {"FailedCreate", strings(o.failed_create)},
                          {"FailedUpdate", strings(o.failed_update)},
                          {"FailedDelete", strings(o.failed_delete)},
                          {"Failure", o.failure}});
  if (o.deadline) out.set("Deadline", *o.deadline);
  return out;
}
Operation operation_of(const Value& v) {
  Operation o;
  o.id = v.string_or("Id");
  o.type = v.string_or("Type");
  o.phase = static_cast<Phase>(v.int_or("Phase"));
  o.principal = {v.string_or("Account"), v.string_or("Arn"), v.string_or("UserId"), v.string_or("AccessKeyId")};
  o.client_token = v.string_or("ClientToken");
  o.disable_rollback = v.bool_or("DisableRollback");
  o.delete_on_failure = v.bool_or("DeleteOnFailure");
  o.retain_except_on_create = v.bool_or("RetainExceptOnCreate");
  o.cancelled = v.bool_or("Cancelled");
  o.tags_changed = v.bool_or("TagsChanged");
  o.policy = v.string_or("Policy");
  o.skip = strings_of(v.find("Skip"));
  o.force_delete = v.bool_or("ForceDelete");
  o.nested = v.bool_or("Nested");
  o.failed_create = strings_of(v.find("FailedCreate"));
  o.failed_update = strings_of(v.find("FailedUpdate"));
  o.failed_delete = strings_of(v.find("FailedDelete"));
  o.failure = v.string_or("Failure");
  if (const Value* deadline = v.find("Deadline")) api::from_value(*deadline, o.deadline.emplace());
  return o;
}

Value to_record(const StackRecord& s) {
  Value out = Value::map({{"Shown", to_value(s.shown)},
                          {"Declaration", s.declaration},
                          {"LastDeclaration", s.last_declaration},
                          {"LastEvent", s.last_event},
                          {"Policy", s.policy},
                          {"Principal", s.principal_arn},
                          {"Token", s.token},
                          {"TokenOf", s.token_of}});
  if (s.operation) out.set("Operation", to_record(*s.operation));
  if (s.stable)
    out.set("Stable", Value::map({{"Declaration", s.stable->declaration}, {"Shown", to_value(s.stable->shown)}}));
  return out;
}
StackRecord stack_of(const std::string& key, const Value& v) {
  const auto parts = meta::key_parts(key);
  StackRecord s;
  s.scope = {parts.at(0), parts.at(1)};
  s.uuid = parts.at(2);
  from_value(v.at("Shown"), s.shown);
  s.declaration = v.int_or("Declaration");
  s.last_declaration = v.int_or("LastDeclaration");
  s.last_event = v.int_or("LastEvent");
  s.policy = v.string_or("Policy");
  s.principal_arn = v.string_or("Principal");
  s.token = v.string_or("Token");
  s.token_of = v.string_or("TokenOf");
  if (const Value* operation = v.find("Operation")) s.operation = operation_of(*operation);
  if (const Value* stable = v.find("Stable")) {
    s.stable.emplace().declaration = stable->int_or("Declaration");
    from_value(stable->at("Shown"), s.stable->shown);
  }
  return s;
}

Value to_record(const Declaration& d) {
  Value parameters = Value::map();
  for (const auto& [name, p] : d.parameters) {
    Value one = Value::map({{"Value", p.value}, {"NoEcho", p.no_echo}});
    if (p.resolved) one.set("Resolved", *p.resolved);
    parameters.set(name, std::move(one));
  }
  return Value::map({{"Text", d.text}, {"Parameters", std::move(parameters)}});
}
Declaration declaration_of(const Value& v) {
  Declaration d;
  d.text = v.string_or("Text");
  for (const auto& [name, p] : v.at("Parameters").as_map()) {
    ParameterValue one;
    one.value = p.string_or("Value");
    one.no_echo = p.bool_or("NoEcho");
    if (const Value* resolved = p.find("Resolved")) one.resolved = resolved->as_string();
    d.parameters[name] = std::move(one);
  }
  return d;
}

Value to_record(const ChangeSetRecord& c) {
  Value out = Value::map({{"Uuid", c.uuid},
                          {"Stack", c.stack_uuid},
                          {"Shown", to_value(c.shown)},
                          {"Type", c.type},
                          {"Declaration", to_record(c.declaration)},
                          {"Processed", c.processed},
                          {"ClientToken", c.client_token}});
  if (c.role_arn) out.set("RoleArn", *c.role_arn);
  return out;
}
ChangeSetRecord change_set_of(const Value& v) {
  ChangeSetRecord c;
  c.uuid = v.string_or("Uuid");
  c.stack_uuid = v.string_or("Stack");
  from_value(v.at("Shown"), c.shown);
  c.type = v.string_or("Type");
  c.declaration = declaration_of(v.at("Declaration"));
  c.processed = v.string_or("Processed");
  c.client_token = v.string_or("ClientToken");
  if (const Value* role = v.find("RoleArn")) c.role_arn = role->as_string();
  return c;
}

// The last part of the ARN of a stack or a change set, whose resource begins with `what`.
std::optional<std::string> last_part(std::string_view text, std::string_view what) {
  if (!text.starts_with("arn:")) return std::nullopt;
  const std::size_t at = text.find(what);
  const std::size_t slash = text.rfind('/');
  if (at == text.npos || slash == text.npos || slash < at + what.size()) return std::nullopt;
  return std::string(text.substr(slash + 1));
}

}  // namespace

std::optional<std::string> uuid_of_stack_id(std::string_view text) {
  return last_part(text, ":stack/");
}

// ---- stacks ----

std::optional<StackRecord> StackRecords::find(meta::Reader& reader, const StackScope& scope,
                                              std::string_view name_or_id) {
  std::string uuid;
  if (auto of_id = uuid_of_stack_id(name_or_id)) {
    uuid = *of_id;
  } else {
    auto named = reader.get(name_kind, meta::key({scope.account, scope.region, name_or_id}));
    if (!named) return std::nullopt;
    uuid = named->as_string();
  }
  const std::string key = meta::key({scope.account, scope.region, uuid});
  auto v = reader.get(stack_kind, key);
  if (!v) return std::nullopt;
  StackRecord out = stack_of(key, *v);
  if (name_or_id.starts_with("arn:") && out.id() != name_or_id) return std::nullopt;
  return out;
}

std::optional<StackRecord> StackRecords::find(const StackScope& scope, std::string_view name_or_id) const {
  return find(metadata_, scope, name_or_id);
}

void StackRecords::put(meta::Transaction& t, const StackRecord& s) {
  t.put(stack_kind, key_of(s), to_record(s));
  const std::string name_key = meta::key({s.scope.account, s.scope.region, s.name()});
  const auto named = t.get(name_kind, name_key);
  if (s.deleted()) {
    if (named && named->as_string() == s.uuid) t.erase(name_kind, name_key);
  } else if (!named) {
    t.put(name_kind, name_key, s.uuid);
  }
  if (s.operation)
    t.put(under_way_kind, key_of(s), Value::map());
  else
    t.erase(under_way_kind, key_of(s));
}

std::vector<StackRecord> StackRecords::list(meta::Reader& reader, const StackScope& scope) {
  std::vector<StackRecord> out;
  for (const auto& r : reader.list(stack_kind, meta::prefix({scope.account, scope.region})))
    out.push_back(stack_of(r.key, r.value));
  return out;
}

std::vector<StackRecord> StackRecords::under_way() const {
  std::vector<StackRecord> out;
  for (const std::string& key : metadata_.keys(under_way_kind, {}))
    if (auto v = metadata_.get(stack_kind, key)) out.push_back(stack_of(key, *v));
  return out;
}

// ---- declarations ----

void StackRecords::put(meta::Transaction& t, const StackRecord& s, int64_t number, const Declaration& declaration) {
  t.put(declaration_kind, key_in(s, padded(number)), to_record(declaration));
}

Declaration StackRecords::declaration(meta::Reader& reader, const StackRecord& s, int64_t number) {
  auto v = reader.get(declaration_kind, key_in(s, padded(number)));
  return v ? declaration_of(*v) : Declaration();
}

Declaration StackRecords::declaration(const StackRecord& s) const {
  return declaration(metadata_, s, s.declaration);
}

void StackRecords::erase_declarations(meta::Transaction& t, const StackRecord& s, std::vector<int64_t> but) {
  for (const std::string& key : t.keys(declaration_kind, prefix_in(s))) {
    const std::string number = meta::key_parts(key).back();
    if (std::none_of(but.begin(), but.end(), [&](int64_t n) { return padded(n) == number; }))
      t.erase(declaration_kind, key);
  }
}

// ---- resources ----

std::map<std::string, ResourceRecord> StackRecords::resources(const StackRecord& s) const {
  std::map<std::string, ResourceRecord> out;
  for (const auto& r : metadata_.list(resource_kind, prefix_in(s))) {
    const std::string logical_id = meta::key_parts(r.key).back();
    out.emplace(logical_id, resource_of(logical_id, r.value));
  }
  return out;
}

void StackRecords::put(meta::Transaction& t, const StackRecord& s, const ResourceRecord& resource) {
  t.put(resource_kind, key_in(s, resource.logical_id), to_record(resource));
}

void StackRecords::erase(meta::Transaction& t, const StackRecord& s, const std::string& logical_id) {
  t.erase(resource_kind, key_in(s, logical_id));
}

// ---- events ----

void StackRecords::add(meta::Transaction& t, StackRecord& s, const EventRecord& e) {
  t.put(event_kind, key_in(s, padded(last_number - ++s.last_event)),
        Value::map({{"Event", to_value(e.event)}, {"OperationType", e.operation_type}}));
}

std::vector<std::pair<std::string, EventRecord>> StackRecords::events(const StackRecord& s, std::string_view after,
                                                                      std::size_t limit) const {
  std::vector<std::pair<std::string, EventRecord>> out;
  const std::string from = after.empty() ? std::string() : key_in(s, after);
  for (const auto& r : metadata_.list(event_kind, prefix_in(s), from, limit)) {
    EventRecord one;
    from_value(r.value.at("Event"), one.event);
    one.operation_type = r.value.string_or("OperationType");
    out.emplace_back(meta::key_parts(r.key).back(), std::move(one));
  }
  return out;
}

// ---- change sets ----

std::optional<ChangeSetRecord> StackRecords::find_change_set(const StackRecord& s, std::string_view name) const {
  auto v = metadata_.get(change_set_kind, key_in(s, name));
  return v ? std::optional(change_set_of(*v)) : std::nullopt;
}

std::optional<std::pair<StackRecord, ChangeSetRecord>> StackRecords::change_set_of_arn(const StackScope& scope,
                                                                                       std::string_view arn) const {
  const auto uuid = last_part(arn, ":changeSet/");
  if (!uuid) return std::nullopt;
  auto where = metadata_.get(change_set_id_kind, meta::key({scope.account, scope.region, *uuid}));
  if (!where) return std::nullopt;
  const std::string key = meta::key({scope.account, scope.region, where->string_or("Stack")});
  auto stack = metadata_.get(stack_kind, key);
  if (!stack) return std::nullopt;
  StackRecord s = stack_of(key, *stack);
  auto found = find_change_set(s, where->string_or("Name"));
  if (!found || found->shown.change_set_id != arn) return std::nullopt;
  return std::pair(std::move(s), *std::move(found));
}

std::vector<ChangeSetRecord> StackRecords::change_sets(meta::Reader& reader, const StackRecord& s) {
  std::vector<ChangeSetRecord> out;
  for (const auto& r : reader.list(change_set_kind, prefix_in(s))) out.push_back(change_set_of(r.value));
  return out;
}

void StackRecords::put(meta::Transaction& t, const StackRecord& s, const ChangeSetRecord& c) {
  t.put(change_set_kind, key_in(s, *c.shown.change_set_name), to_record(c));
  t.put(change_set_id_kind, meta::key({s.scope.account, s.scope.region, c.uuid}),
        Value::map({{"Stack", s.uuid}, {"Name", *c.shown.change_set_name}}));
}

void StackRecords::erase(meta::Transaction& t, const StackRecord& s, const ChangeSetRecord& c) {
  t.erase(change_set_kind, key_in(s, *c.shown.change_set_name));
  t.erase(change_set_id_kind, meta::key({s.scope.account, s.scope.region, c.uuid}));
}

// ---- exports and imports ----

namespace {

StackRecords::Export export_of(std::string name, const Value& v) {
  return {std::move(name), v.string_or("Value"), v.string_or("StackId"), v.string_or("StackName")};
}

}  // namespace

std::optional<StackRecords::Export> StackRecords::find_export(meta::Reader& reader, const StackScope& scope,
                                                              const std::string& name) {
  auto v = reader.get(export_kind, meta::key({scope.account, scope.region, name}));
  return v ? std::optional(export_of(name, *v)) : std::nullopt;
}

std::vector<StackRecords::Export> StackRecords::exports(const StackScope& scope, std::string_view after,
                                                        std::size_t limit) const {
  std::vector<Export> out;
  const std::string from = after.empty() ? std::string() : meta::key({scope.account, scope.region, after});
  for (const auto& r : metadata_.list(export_kind, meta::prefix({scope.account, scope.region}), from, limit))
    out.push_back(export_of(meta::key_parts(r.key).back(), r.value));
  return out;
}

std::vector<StackRecords::Export> StackRecords::exports_of(meta::Reader& reader, const StackRecord& s) {
  std::vector<Export> out;
  for (const auto& r : reader.list(export_kind, meta::prefix({s.scope.account, s.scope.region})))
    if (r.value.string_or("StackId") == s.id()) out.push_back(export_of(meta::key_parts(r.key).back(), r.value));
  return out;
}

void StackRecords::put_export(meta::Transaction& t, const StackRecord& s, const std::string& name,
                              const std::string& value) {
  t.put(export_kind, meta::key({s.scope.account, s.scope.region, name}),
        Value::map({{"Value", value}, {"StackId", s.id()}, {"StackName", s.name()}}));
}

void StackRecords::erase_export(meta::Transaction& t, const StackRecord& s, const std::string& name) {
  t.erase(export_kind, meta::key({s.scope.account, s.scope.region, name}));
}

std::vector<std::string> StackRecords::importers(meta::Reader& reader, const StackScope& scope,
                                                 const std::string& name) {
  std::vector<std::string> out;
  for (const auto& r : reader.list(import_kind, meta::prefix({scope.account, scope.region, name})))
    out.push_back(r.value.as_string());
  std::sort(out.begin(), out.end());
  return out;
}

void StackRecords::add_imports(meta::Transaction& t, const StackRecord& s, const std::set<std::string>& names) {
  for (const std::string& name : names)
    t.put(import_kind, meta::key({s.scope.account, s.scope.region, name, s.uuid}), s.name());
}

void StackRecords::set_imports(meta::Transaction& t, const StackRecord& s, const std::set<std::string>& names) {
  for (const std::string& key : t.keys(import_kind, meta::prefix({s.scope.account, s.scope.region}))) {
    const auto parts = meta::key_parts(key);
    if (parts.back() == s.uuid && !names.contains(parts.at(2))) t.erase(import_kind, key);
  }
  add_imports(t, s, names);
}

}  // namespace tarn::deploy
