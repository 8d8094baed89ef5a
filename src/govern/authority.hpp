// Decides who may do what, and is the only maker of Grants.
#pragma once

#include <string_view>

#include "api/operations.hpp"
#include "store/grant.hpp"

namespace tarn::govern {

// Thread-safe.
class Authority {
 public:
  // Whether `principal` may read (or write, which includes reading) the objects of `bucket` under `key_prefix`. One
  // that may not throws Error (denied, AccessDenied). Policies are not enforced yet: every authenticated principal is
  // allowed, as docs/COVERAGE.md says.
  store::Grant objects(const api::Principal& principal, store::Access access, std::string_view bucket,
                       std::string_view key_prefix) const;
  // tarn's own work that acts for nobody (crash recovery, tests).
  store::Grant internal(store::Access access) const;
};

}  // namespace tarn::govern
