// What belongs to a catalog as a whole: its resource policies, and whether it is encrypted.
//
// Thread-safe; errors as in catalog.hpp, and ConditionCheckFailureException.
#pragma once

#include "catalog/catalog.hpp"

namespace tarn::catalog {

struct ResourcePolicy {
  std::string text, hash;
  Time created, updated;
};

class Settings {
 public:
  Settings(meta::Metadata& metadata, Clock& clock) : metadata_(metadata), clock_(clock) {}

  // Returns the policy's hash. The text must be JSON with a Statement. An empty `resource_arn` stands for the whole
  // catalog.
  std::string put_policy(const Scope& scope, const glue::PutResourcePolicyRequest& request);
  // EntityNotFoundException when there is none.
  ResourcePolicy policy(const Scope& scope, std::string_view resource_arn) const;
  std::vector<ResourcePolicy> policies(const Scope& scope) const;
  void delete_policy(const Scope& scope, const glue::DeleteResourcePolicyRequest& request);

  // AWS's default, which is also the only truth here: no encryption.
  static glue::DataCatalogEncryptionSettings encryption();
  // Accepts the default; anything else throws Error (unsupported, NotImplemented).
  static void put_encryption(const glue::DataCatalogEncryptionSettings& wanted);

 private:
  meta::Metadata& metadata_;
  Clock& clock_;
};

}  // namespace tarn::catalog
