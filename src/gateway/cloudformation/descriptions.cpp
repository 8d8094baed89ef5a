// What there is of stacks, their resources and events, exports and imports.
#include <algorithm>

#include "gateway/cloudformation/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using deploy::EventRecord;
using deploy::ResourceRecord;
using deploy::StackRecord;
using deploy::StackRecords;
using deploy::Stacks;

constexpr std::size_t page_size = 100;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "ValidationError", message);
}

cf::DescribeStacksOutput describe_stacks(Stacks& stacks, Context& c, const cf::DescribeStacksInput& in) {
  cf::DescribeStacksOutput out;
  if (in.stack_name && !in.stack_name->empty()) {
    out.stacks.emplace().push_back(stacks.stack(c, *in.stack_name).shown);
    return out;
  }
  std::vector<cf::Stack> all;
  for (const StackRecord& s : stacks.records().list({c.account(), c.region}))
    if (!s.deleted()) all.push_back(s.shown);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.creation_time > b.creation_time; });
  out.stacks = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

cf::ListStacksOutput list_stacks(Stacks& stacks, Context& c, const cf::ListStacksInput& in) {
  const auto filter = in.stack_status_filter.value_or(std::vector<std::string>());
  std::vector<cf::StackSummary> all;
  for (const StackRecord& s : stacks.records().list({c.account(), c.region})) {
    if (!filter.empty() && std::find(filter.begin(), filter.end(), s.status()) == filter.end()) continue;
    cf::StackSummary& one = all.emplace_back();
    one.stack_id = s.id();
    one.stack_name = s.name();
    one.template_description = s.shown.description;
    one.creation_time = s.shown.creation_time;
    one.last_updated_time = s.shown.last_updated_time;
    one.deletion_time = s.shown.deletion_time;
    one.stack_status = s.status();
    one.stack_status_reason = s.shown.stack_status_reason;
    one.parent_id = s.shown.parent_id;
    one.root_id = s.shown.root_id;
    one.drift_information.emplace().stack_drift_status = "NOT_CHECKED";
    one.last_operations = s.shown.last_operations;
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.creation_time > b.creation_time; });
  cf::ListStacksOutput out;
  out.stack_summaries = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

// ---- events ----

cf::DescribeStackEventsOutput stack_events(Stacks& stacks, Context& c, const cf::DescribeStackEventsInput& in) {
  const StackRecord s = stacks.stack(c, in.stack_name);
  cf::DescribeStackEventsOutput out;
  out.stack_events.emplace();
  auto found = stacks.records().events(s, place_of(in.next_token), page_size + 1);
  if (found.size() > page_size) {
    found.resize(page_size);
    out.next_token = base64_encode(found.back().first);
  }
  for (auto& [key, e] : found) out.stack_events->push_back(std::move(e.event));
  return out;
}

// Of a stack's own events: how its operation stands.
std::string operation_status(const std::string& status) {
  if (status.ends_with("_IN_PROGRESS")) return "IN_PROGRESS";
  const bool failed = status.ends_with("_FAILED") || status.find("ROLLBACK") != std::string::npos;
  return failed ? "FAILED" : "SUCCEEDED";
}

cf::OperationEvent operation_event(const EventRecord& record) {
  const cf::StackEvent& e = record.event;
  const std::string status = e.resource_status.value_or("");
  cf::OperationEvent out;
  out.event_id = e.event_id;
  out.stack_id = e.stack_id;
  out.operation_id = e.operation_id;
  if (!record.operation_type.empty()) out.operation_type = record.operation_type;
  out.timestamp = e.timestamp;
  out.logical_resource_id = e.logical_resource_id;
  out.physical_resource_id = e.physical_resource_id;
  out.resource_type = e.resource_type;
  out.resource_status = e.resource_status;
  out.resource_status_reason = e.resource_status_reason;
  out.resource_properties = e.resource_properties;
  out.client_request_token = e.client_request_token;
  if (e.physical_resource_id == e.stack_id) {
    out.event_type = "STACK_EVENT";
    out.operation_status = operation_status(status);
  } else {
    out.event_type = status.ends_with("_FAILED") ? "PROVISIONING_ERROR" : "PROGRESS_EVENT";
  }
  return out;
}

