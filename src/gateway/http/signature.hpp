// AWS Signature Version 4: who signed a request, and whether the signature is right. ("Authenticating Requests (AWS
// Signature Version 4)" in the S3 API Reference; "Create a signed AWS API request" in the IAM User Guide.)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/model.hpp"
#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/clock.hpp"
#include "gateway/http/aws_chunked.hpp"
#include "gateway/http/canonical.hpp"
#include "govern/identities.hpp"

namespace tarn::gateway {

enum class AuthMode {
  dev,     // keys that tarn did not issue, and no key at all, act as an account's root
  strict,  // only keys that tarn issued
};

struct Authenticated {
  api::Principal principal;
  std::string region;                  // the credential scope's, else us-east-1
  bool verified = false;               // the signature was checked, and was right
  std::string payload_sha256;          // hex; what S3 must check the body against. Empty: nothing to check
  std::optional<ChunkedForm> chunked;  // the body is aws-chunked
};

// Thread-safe.
class Authenticator {
 public:
  using FindKey = std::function<std::optional<govern::Credential>(std::string_view access_key_id)>;

  // `default_account` owns what unsigned requests and unknown keys do in dev mode; a key id of 12 digits names its own
  // account. `find_key` tells the credentials that tarn issued. `clock` is tarn's time, by which credentials expire;
  // signatures are dated by their clients, so their skew is measured on `wall_clock`.
  Authenticator(AuthMode mode, std::string default_account, FindKey find_key, const Clock& clock,
                const Clock& wall_clock);
  ~Authenticator();

  // `operation` may be nullptr where it is not known yet. Outside of S3 `request.body` must be there: its hash is part
  // of the signature. Errors carry the codes and details of `service`'s family: SignatureDoesNotMatch,
  // InvalidAccessKeyId, RequestTimeTooSkewed, AccessDenied, AuthorizationHeaderMalformed … for S3;
  // InvalidSignatureException, UnrecognizedClientException, MissingAuthenticationTokenException,
  // IncompleteSignatureException, ExpiredTokenException … for the JSON services; their forms without "Exception" for
  // the query ones.
  // `virtual_bucket` is the bucket that the host names, if any.
  Authenticated authenticate(const api::WireRequest& request, const api::Service& service,
                             const api::Operation* operation, std::string_view virtual_bucket = {}) const;

  // Of S3's uploads by form: the signature is one of the fields (by their names in lower case) and is made over the
  // field "policy". Errors as of authenticate(), and AccessDenied for a form without a signature in strict mode.
  Authenticated authenticate_form(const std::map<std::string, std::string>& fields, const api::Service& s3) const;

 private:
  class KeyCache;
  Authenticated unsigned_request(const api::Service& service, const api::Operation* operation) const;
  api::Principal act_as_root(std::string_view access_key_id) const;
  void check_credential(const govern::Credential& credential, const SignatureParts& sign,
                        const api::Service& service) const;
  void check_times(const SignatureParts& sign, const api::Service& service) const;

  AuthMode mode_;
  std::string default_account_;
  FindKey find_key_;
  const Clock& clock_;
  const Clock& wall_clock_;
  std::unique_ptr<KeyCache> keys_;
};

}  // namespace tarn::gateway
