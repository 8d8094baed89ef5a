// Who exists: accounts, users, roles, their access keys and temporary credentials (IAM and STS as stored).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::govern {

// What an access key id stands for.
struct Credential {
  api::Principal principal;
  std::string secret_access_key;
  std::string session_token;    // empty for long-term keys; else the request must carry it
  std::optional<Time> expires;  // temporary credentials only
  bool active = true;           // false: the key was made inactive
};

// Temporary credentials just issued.
struct TemporaryCredential {
  std::string access_key_id, secret_access_key, session_token;
  Time expires;
};

// Thread-safe.
class Identities {
 public:
  Identities(meta::Metadata& metadata, Clock& clock, Random& random);

  // The credential that tarn issued under this id; absent when it issued none. An expired one is still told, for the
  // right error.
  std::optional<Credential> find(std::string_view access_key_id) const;
  // The root of an account, without any key.
  static api::Principal root_of(std::string_view account);

  // Credentials that act as `role_arn` for `duration_s` seconds (a job's, a function's, AssumeRole's). The role need
  // not exist as a record: jobs may name a role that tarn never saw, as accounts outside of tarn make them. A text that
  // is no role's ARN throws Error (caller, ValidationError).
  TemporaryCredential assume_role(std::string_view role_arn, std::string_view session_name, int64_t duration_s);
  // Who assume_role's credentials act as.
  api::Principal role_session(std::string_view role_arn, std::string_view session_name) const;
  // Temporary credentials that act as `principal` itself (GetSessionToken).
  TemporaryCredential issue(const api::Principal& principal, int64_t duration_s);

 private:
  meta::Metadata& metadata_;
  Clock& clock_;
  Random& random_;
};

}  // namespace tarn::govern