cf::DescribeEventsOutput describe_events(Stacks& stacks, Context& c, const cf::DescribeEventsInput& in) {
  if (!in.stack_name && !in.change_set_name && !in.operation_id)
    invalid("One of ChangeSetName, OperationId or StackName must be specified");
  cf::DescribeEventsOutput out;
  out.operation_events.emplace();
  std::vector<StackRecord> of;
  if (in.change_set_name) {
    // What is wrong with a change set is told by CreateChangeSet itself.
    stacks.change_set(c, *in.change_set_name, in.stack_name);
    return out;
  }
  if (in.stack_name)
    of.push_back(stacks.stack(c, *in.stack_name));
  else
    of = stacks.records().list({c.account(), c.region});
  const bool failed_only = in.filters && in.filters->failed_events.value_or(false);
  std::vector<cf::OperationEvent> all;
  for (const StackRecord& s : of)
    for (auto& [key, record] : stacks.records().events(s, {}, SIZE_MAX)) {
      if (in.operation_id && record.event.operation_id != *in.operation_id) continue;
      cf::OperationEvent e = operation_event(record);
      if (!failed_only || e.event_type == "PROVISIONING_ERROR") all.push_back(std::move(e));
    }
  out.operation_events = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

// ---- resources ----

template <class T>
T base_of(const ResourceRecord& r) {
  T out;
  out.logical_resource_id = r.logical_id;
  if (!r.now.physical_id.empty()) out.physical_resource_id = r.now.physical_id;
  out.resource_type = r.now.type;
  out.resource_status = r.status;
  if (!r.reason.empty()) out.resource_status_reason = r.reason;
  return out;
}

cf::StackResource stack_resource(const StackRecord& s, const ResourceRecord& r) {
  auto out = base_of<cf::StackResource>(r);
  out.stack_name = s.name();
  out.stack_id = s.id();
  out.timestamp = r.changed_at;
  out.drift_information.emplace().stack_resource_drift_status = "NOT_CHECKED";
  return out;
}

// A resource that was begun; the records of what is yet to come have no status.
std::vector<ResourceRecord> resources_of(Stacks& stacks, const StackRecord& s) {
  std::vector<ResourceRecord> out;
  for (auto& [id, r] : stacks.records().resources(s))
    if (!r.status.empty()) out.push_back(std::move(r));
  return out;
}

cf::DescribeStackResourceOutput describe_resource(Stacks& stacks, Context& c,
                                                  const cf::DescribeStackResourceInput& in) {
  const StackRecord s = stacks.stack(c, in.stack_name);
  for (const ResourceRecord& r : resources_of(stacks, s)) {
    if (r.logical_id != in.logical_resource_id) continue;
    auto detail = base_of<cf::StackResourceDetail>(r);
    detail.stack_name = s.name();
    detail.stack_id = s.id();
    detail.last_updated_timestamp = r.changed_at;
    detail.metadata = r.metadata.empty() ? "{}" : r.metadata;
    detail.drift_information.emplace().stack_resource_drift_status = "NOT_CHECKED";
    return {std::move(detail)};
  }
  invalid("Resource " + in.logical_resource_id + " does not exist for stack " + in.stack_name);
}

cf::DescribeStackResourcesOutput describe_resources(Stacks& stacks, Context& c,
                                                    const cf::DescribeStackResourcesInput& in) {
  if (in.stack_name && in.physical_resource_id) invalid("You cannot specify both PhysicalResourceId and StackName");
  cf::DescribeStackResourcesOutput out;
  out.stack_resources.emplace();
  if (in.stack_name) {
    const StackRecord s = stacks.stack(c, *in.stack_name);
    for (const ResourceRecord& r : resources_of(stacks, s))
      if (!in.logical_resource_id || r.logical_id == *in.logical_resource_id)
        out.stack_resources->push_back(stack_resource(s, r));
    return out;
  }
  if (!in.physical_resource_id) invalid("Either StackName or PhysicalResourceId must be specified");
  // All of the stack that it belongs to.
  for (const StackRecord& s : stacks.records().list({c.account(), c.region})) {
    if (s.deleted()) continue;
    const auto all = resources_of(stacks, s);
    if (std::none_of(all.begin(), all.end(),
                     [&](const ResourceRecord& r) { return r.now.physical_id == *in.physical_resource_id; }))
      continue;
    for (const ResourceRecord& r : all)
      if (!in.logical_resource_id || r.logical_id == *in.logical_resource_id)
        out.stack_resources->push_back(stack_resource(s, r));
    return out;
  }
  invalid("Stack for " + *in.physical_resource_id + " does not exist");
}

cf::ListStackResourcesOutput list_resources(Stacks& stacks, Context& c, const cf::ListStackResourcesInput& in) {
  const StackRecord s = stacks.stack(c, in.stack_name);
  std::vector<cf::StackResourceSummary> all;
  for (const ResourceRecord& r : resources_of(stacks, s)) {
    auto& one = all.emplace_back(base_of<cf::StackResourceSummary>(r));
    one.last_updated_timestamp = r.changed_at;
    one.drift_information.emplace().stack_resource_drift_status = "NOT_CHECKED";
  }
  cf::ListStackResourcesOutput out;
  out.stack_resource_summaries = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

// ---- exports and imports ----

cf::ListExportsOutput list_exports(Stacks& stacks, Context& c, const cf::ListExportsInput& in) {
  cf::ListExportsOutput out;
  auto found = stacks.records().exports({c.account(), c.region}, place_of(in.next_token), page_size + 1);
  if (found.size() > page_size) {
    found.resize(page_size);
    out.next_token = base64_encode(found.back().name);
  }
  out.exports.emplace();
  for (const auto& e : found) out.exports->push_back({e.stack_id, e.name, e.value});
  return out;
}

cf::ListImportsOutput list_imports(Stacks& stacks, Context& c, const cf::ListImportsInput& in) {
  auto& metadata = stacks.records().metadata();
  const deploy::StackScope scope{c.account(), c.region};
  if (!StackRecords::find_export(metadata, scope, in.export_name))
    invalid("Export '" + in.export_name + "' does not exist.");
  const auto all = StackRecords::importers(metadata, scope, in.export_name);
  if (all.empty()) invalid("Export '" + in.export_name + "' is not imported by any stack.");
  cf::ListImportsOutput out;
  out.imports = page_of(all, in.next_token, page_size, out.next_token);
  return out;
}

}  // namespace

void register_descriptions(api::Operations& o, Stacks& s) {
  namespace op = cf::op;
  o.on<op::DescribeStacks>([&](Context& c, const auto& in) { return describe_stacks(s, c, in); });
  o.on<op::ListStacks>([&](Context& c, const auto& in) { return list_stacks(s, c, in); });
  o.on<op::DescribeStackEvents>([&](Context& c, const auto& in) { return stack_events(s, c, in); });
  o.on<op::DescribeEvents>([&](Context& c, const auto& in) { return describe_events(s, c, in); });
  o.on<op::DescribeStackResource>([&](Context& c, const auto& in) { return describe_resource(s, c, in); });
  o.on<op::DescribeStackResources>([&](Context& c, const auto& in) { return describe_resources(s, c, in); });
  o.on<op::ListStackResources>([&](Context& c, const auto& in) { return list_resources(s, c, in); });
  o.on<op::ListExports>([&](Context& c, const auto& in) { return list_exports(s, c, in); });
  o.on<op::ListImports>([&](Context& c, const auto& in) { return list_imports(s, c, in); });
}

}  // namespace tarn::gateway
