#include "gateway/s3/account_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr const char* kind = "s3.publicAccessBlock";

}  // namespace

std::optional<Value> AccountSettings::public_access_block(std::string_view account) const {
  return metadata_.get(kind, meta::key({account}));
}

void AccountSettings::put_public_access_block(std::string_view actor, std::string_view account, const Value& block) {
  metadata_.change(actor, [&](meta::Transaction& t) { t.put(kind, meta::key({account}), block); });
}

void AccountSettings::erase_public_access_block(std::string_view actor, std::string_view account) {
  metadata_.change(actor, [&](meta::Transaction& t) { t.erase(kind, meta::key({account})); });
}

}  // namespace tarn::gateway::s3
