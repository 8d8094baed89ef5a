#include "compute/functions/names.hpp"
#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {
namespace {

using api::Context;
using catalog::scope_of;
using compute::LayerName;

void set_location(Context& c, lambda::PublishLayerVersionResponse& layer) {
  if (layer.content) layer.content->location = package_location(c, layer.content->code_sha256.value_or(""));
}

lambda::GetLayerVersionResponse get_layer(compute::Functions& functions, Context& c, const LayerName& name) {
  auto layer = functions.layer_version(name);
  set_location(c, layer);
  return api::from<lambda::GetLayerVersionResponse>(lambda::to_value(layer));
}

LayerName own_layer(Context& c, const std::string& text, int64_t version) {
  LayerName out = compute::parse_layer_name(scope_of(c), text);
  if (out.account != c.account() || out.region != c.region)
    compute::resource_missing("The resource you requested does not exist.");
  out.version = version;
  return out;
}

}  // namespace

void register_lambda_layers(api::Operations& o, compute::Functions& f) {
  o.on<lambda::op::PublishLayerVersion>([&](Context& c, const auto& in) {
    auto layer = f.publish_layer(scope_of(c), own_layer(c, in.layer_name, 0), in, c.principal);
    set_location(c, layer);
    return layer;
  });
  o.on<lambda::op::GetLayerVersion>(
      [&](Context& c, const auto& in) { return get_layer(f, c, own_layer(c, in.layer_name, in.version_number)); });
  o.on<lambda::op::GetLayerVersionByArn>([&](Context& c, const auto& in) {
    auto name = compute::parse_layer_version_arn(in.arn);
    if (!name) compute::invalid_parameter("Invalid layer version ARN: " + in.arn);
    const LayerName checked = own_layer(c, name->arn(), name->version);
    return get_layer(f, c, checked);
  });
  o.on<lambda::op::DeleteLayerVersion>([&](Context& c, const auto& in) {
    f.remove_layer_version(scope_of(c), own_layer(c, in.layer_name, in.version_number));
    return api::Empty();
  });
  o.on<lambda::op::ListLayerVersions>([&](Context& c, const auto& in) {
    auto page = f.layer_versions(own_layer(c, in.layer_name, 0), in.compatible_runtime, in.compatible_architecture,
                                 page_of(in));
    lambda::ListLayerVersionsResponse out;
    out.layer_versions = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
  o.on<lambda::op::ListLayers>([&](Context& c, const auto& in) {
    auto page = f.layers(scope_of(c), in.compatible_runtime, in.compatible_architecture, page_of(in));
    lambda::ListLayersResponse out;
    out.layers = std::move(page.items);
    out.next_marker = page.next_marker;
    return out;
  });
}

}  // namespace tarn::gateway
