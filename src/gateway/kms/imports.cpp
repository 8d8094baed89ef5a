#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/kms/requests.hpp"
#include "govern/key_pairs.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::KeyRecord;
using govern::Keys;

constexpr auto token_lifetime = std::chrono::hours(24);
constexpr std::string_view token_purpose = "kms.import_token";

KeyRecord find_external(Keys& keys, Context& c, const std::string& id) {
  KeyRecord key = keys.find_own(scope_of(c), id);
  if (key.metadata.origin != "EXTERNAL")
    throw Error(ErrorKind::caller, "UnsupportedOperationException",
                key.arn() + " origin is " + *key.metadata.origin + " which is not valid for this operation.");
  govern::require_not_pending_deletion(key);
  return key;
}

model::GetParametersForImportResponse parameters(Keys& keys, Context& c,
                                                 const model::GetParametersForImportRequest& in) {
  const KeyRecord key = find_external(keys, c, in.key_id);
  if (!in.wrapping_algorithm.starts_with("RSAES_OAEP") || !in.wrapping_key_spec.starts_with("RSA"))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "GetParametersForImport with " + in.wrapping_algorithm + " and " + in.wrapping_key_spec +
                    ": tarn takes RSAES_OAEP_SHA_1 and RSAES_OAEP_SHA_256 with RSA keys.");
  const std::string wrapping = govern::make_key_pair(govern::key_spec(in.wrapping_key_spec));
  model::GetParametersForImportResponse out;
  out.key_id = key.arn();
  out.parameters_valid_to = c.now + token_lifetime;
  out.public_key = Blob{govern::public_key_of(wrapping)};
  // The private key travels in the token, sealed: nothing has to be kept.
  const Value token = Value::map({{"KeyId", key.metadata.key_id},
                                  {"Until", *out.parameters_valid_to},
                                  {"Algorithm", in.wrapping_algorithm},
                                  {"Key", Blob{wrapping}}});
  out.import_token = Blob{keys.sealing().seal(to_json(token), token_purpose, keys.random())};
  return out;
}

struct ImportToken {
  std::string key_id, algorithm;
  Blob private_key;
  Time until;
};

ImportToken open_token(Keys& keys, const Blob& token) {
  std::string text;
  try {
    text = keys.sealing().open(token.bytes, token_purpose);
  } catch (const Error&) {
    throw Error(ErrorKind::caller, "InvalidImportTokenException", "The import token is not valid.");
  }
  const Value value = parse_json(text);
  ImportToken out;
  out.key_id = value.string_or("KeyId");
  out.algorithm = value.string_or("Algorithm");
  api::from_value(value.at("Key"), out.private_key);
  api::from_value(value.at("Until"), out.until);
  return out;
}

model::ImportKeyMaterialResponse import(Keys& keys, Context& c, const model::ImportKeyMaterialRequest& in) {
  if (in.import_type == "NEW_KEY_MATERIAL" || in.key_material_description || in.key_material_id)
    throw Error(
        ErrorKind::unsupported, "NotImplemented",
        "ImportKeyMaterial with ImportType NEW_KEY_MATERIAL, KeyMaterialDescription or KeyMaterialId: tarn keeps "
        "one imported material of a key.");
  const KeyRecord key = find_external(keys, c, in.key_id);
  const ImportToken token = open_token(keys, in.import_token);
  if (token.key_id != key.metadata.key_id)
    throw Error(ErrorKind::caller, "InvalidImportTokenException", "The import token is for another key.");
  if (token.until <= c.now)
    throw Error(ErrorKind::caller, "ExpiredImportTokenException", "The import token has expired.");
  const bool expires = in.expiration_model.value_or("KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_EXPIRES";
  if (expires != in.valid_to.has_value())
    invalid("ValidTo must be set when ExpirationModel is KEY_MATERIAL_EXPIRES, and only then.");
  if (expires && (*in.valid_to <= c.now || *in.valid_to > c.now + std::chrono::days(365)))
    invalid("ValidTo must be in the future, and at most 365 days away.");
  const std::string secret =
      govern::decrypt_by(token.private_key.bytes, token.algorithm, in.encrypted_key_material.bytes);
  const int bits = govern::key_spec(*key.metadata.key_spec).size_bits;
  if (secret.size() * 8 != static_cast<std::size_t>(bits))
    throw Error(
        ErrorKind::caller, "IncorrectKeyMaterialException",
        "The key material has " + std::to_string(secret.size() * 8) + " bits, not " + std::to_string(bits) + ".");
  const KeyRecord changed = keys.import_material(scope_of(c), c.principal.arn, key.arn(), secret, in.valid_to);
  return {changed.arn(), changed.metadata.current_key_material_id};
}

model::DeleteImportedKeyMaterialResponse remove(Keys& keys, Context& c,
                                                const model::DeleteImportedKeyMaterialRequest& in) {
  const KeyRecord key = find_external(keys, c, in.key_id);
  if (in.key_material_id && (key.materials.empty() || key.materials.back().id != *in.key_material_id))
    throw Error(ErrorKind::missing, "NotFoundException", "The key has no material " + *in.key_material_id + ".");
  const auto material = key.metadata.current_key_material_id;
  keys.delete_material(scope_of(c), c.principal.arn, key.metadata.key_id);
  return {key.arn(), material};
}

}  // namespace

void register_imports(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::GetParametersForImport>(
      [&](Context& c, const model::GetParametersForImportRequest& in) { return parameters(keys, c, in); });
  operations.on<op::ImportKeyMaterial>(
      [&](Context& c, const model::ImportKeyMaterialRequest& in) { return import(keys, c, in); });
  operations.on<op::DeleteImportedKeyMaterial>(
      [&](Context& c, const model::DeleteImportedKeyMaterialRequest& in) { return remove(keys, c, in); });
}

}  // namespace tarn::gateway::kms
