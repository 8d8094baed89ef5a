// Versions and aliases.
#include <algorithm>

#include "base/error.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/records.hpp"

namespace tarn::compute {
namespace {

[[noreturn]] void alias_missing(const FunctionName& name, const std::string& alias) {
  resource_missing("Cannot find alias arn: " + name.arn() + ":" + alias);
}

void check_version(meta::Reader& reader, const FunctionName& name, const std::string& version) {
  if (version == latest_version) return;
  if (version == "$LATEST.PUBLISHED") not_implemented("FunctionVersion $LATEST.PUBLISHED: tarn has numbered versions.");
  const auto number = version_number(version);
  if (!number || !reader.get(version_kind, version_key(name, *number)))
    resource_missing("Function not found: " + name.arn() + ":" + version);
}

// Weights go to one other version, published like the alias's own.
void check_routing(meta::Reader& reader, const FunctionName& name, const lambda::AliasConfiguration& alias) {
  if (!alias.routing_config || !alias.routing_config->additional_version_weights) return;
  const auto& weights = *alias.routing_config->additional_version_weights;
  if (weights.size() > 1) invalid_parameter("Number of items in AdditionalVersionWeights cannot be greater than 1");
  for (const auto& [version, weight] : weights) {
    if (version == latest_version || alias.function_version == latest_version)
      invalid_parameter("$LATEST is not supported for an alias pointing to more than 1 version");
    if (version == alias.function_version)
      invalid_parameter("Invalid function version " + version + ". Function version " + version +
                        " is already included in routing configuration.");
    if (!(weight >= 0 && weight <= 1)) invalid_parameter("A weight lies between 0.0 and 1.0.");
    check_version(reader, name, version);
  }
}

void set_routing(lambda::AliasConfiguration& alias, const std::optional<lambda::AliasRoutingConfiguration>& routing) {
  alias.routing_config = routing;
  if (routing && (!routing->additional_version_weights || routing->additional_version_weights->empty()))
    alias.routing_config.reset();
}

}  // namespace

lambda::FunctionConfiguration Functions::publish_within(meta::Transaction& t, const FunctionName& name,
                                                        FunctionRecord& record,
                                                        const std::optional<std::string>& description) const {
  if (record.published_version > 0 && record.published_generation == record.generation)
    return api::from<lambda::FunctionConfiguration>(
        t.get(version_kind, version_key(name, record.published_version)).value());
  const int64_t number = record.next_version++;
  lambda::FunctionConfiguration out = record.configuration;
  out.version = std::to_string(number);
  out.function_arn = name.arn() + ":" + *out.version;
  if (description) out.description = description;
  out.revision_id = platform_.random.uuid();
  t.put(version_kind, version_key(name, number), lambda::to_value(out));
  record.published_version = number;
  record.published_generation = record.generation;
  return out;
}

lambda::FunctionConfiguration Functions::publish(const Scope& scope, const FunctionName& name,
                                                 const lambda::PublishVersionRequest& in) {
  if (in.publish_to) not_implemented("PublishTo: tarn publishes numbered versions.");
  lambda::FunctionConfiguration out;
  change(scope, name, [&](meta::Transaction& t, FunctionRecord& record) {
    check_revision(in.revision_id, record.configuration.revision_id);
    if (in.code_sha256 && !in.code_sha256->empty() && in.code_sha256 != record.configuration.code_sha256)
      invalid_parameter("CodeSHA256 (" + *in.code_sha256 + ") is different from current CodeSHA256 in $LATEST (" +
                        record.configuration.code_sha256.value_or("") +
                        "). Please try again with the CodeSHA256 in $LATEST.");
    const auto description = in.description && !in.description->empty() ? in.description : std::nullopt;
    out = publish_within(t, name, record, description);
  });
  return out;
}

MarkedPage<lambda::FunctionConfiguration> Functions::versions(const FunctionName& name,
                                                              const MarkedPageRequest& request) const {
  lambda::FunctionConfiguration latest = record(name).configuration;
  *latest.function_arn += ":" + std::string(latest_version);
  MarkedPageRequest page = request;
  page.max_items = std::min<int64_t>(page.max_items, 50);
  const bool first = key_of_marker(request.marker).empty();
  if (first && page.max_items == 1) {
    MarkedPage<lambda::FunctionConfiguration> only{{latest}, std::nullopt};
    if (platform_.metadata.count(version_kind, function_prefix(name)) > 0)
      only.next_marker = marker_after(version_key(name, 0));
    return only;
  }
  if (first) --page.max_items;
  auto out = marked_page<lambda::FunctionConfiguration>(
      platform_.metadata, version_kind, function_prefix(name), page,
      [](const meta::Record& r) { return std::optional(api::from<lambda::FunctionConfiguration>(r.value)); });
  if (first) out.items.insert(out.items.begin(), latest);
  return out;
}

lambda::AliasConfiguration Functions::create_alias(const Scope& scope, const FunctionName& name,
                                                   const lambda::CreateAliasRequest& in) {
  lambda::AliasConfiguration out;
  out.alias_arn = name.arn() + ":" + in.name;
  out.name = in.name;
  out.function_version = in.function_version;
  out.description = in.description.value_or("");
  set_routing(out, in.routing_config);
  out.revision_id = platform_.random.uuid();
  if (is_version_number(in.name)) invalid_parameter("An alias's name is no number: " + in.name);
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    read(t, name);
    check_version(t, name, in.function_version);
    check_routing(t, name, out);
    if (t.get(alias_kind, qualified_key(name, in.name))) resource_conflict("Alias already exists: " + *out.alias_arn);
    t.put(alias_kind, qualified_key(name, in.name), lambda::to_value(out));
  });
  return out;
}

lambda::AliasConfiguration Functions::update_alias(const Scope& scope, const FunctionName& name,
                                                   const lambda::UpdateAliasRequest& in) {
  lambda::AliasConfiguration out;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto found = t.get(alias_kind, qualified_key(name, in.name));
    if (!found) alias_missing(name, in.name);
    out = api::from<lambda::AliasConfiguration>(*found);
    check_revision(in.revision_id, out.revision_id);
    if (in.function_version) {
      check_version(t, name, *in.function_version);
      out.function_version = in.function_version;
    }
    if (in.description) out.description = in.description;
    if (in.routing_config) set_routing(out, in.routing_config);
    check_routing(t, name, out);
    out.revision_id = platform_.random.uuid();
    t.put(alias_kind, qualified_key(name, in.name), lambda::to_value(out));
  });
  return out;
}

void Functions::remove_alias(const Scope& scope, const FunctionName& name, const std::string& alias) {
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    read(t, name);
    for (auto kind : {alias_kind, policy_kind, event_invoke_kind}) t.erase(kind, qualified_key(name, alias));
  });
}

lambda::AliasConfiguration Functions::alias(const FunctionName& name, const std::string& alias) const {
  auto found = platform_.metadata.get(alias_kind, qualified_key(name, alias));
  if (!found) alias_missing(name, alias);
  return api::from<lambda::AliasConfiguration>(*found);
}

MarkedPage<lambda::AliasConfiguration> Functions::aliases(const FunctionName& name,
                                                          const std::optional<std::string>& version,
                                                          const MarkedPageRequest& page) const {
  record(name);
  return marked_page<lambda::AliasConfiguration>(
      platform_.metadata, alias_kind, function_prefix(name), page,
      [&](const meta::Record& r) -> std::optional<lambda::AliasConfiguration> {
        auto alias = api::from<lambda::AliasConfiguration>(r.value);
        if (version && alias.function_version != version) return std::nullopt;
        return alias;
      });
}

}  // namespace tarn::compute
