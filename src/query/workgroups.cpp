#include "query/workgroups.hpp"

#include <algorithm>

#include "query/tags.hpp"

namespace tarn::query {
namespace {

constexpr const char* kind = "athena.workgroup";
constexpr const char* primary = "primary";
constexpr int64_t min_cutoff_bytes = 10'000'000;

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has no " + what + " for workgroups");
}

void check_engine(const std::optional<athena::EngineVersion>& version) {
  if (!version || !version->selected_engine_version) return;
  const std::string& name = *version->selected_engine_version;
  if (name.starts_with("PySpark") || name.starts_with("Apache Spark")) unsupported("engine " + name);
  if (name != "AUTO" && name != engine_version) throw invalid_request("Engine version " + name + " is not supported");
}

void check_cutoff(std::optional<int64_t> bytes) {
  if (bytes && *bytes < min_cutoff_bytes)
    throw invalid_request("BytesScannedCutoffPerQuery must be at least " + std::to_string(min_cutoff_bytes));
}

void check(const athena::WorkGroupConfiguration& configuration) {
  check_engine(configuration.engine_version);
  check_cutoff(configuration.bytes_scanned_cutoff_per_query);
  if (configuration.result_configuration && configuration.result_configuration->output_location)
    parse_s3_path(*configuration.result_configuration->output_location);
  if (configuration.managed_query_results_configuration && configuration.managed_query_results_configuration->enabled)
    unsupported("managed query results");
  if (configuration.identity_center_configuration &&
      configuration.identity_center_configuration->enable_identity_center.value_or(false))
    unsupported("Identity Center");
  if (configuration.query_results_s3_access_grants_configuration &&
      configuration.query_results_s3_access_grants_configuration->enable_s3_access_grants)
    unsupported("S3 Access Grants");
  if (configuration.engine_configuration) unsupported("engine configuration");
}

void set_engine(athena::WorkGroupConfiguration& configuration) {
  if (!configuration.engine_version) configuration.engine_version.emplace();
  if (!configuration.engine_version->selected_engine_version)
    configuration.engine_version->selected_engine_version = "AUTO";
  configuration.engine_version->effective_engine_version = engine_version;
}

void apply(const athena::ResultConfigurationUpdates& updates, athena::ResultConfiguration& to) {
  if (updates.remove_output_location.value_or(false)) to.output_location.reset();
  if (updates.remove_encryption_configuration.value_or(false)) to.encryption_configuration.reset();
  if (updates.remove_expected_bucket_owner.value_or(false)) to.expected_bucket_owner.reset();
  if (updates.remove_acl_configuration.value_or(false)) to.acl_configuration.reset();
  if (updates.output_location) to.output_location = updates.output_location;
  if (updates.encryption_configuration) to.encryption_configuration = updates.encryption_configuration;
  if (updates.expected_bucket_owner) to.expected_bucket_owner = updates.expected_bucket_owner;
  if (updates.acl_configuration) to.acl_configuration = updates.acl_configuration;
}

void apply(const athena::WorkGroupConfigurationUpdates& updates, athena::WorkGroupConfiguration& to) {
  if (updates.managed_query_results_configuration_updates &&
      updates.managed_query_results_configuration_updates->enabled.value_or(false))
    unsupported("managed query results");
  if (updates.enforce_work_group_configuration)
    to.enforce_work_group_configuration = updates.enforce_work_group_configuration;
  if (updates.publish_cloud_watch_metrics_enabled)
    to.publish_cloud_watch_metrics_enabled = updates.publish_cloud_watch_metrics_enabled;
  if (updates.requester_pays_enabled) to.requester_pays_enabled = updates.requester_pays_enabled;
  if (updates.remove_bytes_scanned_cutoff_per_query.value_or(false)) to.bytes_scanned_cutoff_per_query.reset();
  if (updates.bytes_scanned_cutoff_per_query)
    to.bytes_scanned_cutoff_per_query = updates.bytes_scanned_cutoff_per_query;
  if (updates.engine_version) to.engine_version = updates.engine_version;
  if (updates.additional_configuration) to.additional_configuration = updates.additional_configuration;
  if (updates.execution_role) to.execution_role = updates.execution_role;
  if (updates.remove_customer_content_encryption_configuration.value_or(false))
    to.customer_content_encryption_configuration.reset();
  if (updates.customer_content_encryption_configuration)
    to.customer_content_encryption_configuration = updates.customer_content_encryption_configuration;
  if (updates.enable_minimum_encryption_configuration)
    to.enable_minimum_encryption_configuration = updates.enable_minimum_encryption_configuration;
  if (updates.query_results_s3_access_grants_configuration)
    to.query_results_s3_access_grants_configuration = updates.query_results_s3_access_grants_configuration;
  if (updates.monitoring_configuration) to.monitoring_configuration = updates.monitoring_configuration;
  if (updates.engine_configuration) to.engine_configuration = updates.engine_configuration;
  if (updates.result_configuration_updates) {
    if (!to.result_configuration) to.result_configuration.emplace();
    apply(*updates.result_configuration_updates, *to.result_configuration);
  }
}

athena::WorkGroup default_primary() {
  athena::WorkGroup out;
  out.name = primary;
  out.state = "ENABLED";
  out.description = "";
  out.creation_time = Time{};
  auto& configuration = out.configuration.emplace();
  configuration.result_configuration.emplace();
  configuration.enforce_work_group_configuration = false;
  configuration.publish_cloud_watch_metrics_enabled = false;
  configuration.requester_pays_enabled = false;
  set_engine(configuration);
  return out;
}

}  // namespace

