#include <algorithm>

#include "base/error.hpp"
#include "gateway/kms/requests.hpp"
#include "govern/key_pairs.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::KeyRecord;
using govern::Keys;

constexpr const char* symmetric = "SYMMETRIC_DEFAULT";

bool is_symmetric(const KeyRecord& key) {
  return key.metadata.key_spec == symmetric;
}

// `algorithm`, where given, must be one that the key has; asymmetric keys need it.
std::string algorithm_of(const KeyRecord& key, const std::optional<std::string>& given) {
  const auto& known = *key.metadata.encryption_algorithms;
  const std::string algorithm = given.value_or(symmetric);
  if (std::ranges::find(known, algorithm) == known.end())
    throw Error(ErrorKind::caller, "InvalidKeyUsageException",
                "Algorithm " + algorithm + " and key spec " + *key.metadata.key_spec + " are incompatible.");
  return algorithm;
}

std::string encrypt_with(Keys& keys, const KeyRecord& key, const std::string& algorithm, std::string_view plain,
                         const std::optional<std::map<std::string, std::string>>& context) {
  if (is_symmetric(key)) return keys.encrypt(key, plain, context_of(context));
  if (context) invalid("An encryption context is for symmetric keys only.");
  return govern::encrypt_for(keys.material(key), algorithm, plain);
}

Keys::Decrypted decrypt_with(Keys& keys, Context& c, const std::optional<std::string>& key_id,
                             const std::optional<std::string>& algorithm, const std::optional<Blob>& blob,
                             const std::optional<std::map<std::string, std::string>>& context) {
  if (!blob)
    invalid(
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member "
        "must not be null");
  if (algorithm.value_or(symmetric) == symmetric) {
    if (key_id) {
      const KeyRecord key = keys.usable(scope_of(c), *key_id, "ENCRYPT_DECRYPT");
      algorithm_of(key, algorithm);
    }
    return keys.decrypt(scope_of(c), key_id, blob->bytes, context_of(context));
  }
  if (!key_id) invalid("KeyId is required to decrypt what an asymmetric key encrypted.");
  if (context) invalid("An encryption context is for symmetric keys only.");
  const KeyRecord key = keys.usable(scope_of(c), *key_id, "ENCRYPT_DECRYPT");
  algorithm_of(key, algorithm);
  return {key, "", govern::decrypt_by(keys.material(key), *algorithm, blob->bytes)};
}

void refuse_modifiers(bool sent, const char* operation) {
  if (sent) throw Error(ErrorKind::unsupported, "NotImplemented", std::string(operation) + " with DryRunModifiers.");
}

model::EncryptResponse encrypt(Keys& keys, Context& c, const model::EncryptRequest& in) {
  check_grant_tokens(keys, c, in.grant_tokens);
  const KeyRecord key = keys.usable(scope_of(c), in.key_id, "ENCRYPT_DECRYPT");
  const std::string algorithm = algorithm_of(key, in.encryption_algorithm);
  model::EncryptResponse out;
  out.ciphertext_blob = Blob{encrypt_with(keys, key, algorithm, in.plaintext.bytes, in.encryption_context)};
  end_dry_run(in.dry_run);
  out.key_id = key.arn();
  out.encryption_algorithm = algorithm;
  return out;
}

model::DecryptResponse decrypt(Keys& keys, Context& c, const model::DecryptRequest& in) {
  refuse_recipient(in.recipient.has_value(), "Decrypt");
  refuse_modifiers(in.dry_run_modifiers.has_value(), "Decrypt");
  check_grant_tokens(keys, c, in.grant_tokens);
  auto opened = decrypt_with(keys, c, in.key_id, in.encryption_algorithm, in.ciphertext_blob, in.encryption_context);
  end_dry_run(in.dry_run);
  model::DecryptResponse out;
  out.key_id = opened.key.arn();
  out.plaintext = Blob{std::move(opened.plain)};
  out.encryption_algorithm = in.encryption_algorithm.value_or(symmetric);
  if (!opened.material_id.empty()) out.key_material_id = opened.material_id;
  return out;
}

model::ReEncryptResponse re_encrypt(Keys& keys, Context& c, const model::ReEncryptRequest& in) {
  refuse_modifiers(in.dry_run_modifiers.has_value(), "ReEncrypt");
  check_grant_tokens(keys, c, in.grant_tokens);
  auto opened = decrypt_with(keys, c, in.source_key_id, in.source_encryption_algorithm, in.ciphertext_blob,
                             in.source_encryption_context);
  const KeyRecord key = keys.usable(scope_of(c), in.destination_key_id, "ENCRYPT_DECRYPT");
  const std::string algorithm = algorithm_of(key, in.destination_encryption_algorithm);
  model::ReEncryptResponse out;
  out.ciphertext_blob = Blob{encrypt_with(keys, key, algorithm, opened.plain, in.destination_encryption_context)};
  end_dry_run(in.dry_run);
  out.source_key_id = opened.key.arn();
  out.key_id = key.arn();
  out.source_encryption_algorithm = in.source_encryption_algorithm.value_or(symmetric);
  out.destination_encryption_algorithm = algorithm;
  if (!opened.material_id.empty()) out.source_key_material_id = opened.material_id;
  out.destination_key_material_id = key.metadata.current_key_material_id;
  return out;
}

