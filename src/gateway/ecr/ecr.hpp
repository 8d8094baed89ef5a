// Amazon ECR ("Amazon ECR API Reference") and the protocol of registries that its repositories speak.
#pragma once

#include "api/operations.hpp"
#include "compute/images/registry.hpp"
#include "gateway/http/registry.hpp"
#include "govern/identities.hpp"

namespace tarn::gateway {

// All that is passed outlives the operations, and what is returned.
void register_ecr(api::Operations& operations, compute::Registry& registry, govern::Identities& identities);

// Pushes and pulls go through the same operations as ECR's own API; only the bytes of layers have a path of their own,
// behind the operation that allows it. Clients give what GetAuthorizationToken gave, as a password.
RegistryProtocol registry_protocol(api::Operations& operations, compute::Registry& registry,
                                   govern::Identities& identities);

}  // namespace tarn::gateway
