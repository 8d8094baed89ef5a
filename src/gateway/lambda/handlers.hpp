// The parts of Lambda's operations, and what they share.
#pragma once

#include <optional>
#include <string>

#include "api/lambda.hpp"
#include "gateway/lambda/lambda.hpp"

namespace tarn::gateway {

namespace lambda = api::lambda;

void register_lambda_functions(api::Operations&, compute::Functions&, compute::EventSources&);
void register_lambda_versions(api::Operations&, compute::Functions&);
void register_lambda_settings(api::Operations&, compute::Functions&);
void register_lambda_layers(api::Operations&, compute::Functions&);
void register_lambda_invoke(api::Operations&, compute::Functions&, compute::Invoker&);
void register_lambda_event_sources(api::Operations&, compute::EventSources&);

// Requests that page have these members.
template <class Request>
compute::MarkedPageRequest page_of(const Request& in) {
  return {in.marker, in.max_items.value_or(50)};
}

// Where a client that reached tarn as this one did gets a package.
std::string package_location(const api::Context& context, const std::string& sha256);

}  // namespace tarn::gateway
