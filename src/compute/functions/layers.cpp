// Layers: packages of their own that functions have under /opt.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/python_runtime.hpp"
#include "compute/functions/records.hpp"

namespace tarn::compute {
namespace {

std::string layer_key(const LayerName& l) {
  return meta::key({l.account, l.region, l.name, version_digits(l.version)});
}
std::string layer_prefix(const LayerName& l) {
  return meta::prefix({l.account, l.region, l.name});
}

bool has(const std::optional<std::vector<std::string>>& list, const std::optional<std::string>& wanted) {
  return !wanted || (list && std::find(list->begin(), list->end(), *wanted) != list->end());
}

lambda::LayerVersionsListItem item_of(const lambda::PublishLayerVersionResponse& l) {
  lambda::LayerVersionsListItem out;
  out.layer_version_arn = l.layer_version_arn;
  out.version = l.version;
  out.description = l.description;
  out.created_date = l.created_date;
  out.compatible_architectures = l.compatible_architectures;
  out.compatible_runtimes = l.compatible_runtimes;
  out.license_info = l.license_info;
  return out;
}

lambda::PublishLayerVersionResponse layer_from(const meta::Record& r) {
  return api::from<lambda::PublishLayerVersionResponse>(r.value.at("Layer"));
}

}  // namespace

lambda::PublishLayerVersionResponse Functions::publish_layer(const Scope& scope, const LayerName& name,
                                                             const lambda::PublishLayerVersionRequest& in,
                                                             const api::Principal& principal) {
  const auto& content = in.content;
  if (content.s3_object_storage_mode == "REFERENCE")
    not_implemented("S3ObjectStorageMode REFERENCE: tarn copies the code.");
  if (content.zip_file.has_value() == content.s3_bucket.has_value() ||
      content.s3_bucket.has_value() != content.s3_key.has_value())
    invalid_parameter("Please provide either ZipFile, or S3Bucket and S3Key.");
  const Package package =
      platform_.packages.put(fetch({content.zip_file, content.s3_bucket.value_or(""), content.s3_key.value_or(""),
                                    content.s3_object_version.value_or(""), principal}));
  lambda::PublishLayerVersionResponse out;
  out.content.emplace();
  out.content->code_sha256 = package.sha256;
  out.content->code_size = static_cast<int64_t>(package.size_bytes);
  out.layer_arn = name.arn();
  out.description = in.description.value_or("");
  out.created_date = lambda_time(platform_.clock.now());
  out.compatible_architectures = in.compatible_architectures;
  out.compatible_runtimes = in.compatible_runtimes;
  out.license_info = in.license_info;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    const std::string counter = meta::key({name.account, name.region, name.name});
    LayerName version = name;
    auto last = t.get(layer_counter_kind, counter);
    version.version = (last ? last->int_or("Last") : 0) + 1;
    out.version = version.version;
    out.layer_version_arn = version.version_arn();
    t.put(layer_counter_kind, counter, Value::map({{"Last", version.version}}));
    t.put(layer_kind, layer_key(version), Value::map({{"Layer", lambda::to_value(out)}}));
  });
  return out;
}

lambda::PublishLayerVersionResponse Functions::layer_version(const LayerName& name) const {
  auto found = platform_.metadata.get(layer_kind, layer_key(name));
  if (!found) resource_missing("The resource you requested does not exist.");
  return layer_from({{}, *found});
}

void Functions::remove_layer_version(const Scope& scope, const LayerName& name) {
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) { t.erase(layer_kind, layer_key(name)); });
}

MarkedPage<lambda::LayerVersionsListItem> Functions::layer_versions(const LayerName& name,
                                                                    const std::optional<std::string>& runtime,
                                                                    const std::optional<std::string>& architecture,
                                                                    const MarkedPageRequest& request) const {
  std::vector<lambda::LayerVersionsListItem> all;
  for (const meta::Record& r : platform_.metadata.list(layer_kind, layer_prefix(name))) {
    auto layer = layer_from(r);
    if (has(layer.compatible_runtimes, runtime) && has(layer.compatible_architectures, architecture))
      all.push_back(item_of(layer));
  }
  // The newest first; the marker is the last version that was told.
  std::reverse(all.begin(), all.end());
  MarkedPage<lambda::LayerVersionsListItem> out;
  const auto after = version_number(key_of_marker(request.marker));
  for (auto& item : all) {
    if (after && *item.version >= *after) continue;
    if (out.items.size() == static_cast<std::size_t>(request.max_items)) {
      out.next_marker = marker_after(std::to_string(*out.items.back().version));
      break;
    }
    out.items.push_back(std::move(item));
  }
  return out;
}

MarkedPage<lambda::LayersListItem> Functions::layers(const Scope& scope, const std::optional<std::string>& runtime,
                                                     const std::optional<std::string>& architecture,
                                                     const MarkedPageRequest& page) const {
  return marked_page<lambda::LayersListItem>(
      platform_.metadata, layer_counter_kind, meta::prefix({scope.account, scope.region}), page,
      [&](const meta::Record& r) -> std::optional<lambda::LayersListItem> {
        const LayerName name{scope.account, scope.region, meta::key_parts(r.key).at(2), 0};
        auto versions = layer_versions(name, runtime, architecture, {std::nullopt, 1});
        if (versions.items.empty()) return std::nullopt;
        lambda::LayersListItem out;
        out.layer_name = name.name;
        out.layer_arn = name.arn();
        out.latest_matching_version = std::move(versions.items.front());
        return out;
      });
}

std::string Functions::layer_package(const LayerName& name) const {
  return layer_version(name).content->code_sha256.value();
}

std::vector<lambda::Layer> Functions::resolve_layers(const std::vector<std::string>& arns) const {
  if (arns.size() > limits::max_function_layers) invalid_parameter("Cannot reference more than 5 layers.");
  std::vector<lambda::Layer> out;
  std::set<std::string> names;
  for (const std::string& arn : arns) {
    auto name = parse_layer_version_arn(arn);
    if (!name) invalid_parameter("Invalid layer version ARN: " + arn);
    if (!names.insert(name->arn()).second)
      invalid_parameter(
          "Two different versions of the same layer are not allowed to be referenced in the same function.");
    lambda::Layer layer;
    layer.arn = arn;
    if (public_layer(*name)) {
      layer.code_size = 0;
    } else {
      auto found = platform_.metadata.get(layer_kind, layer_key(*name));
      if (!found) invalid_parameter("Layer version " + arn + " does not exist.");
      layer.code_size = layer_from({{}, *found}).content->code_size;
    }
    out.push_back(std::move(layer));
  }
  return out;
}

}  // namespace tarn::compute
