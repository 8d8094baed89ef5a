#include "gateway/http/auth_errors.hpp"

namespace tarn::gateway {
namespace {

struct Words {
  ErrorKind kind;
  const char* code;
  const char* message;
};

Words s3_words(AuthProblem problem) {
  switch (problem) {
    case AuthProblem::missing:
      return {ErrorKind::denied, "AccessDenied", "Access Denied"};
    case AuthProblem::incomplete:
      return {ErrorKind::caller, "AuthorizationHeaderMalformed",
              "The authorization header that you provided is not valid."};
    case AuthProblem::unknown_key:
    case AuthProblem::inactive_key:
      return {ErrorKind::denied, "InvalidAccessKeyId",
              "The AWS Access Key Id you provided does not exist in our records."};
    case AuthProblem::wrong_token:
      return {ErrorKind::caller, "InvalidToken", "The provided token is malformed or otherwise invalid."};
    case AuthProblem::expired_token:
      return {ErrorKind::caller, "ExpiredToken", "The provided token has expired."};
    case AuthProblem::wrong_service:
      return {ErrorKind::caller, "AuthorizationHeaderMalformed",
              "The authorization header is malformed; the credential is scoped to another service. This endpoint "
              "belongs to \"s3\"."};
    case AuthProblem::mismatch:
      return {ErrorKind::denied, "SignatureDoesNotMatch",
              "The request signature we calculated does not match the signature you provided. Check your key and "
              "signing method."};
    default:
      return {ErrorKind::denied, "RequestTimeTooSkewed",
              "The difference between the request time and the current time is too large."};
  }
}

constexpr const char* wrong_client = "The security token included in the request is invalid.";
constexpr const char* expired = "The security token included in the request is expired";
constexpr const char* wrong_signature =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing "
    "method. Consult the service documentation for details.";

Words query_words(AuthProblem problem) {
  switch (problem) {
    case AuthProblem::missing:
      return {ErrorKind::denied, "MissingAuthenticationToken", "Request is missing Authentication Token"};
    case AuthProblem::incomplete:
      return {ErrorKind::caller, "IncompleteSignature", "The request signature does not conform to AWS standards."};
    case AuthProblem::unknown_key:
    case AuthProblem::inactive_key:
    case AuthProblem::wrong_token:
      return {ErrorKind::denied, "InvalidClientTokenId", wrong_client};
    case AuthProblem::expired_token:
      return {ErrorKind::denied, "ExpiredToken", expired};
    case AuthProblem::wrong_service:
      return {ErrorKind::denied, "SignatureDoesNotMatch", "Credential should be scoped to correct service."};
    default:
      return {ErrorKind::denied, "SignatureDoesNotMatch", wrong_signature};
  }
}

Words json_words(AuthProblem problem, ErrorKind kind) {
  switch (problem) {
    case AuthProblem::missing:
      return {kind, "MissingAuthenticationTokenException", "Missing Authentication Token"};
    case AuthProblem::incomplete:
      return {kind, "IncompleteSignatureException", "The request signature does not conform to AWS standards."};
    case AuthProblem::unknown_key:
    case AuthProblem::inactive_key:
    case AuthProblem::wrong_token:
      return {kind, "UnrecognizedClientException", wrong_client};
    case AuthProblem::expired_token:
      return {kind, "ExpiredTokenException", expired};
    case AuthProblem::wrong_service:
      return {kind, "InvalidSignatureException", "Credential should be scoped to correct service."};
    default:
      return {kind, "InvalidSignatureException", wrong_signature};
  }
}

Words words(const api::Service& service, AuthProblem problem) {
  switch (service.protocol) {
    case api::Protocol::rest_xml:
      return s3_words(problem);
    case api::Protocol::query:
      return query_words(problem);
    case api::Protocol::ec2:
      if (problem == AuthProblem::unknown_key || problem == AuthProblem::inactive_key ||
          problem == AuthProblem::mismatch)
        return {ErrorKind::denied, "AuthFailure", "AWS was not able to validate the provided access credentials"};
      return query_words(problem);
    // With status 400 where all errors of the protocol have it, 403 in the others.
    case api::Protocol::json:
      return json_words(problem, ErrorKind::caller);
    default:
      return json_words(problem, ErrorKind::denied);
  }
}

}  // namespace

Error auth_error(const api::Service& service, AuthProblem problem, std::string message) {
  Words w = words(service, problem);
  return Error(w.kind, w.code, message.empty() ? w.message : std::move(message));
}

}  // namespace tarn::gateway
