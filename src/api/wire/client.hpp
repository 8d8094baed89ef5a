// The client's side of AWS's wire protocols, for the tarn command line and for tests: inputs into requests, outputs and
// errors out of responses. Signing, the host and sending belong to the caller.
#pragma once

#include "api/model.hpp"
#include "api/wire/message.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/value.hpp"

namespace tarn::api {

// The request that carries `input`. A streaming payload is left out: the caller sends it. Absent idempotency tokens are
// made up. An input that does not fit the model throws Error (bug); a path label that is absent or empty throws Error
// (caller, ValidationException).
WireRequest serialize_input(const Service& service, const Operation& operation, Protocol protocol, const Value& input,
                            Random& random);
WireRequest serialize_input(const Service& service, const Operation& operation, const Value& input);

// The output in `response`, whose status is below 300. A body that cannot be read throws Error (outside,
// SerializationException).
Value parse_output(const Service& service, const Operation& operation, Protocol protocol, const WireResponse& response);
Value parse_output(const Service& service, const Operation& operation, const WireResponse& response);

// The error that `response` reports, its code without namespace; the scalar members of the error become details. A
// response that has no form of AWS's yields the code "Unknown" with the status in the message.
Error parse_error(const Service& service, Protocol protocol, const WireResponse& response);

}  // namespace tarn::api
