// Server-side encryption: its headers, and the default encryption of buckets.
#include "gateway/s3/encryption.hpp"

#include "base/base64.hpp"
#include "base/cipher.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::gateway::s3 {
namespace {

[[noreturn]] void invalid(const std::string& what, const std::string& header) {
  throw Error(ErrorKind::caller, "InvalidArgument", what).with("ArgumentName", header);
}

[[noreturn]] void malformed() {
  throw Error(ErrorKind::caller, "MalformedXML",
              "The XML you provided was not well-formed or did not validate against our published schema");
}

std::map<std::string, std::string> context_from(const std::string& header) {
  try {
    auto text = base64_decode(header);
    if (!text) throw Error(ErrorKind::caller, "InvalidArgument", "");
    return api::from<std::map<std::string, std::string>>(parse_json(*text));
  } catch (const Error&) {
    invalid(
        "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which "
        "represents a string-string map",
        "x-amz-server-side-encryption-context");
  }
}

}  // namespace

std::string customer_key_from(const CustomerKeyHeaders& in) {
  constexpr const char *algorithm_header = "x-amz-server-side-encryption-customer-algorithm",
                       *key_header = "x-amz-server-side-encryption-customer-key",
                       *md5_header = "x-amz-server-side-encryption-customer-key-MD5";
  if (!in.algorithm && !in.key && !in.key_md5) return "";
  if (!in.algorithm)
    invalid(
        "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption "
        "algorithm.",
        algorithm_header);
  if (*in.algorithm != "AES256")
    throw Error(ErrorKind::caller, "InvalidEncryptionAlgorithmError",
                "The encryption request you specified is not valid. Supported value: AES256.")
        .with("ArgumentName", algorithm_header)
        .with("ArgumentValue", *in.algorithm);
  if (!in.key)
    invalid(
        "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret "
        "key.",
        key_header);
  auto key = base64_decode(*in.key);
  if (!key || key->size() != cipher_key_size_bytes)
    invalid("The secret key was invalid for the specified algorithm.", key_header);
  if (!in.key_md5)
    invalid(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated "
        "MD5 of the secret key.",
        md5_header);
  if (*in.key_md5 != customer_key_md5(*key))
    invalid("The calculated MD5 hash of the key did not match the hash that was provided.", md5_header);
  return std::move(*key);
}

std::string customer_key_md5(const std::string& key) {
  return base64_encode(digest(DigestKind::md5, key));
}

std::string context_header(const store::Encryption& encryption) {
  return base64_encode(to_json(api::to_value(encryption.context)));
}

store::EncryptionWish wish_from(const EncryptionHeaders& in) {
  using Kind = store::Encryption::Kind;
  store::EncryptionWish out;
  if (in.algorithm && *in.algorithm != "AES256" && *in.algorithm != "aws:kms")
    refuse_unsupported("x-amz-server-side-encryption: " + *in.algorithm);
  const bool kms = in.algorithm == "aws:kms";
  if ((in.kms_key_id || in.kms_context) && !kms)
    invalid(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
        "aws:kms",
        "x-amz-server-side-encryption");
  if (!in.customer_key.empty()) {
    if (in.algorithm)
      invalid("Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
              "x-amz-server-side-encryption");
    out.kind = Kind::customer;
    out.customer_key = in.customer_key;
  } else if (kms) {
    out.kind = Kind::kms;
    out.kms_key_id = in.kms_key_id.value_or("");
    if (in.kms_context) out.context = context_from(*in.kms_context);
    out.bucket_key_enabled = in.bucket_key_enabled.value_or(false);
  } else if (in.algorithm) {
    out.kind = Kind::own;
  }
  return out;
}

void check_customer_key(const store::Encryption& encryption, const std::string& key) {
  const bool needed = encryption.kind == store::Encryption::Kind::customer;
  if (needed && key.empty())
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided "
                "to retrieve the object.");
  if (!needed && !key.empty())
    throw Error(ErrorKind::caller, "InvalidRequest", "The encryption parameters are not applicable to this object.");
  if (needed) store::wrapping_key_of(encryption, key);
}

namespace {

model::GetBucketEncryptionOutput get_bucket_encryption(const Parts& parts, Context& context,
                                                       const model::GetBucketEncryptionRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto setting = bucket.settings.find(store::encryption_setting);
  model::GetBucketEncryptionOutput out;
  if (setting == bucket.settings.end() && !parts.store.encrypts())
    throw Error(ErrorKind::missing, "ServerSideEncryptionConfigurationNotFoundError",
                "The server side encryption configuration was not found")
        .with("BucketName", in.bucket);
  model::ServerSideEncryptionRule rule;
  auto& by_default = rule.apply_server_side_encryption_by_default.emplace();
  by_default.sse_algorithm = "AES256";
  rule.bucket_key_enabled = false;
  if (setting != bucket.settings.end()) {
    const Value& kept = setting->second;
    by_default.sse_algorithm = kept.string_or("SSEAlgorithm", "AES256");
    if (const Value* key = kept.find("KMSMasterKeyID")) by_default.kms_master_key_id = key->as_string();
    rule.bucket_key_enabled = kept.bool_or("BucketKeyEnabled");
    if (const Value* blocked = kept.find("BlockedEncryptionTypes"))
      rule.blocked_encryption_types.emplace().encryption_type = api::from<std::vector<std::string>>(*blocked);
  }
  out.server_side_encryption_configuration.emplace().rules = {rule};
  return out;
}

api::Empty put_bucket_encryption(const Parts& parts, Context&, const model::PutBucketEncryptionRequest& in) {
  const auto& rules = in.server_side_encryption_configuration.rules;
  if (rules.size() != 1) malformed();
  const auto& rule = rules[0];
  const auto& by_default = rule.apply_server_side_encryption_by_default;
  if (!by_default && !rule.blocked_encryption_types) malformed();
  Value setting = Value::map({{"SSEAlgorithm", "AES256"}});
  if (by_default) {
    if (by_default->sse_algorithm != "AES256" && by_default->sse_algorithm != "aws:kms")
      refuse_unsupported("SSEAlgorithm " + by_default->sse_algorithm);
    if (by_default->kms_master_key_id && by_default->sse_algorithm != "aws:kms")
      invalid("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms", "KMSMasterKeyID");
    setting.set("SSEAlgorithm", by_default->sse_algorithm);
    if (by_default->kms_master_key_id && !by_default->kms_master_key_id->empty())
      setting.set("KMSMasterKeyID", *by_default->kms_master_key_id);
  }
  setting.set("BucketKeyEnabled", rule.bucket_key_enabled.value_or(false));
  if (rule.blocked_encryption_types && rule.blocked_encryption_types->encryption_type) {
    const auto& blocked = *rule.blocked_encryption_types->encryption_type;
    if (blocked.size() != 1) malformed();
    setting.set("BlockedEncryptionTypes", api::to_value(blocked));
  }
  parts.store.change_bucket(in.bucket,
                            [&](store::BucketInfo& bucket) { bucket.settings[store::encryption_setting] = setting; });
  return {};
}

api::Empty delete_bucket_encryption(const Parts& parts, Context&, const model::DeleteBucketEncryptionRequest& in) {
  parts.store.change_bucket(in.bucket,
                            [](store::BucketInfo& bucket) { bucket.settings.erase(store::encryption_setting); });
  return {};
}

}  // namespace

void register_encryption(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<GetBucketEncryption>(operations, parts, get_bucket_encryption);
  on<PutBucketEncryption>(operations, parts, put_bucket_encryption);
  on<DeleteBucketEncryption>(operations, parts, delete_bucket_encryption);
}

}  // namespace tarn::gateway::s3
