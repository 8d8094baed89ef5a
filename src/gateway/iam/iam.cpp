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
}

}  // namespace tarn::gateway
