// The parts of a signature as a request carries them (api/wire/signing.hpp makes them), and the text that Signature
// Version 2 is made over. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/model.hpp"
#include "api/wire/message.hpp"
#include "api/wire/signing.hpp"
#include "base/value.hpp"

namespace tarn::gateway {

using api::SignatureParts;

// A parameter of the query string, decoded; absent when it is not there.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// Absent when the request carries no signature at all. Malformed or incomplete ones, those of both kinds at once and
// other algorithms (Signature Version 2, 4A) throw Error in `service`'s words.
std::optional<SignatureParts> find_signature(const api::WireRequest& request, const api::Service& service);

// What S3's Signature Version 2 in a query is made over ("Signing and authenticating REST requests"). `bucket` is the
// one that the host names, if any.
std::string string_to_sign_version_2(const api::WireRequest& request, std::string_view bucket);

}  // namespace tarn::gateway
