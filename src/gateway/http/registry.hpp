// The protocol of container registries ("OCI Distribution Specification" 1.1), which clients speak to the paths under
// /v2/ of the same address as AWS's services.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/clock.hpp"

namespace tarn::gateway {

struct RegistryRequest {
  const api::WireRequest& request;
  api::BodySource& body;
  std::string endpoint;  // "http://127.0.0.1:4566": what the client reached tarn by
  std::string source_ip, request_id;
  Time now;
};

struct RegistryAnswer {
  api::WireResponse response;
  std::unique_ptr<api::BodyStream> stream;  // of a layer; else the response's own body
};

// Answers, errors too. Thread-safe.
using RegistryProtocol = std::function<RegistryAnswer(const RegistryRequest& request)>;

// Whether a request is the registry's. API Gateway has paths under /v2/ too: its requests are signed, and none of them
// looks like these. `virtual_bucket` is what stands before the endpoint's name in the host.
bool asks_registry(const api::WireRequest& request, std::string_view virtual_bucket);

}  // namespace tarn::gateway
