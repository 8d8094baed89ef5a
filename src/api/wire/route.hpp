// Which service and operation does a request name, and in which protocol?
//
// In this order: the signing name of the credential scope (Authorization header, or X-Amz-Credential of a presigned
// URL), X-Amz-Target, the path of rpc-v2-cbor, the paths of REST services, the host's name, the Action of a form, and
// S3 last of all: only what is signed or presigned for S3, is sent to a host of S3's, or names a bucket that exists. An
// unknown API can never fall into S3.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/model.hpp"
#include "api/wire/bindings.hpp"
#include "api/wire/message.hpp"
#include "api/wire/rest_index.hpp"
#include "base/error.hpp"

namespace tarn::api {

// What the gateway knows beside the request.
struct RouteHints {
  // The service of the credential scope, where the gateway has read it already; empty: route() reads it from the
  // request.
  std::string_view signing_name;
  // Names by which this endpoint is reached: "bucket.<name>" is then a virtual-hosted bucket, as it always is before
  // ".s3.". Without port.
  std::span<const std::string> endpoint_names;
  // Whether a bucket of that name exists. Asked only for unsigned requests; empty: none does.
  std::function<bool(std::string_view bucket)> bucket_exists;
};

struct Route {
  const Service* service = nullptr;  // never null
  const Operation* operation =
      nullptr;  // null: the service has no such operation, and `refusal` says so in the service's own words
  Protocol protocol = Protocol::json;  // that the client speaks
  bool cbor_body = false;              // protocol json with CBOR instead of JSON text (application/x-amz-cbor-1.1)
  const Bindings* input = nullptr;     // null where the operation has none
  const Bindings* output = nullptr;
  Labels labels;  // REST protocols: what the path says. A virtual-hosted bucket stands here too
  std::shared_ptr<const Error> refusal;

  // The label that the model calls so ("Bucket", "Key"), or nullptr.
  const std::string* label(std::string_view name) const;
};

// Absent: no service of tarn's is named; answer with serialize_unknown(). Never throws. Thread-safe.
std::optional<Route> route(const WireRequest& request, const RouteHints& hints = {});

// The Route of a known operation, for callers that are no HTTP server (tests, the command line). Its labels are empty.
Route route_to(const Service& service, const Operation& operation, Protocol protocol);

// The service of the credential scope that `request` is signed for ("glue"); empty when it is unsigned. Signature
// version 2 is S3's.
std::string_view signing_name(const WireRequest& request);

// The bucket that the host names ("logs" of "logs.s3.eu-west-1.amazonaws.com" or of "logs.<endpoint name>"); empty for
// none.
std::string_view virtual_bucket(std::string_view host, std::span<const std::string> endpoint_names);

}  // namespace tarn::api
