#include "govern/authority.hpp"

namespace tarn::govern {

store::Grant Authority::objects(const api::Principal& principal, store::Access access, std::string_view bucket,
                                std::string_view key_prefix) const {
  return store::Grant(principal.arn, principal.account, access, std::string(bucket), std::string(key_prefix));
}

store::Grant Authority::internal(store::Access access) const {
  return store::Grant("tarn", "", access, "", "");
}

}  // namespace tarn::govern