std::string normal_location(const std::string& location) {
  parse_s3_path(location);
  return location.ends_with('/') ? location : location + "/";
}

std::optional<athena::WorkGroup> Workgroups::find(meta::Reader& reader, const Caller& caller,
                                                  const std::string& name) const {
  if (auto record = reader.get(kind, caller.key({name}))) return api::from<athena::WorkGroup>(*record);
  if (name == primary) return default_primary();
  return std::nullopt;
}

void Workgroups::create(const Caller& caller, const athena::CreateWorkGroupInput& input) {
  athena::WorkGroup made;
  made.name = input.name;
  made.state = "ENABLED";
  made.description = input.description.value_or("");
  made.creation_time = parts_.clock.now();
  made.configuration = input.configuration.value_or(athena::WorkGroupConfiguration());
  check(*made.configuration);
  if (!made.configuration->result_configuration) made.configuration->result_configuration.emplace();
  if (!made.configuration->enforce_work_group_configuration)
    made.configuration->enforce_work_group_configuration = true;
  if (!made.configuration->publish_cloud_watch_metrics_enabled)
    made.configuration->publish_cloud_watch_metrics_enabled = true;
  if (!made.configuration->requester_pays_enabled) made.configuration->requester_pays_enabled = false;
  set_engine(*made.configuration);
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (find(change, caller, input.name)) throw invalid_request("WorkGroup " + input.name + " is already created");
    change.put(kind, caller.key({input.name}), to_value(made));
    set_tags(change, caller, workgroup_arn(caller, input.name), input.tags.value_or(std::vector<athena::Tag>()));
  });
}

athena::WorkGroup Workgroups::get(const Caller& caller, const std::string& name) const {
  auto found = find(parts_.metadata, caller, name);
  if (!found) throw invalid_request("WorkGroup " + name + " is not found.");
  return std::move(*found);
}

athena::WorkGroup Workgroups::enabled(const Caller& caller, const std::optional<std::string>& name) const {
  auto out = get(caller, name.value_or(primary));
  if (out.state != "ENABLED") throw invalid_request("WorkGroup " + out.name + " is disabled.");
  return out;
}

void Workgroups::update(const Caller& caller, const athena::UpdateWorkGroupInput& input) {
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    auto found = find(change, caller, input.work_group);
    if (!found) throw invalid_request("WorkGroup " + input.work_group + " is not found.");
    if (input.description) found->description = input.description;
    if (input.state) found->state = input.state;
    if (input.configuration_updates) {
      apply(*input.configuration_updates, *found->configuration);
      check(*found->configuration);
      set_engine(*found->configuration);
    }
    change.put(kind, caller.key({input.work_group}), to_value(*found));
  });
}

void Workgroups::remove(const Caller& caller, const athena::DeleteWorkGroupInput& input) {
  if (input.work_group == primary) throw invalid_request("The primary workgroup can't be deleted");
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (!find(change, caller, input.work_group))
      throw invalid_request("WorkGroup " + input.work_group + " is not found.");
    // What belongs to a workgroup stands under keys that begin with its name.
    static constexpr const char* contents[] = {"athena.named_query_of", "athena.prepared_statement",
                                               "athena.execution_of"};
    for (const char* what : contents) {
      const std::string inside = caller.prefix({input.work_group});
      if (change.count(what, inside) == 0) continue;
      if (!input.recursive_delete_option.value_or(false))
        throw invalid_request("WorkGroup " + input.work_group +
                              " is not empty: delete what is in it, or set RecursiveDeleteOption");
      for (const auto& record : change.list(what, inside)) {
        if (what == contents[0]) change.erase("athena.named_query", caller.key({record.value.string_or("Id")}));
        if (what == contents[2]) change.erase("athena.execution", caller.key({record.value.string_or("Id")}));
      }
      change.erase_all(what, inside);
    }
    change.erase(kind, caller.key({input.work_group}));
    remove_tags(change, caller, workgroup_arn(caller, input.work_group));
  });
}

athena::ListWorkGroupsOutput Workgroups::list(const Caller& caller, const athena::ListWorkGroupsInput& input) const {
  auto page = record_page(parts_.metadata, kind, caller.prefix({}), input.next_token,
                          static_cast<std::size_t>(input.max_results.value_or(50)));
  athena::ListWorkGroupsOutput out;
  out.next_token = page.next;
  auto add = [&](const athena::WorkGroup& group) {
    athena::WorkGroupSummary summary;
    summary.name = group.name;
    summary.state = group.state;
    summary.description = group.description;
    summary.creation_time = group.creation_time;
    summary.engine_version = group.configuration->engine_version;
    out.work_groups->push_back(std::move(summary));
  };
  out.work_groups.emplace();
  // "primary" has a record once it was changed; before, it leads the first page.
  if (!input.next_token && !parts_.metadata.get(kind, caller.key({primary}))) add(default_primary());
  for (const auto& record : page.records) add(api::from<athena::WorkGroup>(record.value));
  return out;
}

}  // namespace tarn::query
