// The words in which each family of services refuses a request that is not properly signed ("Common errors" of each API
// reference).
#pragma once

#include "api/model.hpp"
#include "base/error.hpp"

namespace tarn::gateway {

enum class AuthProblem {
  missing,     // neither signed nor allowed to be unsigned
  incomplete,  // parts of the signature are missing or malformed
  unknown_key,
  inactive_key,
  wrong_token,  // not the session token that goes with the key
  expired_token,
  wrong_service,  // the credential is scoped to another service
  mismatch,
  skewed,  // signed too long ago or in the future
};

// `message` overrides the family's usual one where it is not empty.
Error auth_error(const api::Service& service, AuthProblem problem, std::string message = {});

}  // namespace tarn::gateway
