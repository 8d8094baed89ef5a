// The server's side of AWS's wire protocols: inputs out of requests, outputs and errors into responses. Table-driven:
// no operation is written by hand.
#pragma once

#include <string_view>

#include "api/model.hpp"
#include "api/wire/message.hpp"
#include "api/wire/route.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/value.hpp"

namespace tarn::api {

// The input of the operation that `route` found. A map with the model's member names; members that the model does not
// have are ignored, as AWS does; a streaming payload is left out, since its bytes travel separately
// (Context::request_body). An absent idempotency token is filled in from `random`. A body compressed with gzip is
// unpacked (of operations that do not stream). What cannot be read throws Error (caller) with the protocol's own code:
// SerializationException, MalformedXML, InvalidArgument (S3's headers and query), MalformedInput. `route.operation` is
// not null. Thread-safe.
Value parse_input(const Route& route, const WireRequest& request, Random& random);
Value parse_input(const Route& route, const WireRequest& request);  // with the operating system's randomness

// The response that carries `output`. Members that the model does not have are left out. The status is the model's; the
// body is empty for HEAD and where the payload is a stream (has_streaming_body). An output that does not fit the model
// throws Error (bug).
WireResponse serialize_output(const Route& route, const Value& output, std::string_view request_id);

// The response that carries `error` in the service's own form. `operation` may be null. `resource` is the request's
// path, which S3 puts into its errors. The body is empty where `method` is HEAD.
WireResponse serialize_error(const Service& service, const Operation* operation, Protocol protocol, const Error& error,
                             std::string_view request_id, std::string_view method = {}, std::string_view resource = {});
WireResponse serialize_error(const Route& route, const Error& error, std::string_view request_id,
                             std::string_view method = {}, std::string_view resource = {});

// The response to a request that names no service of tarn's: in the form that the request's own protocol suggests.
WireResponse serialize_unknown(const WireRequest& request, std::string_view request_id);

// The status that `error` has as an answer of this service: the error shape's own, S3's table's, or the kind's.
int error_status(const Service& service, const Operation* operation, Protocol protocol, const Error& error);

// JSON in the names of the model (not the wire's) to an operation's input, and an output to such JSON: what state
// machines, event targets and the command line read and write. Text that does not fit throws Error (caller,
// SerializationException).
Value input_from_json(const Operation& operation, std::string_view json);

}  // namespace tarn::api
