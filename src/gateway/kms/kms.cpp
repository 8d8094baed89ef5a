#include "gateway/kms/kms.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/kms/requests.hpp"

namespace tarn::gateway {
namespace kms {
namespace {

constexpr std::size_t max_context_size_bytes = 8192;

}  // namespace

void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

void check_grant_tokens(govern::Keys& keys, const api::Context& c,
                        const std::optional<std::vector<std::string>>& tokens) {
  for (const std::string& token : tokens.value_or(std::vector<std::string>())) {
    auto place = base64_decode(token);
    const std::string prefix = meta::prefix({c.account(), c.region});
    if (!place || !place->starts_with(prefix) || !keys.metadata().get(govern::grant_kind, *place))
      throw Error(ErrorKind::caller, "InvalidGrantTokenException", "Grant token is invalid");
  }
}

govern::EncryptionContext context_of(const std::optional<std::map<std::string, std::string>>& context) {
  if (!context) return {};
  std::size_t size = 0;
  for (const auto& [name, value] : *context) size += name.size() + value.size();
  if (size > max_context_size_bytes) invalid("The encryption context is larger than 8192 bytes.");
  return *context;
}

void end_dry_run(const std::optional<bool>& dry_run) {
  if (dry_run.value_or(false))
    throw Error(ErrorKind::conflict, "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.");
}

void refuse_recipient(bool sent, std::string_view operation) {
  if (sent)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string(operation) + " with Recipient: tarn runs no Nitro enclaves.");
}

std::string after_of(const std::optional<std::string>& marker) {
  if (!marker) return "";
  auto id = base64_decode(*marker);
  if (!id || id->empty()) throw Error(ErrorKind::caller, "InvalidMarkerException", "Could not deserialize marker");
  return std::move(*id);
}

std::string marker_of(std::string_view last_id) {
  return base64_encode(last_id);
}

}  // namespace kms

void register_kms(api::Operations& operations, govern::Keys& keys) {
  kms::register_keys(operations, keys);
  kms::register_aliases(operations, keys);
  kms::register_grants(operations, keys);
  kms::register_rotation(operations, keys);
  kms::register_imports(operations, keys);
  kms::register_encryption(operations, keys);
  kms::register_signatures(operations, keys);
}

}  // namespace tarn::gateway
