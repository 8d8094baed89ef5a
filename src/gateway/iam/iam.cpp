#include "gateway/iam/iam.hpp"

#include "gateway/iam/records.hpp"

namespace tarn::gateway {

void register_iam(api::Operations& operations, meta::Metadata& metadata, Random& random) {
  const iam::Services services{operations, metadata, random};
  iam::register_entities(services);
  iam::register_members(services);
  iam::register_attached_policies(services);
  iam::register_policies(services);
  iam::register_access_keys(services);
  iam::register_service_linked_roles(services);
  iam::register_identity_providers(services);
  iam::register_account(services);
  iam::register_simulation(services);
}

}  // namespace tarn::gateway
