// The parts of a Signature Version 4 as a request carries them, and the canonical texts that it is made over. Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/model.hpp"
#include "api/wire/message.hpp"
#include "base/value.hpp"

namespace tarn::gateway {

struct SignatureParts {
  std::string access_key_id, date, region, service;  // of the credential scope
  std::vector<std::string> signed_headers;           // lower case, in the order given
  std::string signature, session_token;
  std::string timestamp;  // "20261121T025805Z"
  Time time{};
  bool presigned = false;
  bool version_2 = false;  // presigned for S3 the old way, as boto3 still does by itself
  int64_t expires_s = 0;   // presigned only

  std::string scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};

// A parameter of the query string, decoded; absent when it is not there.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// Absent when the request carries no signature at all. Malformed or incomplete ones, those of both kinds at once and
// other algorithms (Signature Version 2, 4A) throw Error in `service`'s words.
std::optional<SignatureParts> find_signature(const api::WireRequest& request, const api::Service& service);

// The canonical request; `payload_hash` is its last line. A signed header that is not there counts as empty.
std::string canonical_request(const api::WireRequest& request, const SignatureParts& parts, bool encode_path_twice,
                              std::string_view payload_hash);
std::string string_to_sign(const SignatureParts& parts, std::string_view canonical_request);
// The same of S3's Signature Version 2 in a query ("Signing and authenticating REST requests"). `bucket` is the one
// that the host names, if any.
std::string string_to_sign_version_2(const api::WireRequest& request, std::string_view bucket);
// The derived key, raw.
std::string signing_key(std::string_view secret_access_key, const SignatureParts& parts);

}  // namespace tarn::gateway
