// What S3 keeps for a whole account, in the metadata store (S3 Control's part).
#pragma once

#include <optional>
#include <string_view>

#include "base/value.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway::s3 {

// Thread-safe. The metadata store must outlive it.
class AccountSettings {
 public:
  explicit AccountSettings(meta::Metadata& metadata) : metadata_(metadata) {}
  // The PublicAccessBlockConfiguration of the account, all four members set; absent: none was put.
  std::optional<Value> public_access_block(std::string_view account) const;
  void put_public_access_block(std::string_view actor, std::string_view account, const Value& block);
  void erase_public_access_block(std::string_view actor, std::string_view account);

 private:
  meta::Metadata& metadata_;
};

}  // namespace tarn::gateway::s3
