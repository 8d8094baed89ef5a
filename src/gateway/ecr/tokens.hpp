// What a client of the registry shows: the password that GetAuthorizationToken gave, or a signed URL of one layer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "compute/images/registry.hpp"
#include "govern/identities.hpp"

namespace tarn::gateway {

struct RegistryToken {
  std::string text;  // base64 of "AWS:PASSWORD"
  Time expires;
};

struct RegistryCaller {
  api::Principal principal;
  std::string region;
};

RegistryToken make_token(govern::Identities& identities, const api::Principal& principal, const std::string& region);

// Who shows this Authorization header ("Basic …"). Absent where it is none of tarn's, or is too old by `now`.
std::optional<RegistryCaller> read_token(const govern::Identities& identities, std::string_view authorization,
                                         Time now);

// The query of a URL under which anybody may get the layer until `expires`.
std::string sign_layer(const std::string& key, const compute::RepositoryName& name, const std::string& digest,
                       Time expires);
// Whose repository the query opens. Absent where it is no such query, or is too old.
std::optional<compute::RepositoryName> check_layer(const std::string& key, std::string_view query,
                                                   const std::string& repository, const std::string& digest, Time now);

}  // namespace tarn::gateway
