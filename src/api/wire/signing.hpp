// Signature Version 4 ("Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference): the
// canonical texts that it is made over, for who checks signatures, and signing itself, for who sends requests. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/message.hpp"
#include "base/value.hpp"

namespace tarn::api {

inline constexpr std::string_view signature_algorithm = "AWS4-HMAC-SHA256";

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

// The canonical request; `payload_hash` is its last line. A signed header that is not there counts as empty.
std::string canonical_request(const WireRequest& request, const SignatureParts& parts, bool encode_path_twice,
                              std::string_view payload_hash);
std::string string_to_sign(const SignatureParts& parts, std::string_view canonical_request);
// The derived key, raw.
std::string signing_key(std::string_view secret_access_key, const SignatureParts& parts);
// A header's value as signatures take it: trimmed, and runs of spaces made one.
void append_header_value(std::string& out, std::string_view value);

struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
};

// Signs all headers that are there (Host must be) and adds X-Amz-Date, Authorization, for S3 X-Amz-Content-Sha256, and
// X-Amz-Security-Token where there is one; a former signature goes. `payload_hash` is the body's SHA-256 in hex, or
// "UNSIGNED-PAYLOAD".
void sign(WireRequest& request, const Credentials& credentials, std::string_view region, std::string_view service,
          std::string_view payload_hash, Time now);

}  // namespace tarn::api
