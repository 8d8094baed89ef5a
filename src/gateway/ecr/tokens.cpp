#include "gateway/ecr/tokens.hpp"

#include <charconv>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/images/limits.hpp"

namespace tarn::gateway {
namespace {

std::string parameter(std::string_view query, std::string_view name) {
  return api::percent_decode(api::raw_parameter(query, name), true);
}

std::string signature(const std::string& key, const compute::RepositoryName& name, const std::string& digest,
                      const std::string& expires) {
  return hex_encode(hmac_sha256(key, name.key(digest) + '\n' + expires));
}

std::optional<Value> read_password(std::string_view authorization) {
  constexpr std::string_view scheme = "Basic ", user = "AWS:";
  if (!authorization.starts_with(scheme)) return std::nullopt;
  auto pair = base64_decode(authorization.substr(scheme.size()));
  if (!pair || !pair->starts_with(user)) return std::nullopt;
  auto password = base64_decode(std::string_view(*pair).substr(user.size()));
  if (!password) return std::nullopt;
  try {
    Value out = parse_json(*password);
    if (out.is_map()) return out;
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace

RegistryToken make_token(govern::Identities& identities, const api::Principal& principal, const std::string& region) {
  const auto issued = identities.issue(principal, limits::registry_token_lifetime_s);
  const std::string password = base64_encode(
      to_json(Value::map({{"key", issued.access_key_id}, {"secret", issued.secret_access_key}, {"region", region}})));
  return {base64_encode("AWS:" + password), issued.expires};
}

std::optional<RegistryCaller> read_token(const govern::Identities& identities, std::string_view authorization,
                                         Time now) {
  const auto password = read_password(authorization);
  if (!password) return std::nullopt;
  const auto credential = identities.find(password->string_or("key"));
  if (!credential || !credential->active || (credential->expires && *credential->expires <= now)) return std::nullopt;
  if (!equal_secrets(credential->secret_access_key, password->string_or("secret"))) return std::nullopt;
  return RegistryCaller{credential->principal, password->string_or("region", "us-east-1")};
}

std::string sign_layer(const std::string& key, const compute::RepositoryName& name, const std::string& digest,
                       Time expires) {
  const std::string at = std::to_string(expires.time_since_epoch().count());
  return "account=" + name.account + "&region=" + name.region + "&expires=" + at +
         "&signature=" + signature(key, name, digest, at);
}

std::optional<compute::RepositoryName> check_layer(const std::string& key, std::string_view query,
                                                   const std::string& repository, const std::string& digest, Time now) {
  const std::string given = parameter(query, "signature"), expires = parameter(query, "expires");
  if (given.empty() || expires.empty()) return std::nullopt;
  const compute::RepositoryName name{parameter(query, "account"), parameter(query, "region"), repository};
  int64_t at = 0;
  if (std::from_chars(expires.data(), expires.data() + expires.size(), at).ec != std::errc()) return std::nullopt;
  if (!equal_secrets(signature(key, name, digest, expires), given)) return std::nullopt;
  if (at <= now.time_since_epoch().count()) return std::nullopt;
  return name;
}

}  // namespace tarn::gateway
