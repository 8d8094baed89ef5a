#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "gateway/kms/requests.hpp"
#include "govern/key_pairs.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::KeyRecord;
using govern::Keys;

void require_algorithm(const KeyRecord& key, const std::optional<std::vector<std::string>>& known,
                       const std::string& algorithm) {
  if (!known || std::ranges::find(*known, algorithm) == known->end())
    throw Error(ErrorKind::caller, "InvalidKeyUsageException",
                "Algorithm " + algorithm + " and key spec " + *key.metadata.key_spec + " are incompatible.");
}

template <class Request>
KeyRecord signing_key(Keys& keys, Context& c, const Request& in) {
  check_grant_tokens(keys, c, in.grant_tokens);
  if (in.message_type == "EXTERNAL_MU")
    throw Error(ErrorKind::unsupported, "NotImplemented", "MessageType EXTERNAL_MU: tarn has no ML_DSA keys.");
  KeyRecord key = keys.usable(scope_of(c), in.key_id, "SIGN_VERIFY");
  require_algorithm(key, key.metadata.signing_algorithms, in.signing_algorithm);
  return key;
}

model::SignResponse sign(Keys& keys, Context& c, const model::SignRequest& in) {
  const KeyRecord key = signing_key(keys, c, in);
  const bool is_digest = in.message_type.value_or("RAW") == "DIGEST";
  model::SignResponse out;
  out.signature = Blob{govern::sign(keys.material(key), in.signing_algorithm, in.message.bytes, is_digest)};
  end_dry_run(in.dry_run);
  out.key_id = key.arn();
  out.signing_algorithm = in.signing_algorithm;
  return out;
}

model::VerifyResponse verify(Keys& keys, Context& c, const model::VerifyRequest& in) {
  const KeyRecord key = signing_key(keys, c, in);
  const bool is_digest = in.message_type.value_or("RAW") == "DIGEST";
  if (!govern::verify(keys.material(key), in.signing_algorithm, in.message.bytes, is_digest, in.signature.bytes))
    throw Error(ErrorKind::caller, "KMSInvalidSignatureException", "");
  end_dry_run(in.dry_run);
  model::VerifyResponse out;
  out.key_id = key.arn();
  out.signature_valid = true;
  out.signing_algorithm = in.signing_algorithm;
  return out;
}

template <class Request>
std::pair<KeyRecord, std::string> mac_of(Keys& keys, Context& c, const Request& in) {
  check_grant_tokens(keys, c, in.grant_tokens);
  KeyRecord key = keys.usable(scope_of(c), in.key_id, "GENERATE_VERIFY_MAC");
  require_algorithm(key, key.metadata.mac_algorithms, in.mac_algorithm);
  std::string mac = govern::mac(keys.material(key), in.mac_algorithm, in.message.bytes);
  return {std::move(key), std::move(mac)};
}

model::GetPublicKeyResponse public_key(Keys& keys, Context& c, const model::GetPublicKeyRequest& in) {
  check_grant_tokens(keys, c, in.grant_tokens);
  const KeyRecord key = keys.find(scope_of(c), in.key_id);
  const auto family = govern::key_spec(*key.metadata.key_spec).family;
  if (family == govern::KeyFamily::symmetric || family == govern::KeyFamily::hmac)
    throw Error(ErrorKind::caller, "UnsupportedOperationException",
                key.arn() + " key spec is " + *key.metadata.key_spec + " which is not valid for this operation.");
  govern::require_enabled(key);
  model::GetPublicKeyResponse out;
  out.key_id = key.arn();
  out.public_key = Blob{govern::public_key_of(keys.material(key))};
  out.key_spec = key.metadata.key_spec;
  out.customer_master_key_spec = key.metadata.customer_master_key_spec;
  out.key_usage = key.metadata.key_usage;
  out.encryption_algorithms = key.metadata.encryption_algorithms;
  out.signing_algorithms = key.metadata.signing_algorithms;
  out.key_agreement_algorithms = key.metadata.key_agreement_algorithms;
  return out;
}

model::DeriveSharedSecretResponse shared_secret(Keys& keys, Context& c, const model::DeriveSharedSecretRequest& in) {
  refuse_recipient(in.recipient.has_value(), "DeriveSharedSecret");
  check_grant_tokens(keys, c, in.grant_tokens);
  const KeyRecord key = keys.usable(scope_of(c), in.key_id, "KEY_AGREEMENT");
  model::DeriveSharedSecretResponse out;
  out.shared_secret = Blob{govern::derive_shared_secret(keys.material(key), in.public_key.bytes)};
  end_dry_run(in.dry_run);
  out.key_id = key.arn();
  out.key_agreement_algorithm = in.key_agreement_algorithm;
  out.key_origin = key.metadata.origin;
  return out;
}

}  // namespace

void register_signatures(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::Sign>([&](Context& c, const model::SignRequest& in) { return sign(keys, c, in); });
  operations.on<op::Verify>([&](Context& c, const model::VerifyRequest& in) { return verify(keys, c, in); });
  operations.on<op::GenerateMac>([&](Context& c, const model::GenerateMacRequest& in) {
    auto [key, mac] = mac_of(keys, c, in);
    end_dry_run(in.dry_run);
    model::GenerateMacResponse out;
    out.mac = Blob{mac};
    out.mac_algorithm = in.mac_algorithm;
    out.key_id = key.arn();
    return out;
  });
  operations.on<op::VerifyMac>([&](Context& c, const model::VerifyMacRequest& in) {
    auto [key, mac] = mac_of(keys, c, in);
    if (!equal_secrets(mac, in.mac.bytes)) throw Error(ErrorKind::caller, "KMSInvalidMacException", "");
    end_dry_run(in.dry_run);
    model::VerifyMacResponse out;
    out.key_id = key.arn();
    out.mac_valid = true;
    out.mac_algorithm = in.mac_algorithm;
    return out;
  });
  operations.on<op::GetPublicKey>(
      [&](Context& c, const model::GetPublicKeyRequest& in) { return public_key(keys, c, in); });
  operations.on<op::DeriveSharedSecret>(
      [&](Context& c, const model::DeriveSharedSecretRequest& in) { return shared_secret(keys, c, in); });
}

}  // namespace tarn::gateway::kms