// The key that data keys are made under: symmetric, enabled.
KeyRecord data_key_parent(Keys& keys, Context& c, const std::string& id,
                          const std::optional<std::vector<std::string>>& tokens) {
  check_grant_tokens(keys, c, tokens);
  KeyRecord key = keys.usable(scope_of(c), id, "ENCRYPT_DECRYPT");
  if (!is_symmetric(key))
    throw Error(ErrorKind::caller, "InvalidKeyUsageException",
                key.arn() + " key spec is " + *key.metadata.key_spec + " which is not valid for this operation.");
  return key;
}

std::size_t data_key_size(const std::optional<std::string>& spec, const std::optional<int64_t>& bytes) {
  if (spec.has_value() == bytes.has_value()) invalid("Please specify either number of bytes or key spec.");
  if (bytes) return static_cast<std::size_t>(*bytes);
  return *spec == "AES_128" ? 16 : 32;
}

model::GenerateDataKeyResponse data_key(Keys& keys, Context& c, const model::GenerateDataKeyRequest& in) {
  refuse_recipient(in.recipient.has_value(), "GenerateDataKey");
  const KeyRecord key = data_key_parent(keys, c, in.key_id, in.grant_tokens);
  const std::string plain = keys.random().bytes(data_key_size(in.key_spec, in.number_of_bytes));
  model::GenerateDataKeyResponse out;
  out.ciphertext_blob = Blob{keys.encrypt(key, plain, context_of(in.encryption_context))};
  end_dry_run(in.dry_run);
  out.plaintext = Blob{plain};
  out.key_id = key.arn();
  out.key_material_id = key.metadata.current_key_material_id;
  return out;
}

model::GenerateDataKeyPairResponse key_pair(Keys& keys, Context& c, const model::GenerateDataKeyPairRequest& in) {
  refuse_recipient(in.recipient.has_value(), "GenerateDataKeyPair");
  const KeyRecord key = data_key_parent(keys, c, in.key_id, in.grant_tokens);
  const auto context = context_of(in.encryption_context);
  const govern::KeySpec& spec = govern::key_spec(in.key_pair_spec);
  end_dry_run(in.dry_run);
  const std::string secret = govern::make_key_pair(spec);
  model::GenerateDataKeyPairResponse out;
  out.private_key_ciphertext_blob = Blob{keys.encrypt(key, secret, context)};
  out.private_key_plaintext = Blob{secret};
  out.public_key = Blob{govern::public_key_of(secret)};
  out.key_id = key.arn();
  out.key_pair_spec = in.key_pair_spec;
  out.key_material_id = key.metadata.current_key_material_id;
  return out;
}

model::GenerateRandomResponse random_bytes(Keys& keys, const model::GenerateRandomRequest& in) {
  refuse_recipient(in.recipient.has_value(), "GenerateRandom");
  if (in.custom_key_store_id)
    throw Error(ErrorKind::unsupported, "NotImplemented", "GenerateRandom in a custom key store: tarn has none.");
  if (!in.number_of_bytes) invalid("Please specify the number of bytes.");
  model::GenerateRandomResponse out;
  out.plaintext = Blob{keys.random().bytes(static_cast<std::size_t>(*in.number_of_bytes))};
  return out;
}

}  // namespace

void register_encryption(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::Encrypt>([&](Context& c, const model::EncryptRequest& in) { return encrypt(keys, c, in); });
  operations.on<op::Decrypt>([&](Context& c, const model::DecryptRequest& in) { return decrypt(keys, c, in); });
  operations.on<op::ReEncrypt>([&](Context& c, const model::ReEncryptRequest& in) { return re_encrypt(keys, c, in); });
  operations.on<op::GenerateDataKey>(
      [&](Context& c, const model::GenerateDataKeyRequest& in) { return data_key(keys, c, in); });
  operations.on<op::GenerateDataKeyWithoutPlaintext>(
      [&](Context& c, const model::GenerateDataKeyWithoutPlaintextRequest& in) {
        model::GenerateDataKeyRequest with{};
        with.key_id = in.key_id;
        with.encryption_context = in.encryption_context;
        with.number_of_bytes = in.number_of_bytes;
        with.key_spec = in.key_spec;
        with.grant_tokens = in.grant_tokens;
        with.dry_run = in.dry_run;
        auto made = data_key(keys, c, with);
        model::GenerateDataKeyWithoutPlaintextResponse out;
        out.ciphertext_blob = made.ciphertext_blob;
        out.key_id = made.key_id;
        out.key_material_id = made.key_material_id;
        return out;
      });
  operations.on<op::GenerateDataKeyPair>(
      [&](Context& c, const model::GenerateDataKeyPairRequest& in) { return key_pair(keys, c, in); });
  operations.on<op::GenerateDataKeyPairWithoutPlaintext>(
      [&](Context& c, const model::GenerateDataKeyPairWithoutPlaintextRequest& in) {
        model::GenerateDataKeyPairRequest with{};
        with.key_id = in.key_id;
        with.encryption_context = in.encryption_context;
        with.key_pair_spec = in.key_pair_spec;
        with.grant_tokens = in.grant_tokens;
        with.dry_run = in.dry_run;
        auto made = key_pair(keys, c, with);
        model::GenerateDataKeyPairWithoutPlaintextResponse out;
        out.private_key_ciphertext_blob = made.private_key_ciphertext_blob;
        out.public_key = made.public_key;
        out.key_id = made.key_id;
        out.key_pair_spec = made.key_pair_spec;
        out.key_material_id = made.key_material_id;
        return out;
      });
  operations.on<op::GenerateRandom>(
      [&](Context&, const model::GenerateRandomRequest& in) { return random_bytes(keys, in); });
}

}  // namespace tarn::gateway::kms
