#include "compute/functions/service.hpp"

#include "base/base64.hpp"
#include "compute/functions/limits.hpp"

namespace tarn::compute {

FunctionService::FunctionService(FunctionServiceParts parts, FunctionServiceOptions options)
    : packages_(options.folder, options.durable),
      python_(options.runtime_folder, options.python),
      node_(options.runtime_folder),
      functions_({parts.metadata, parts.store, parts.authority, packages_, parts.images, parts.clock, parts.random}),
      environments_({functions_, packages_, python_, node_, parts.logs, parts.identities, parts.clock, parts.random},
                    {options.work_folder, options.most_environments}),
      events_(parts.messages, parts.clock, parts.metrics, 'f', limits::max_event_threads),
      invoker_({functions_, environments_, events_, parts.targets, parts.clock, parts.random,
                FunctionMetrics(parts.metric_store)}),
      event_sources_(
          {functions_, invoker_, parts.operations, parts.metadata, parts.identities, parts.clock, parts.random}),
      object_events_(functions_, invoker_) {
  functions_.when_changed([this](const FunctionName& name, bool removed) { environments_.retire(name, removed); });
}

FunctionService::~FunctionService() {
  stop();
}

std::optional<std::string> FunctionService::package(std::string_view sha256_hex) const {
  const auto bytes = hex_decode(sha256_hex);
  return bytes ? packages_.find(base64_encode(*bytes)) : std::nullopt;
}

void FunctionService::start(const std::string& endpoint) {
  packages_.keep_only(functions_.packages_in_use());
  environments_.start(endpoint);
  invoker_.start();
  event_sources_.start();
}

void FunctionService::stop() {
  event_sources_.stop();
  // Attempts under way wait for their functions; asked to stop first, they know that these were ended from outside.
  events_.ask_to_stop();
  environments_.stop();
  events_.stop();
}

FunctionService::Held FunctionService::hold() {
  Held held;
  held.event_sources = event_sources_.hold();
  held.environments = environments_.hold();
  return held;
}

void FunctionService::reset() {
  events_.reset();
  packages_.keep_only({});
}

}  // namespace tarn::compute
