// How requests ask for encryption, and how responses tell it. Templates, since S3 has the same members in many shapes.
#pragma once

#include "gateway/s3/requests.hpp"
#include "store/encryption.hpp"

namespace tarn::gateway::s3 {

// The members of a request that carry a customer's key; each may be absent.
struct CustomerKeyHeaders {
  const std::optional<std::string>&algorithm, &key, &key_md5;
};

// The key (32 bytes) that the headers carry, empty when they carry none. Throws Error (caller): InvalidArgument,
// InvalidEncryptionAlgorithmError.
std::string customer_key_from(const CustomerKeyHeaders& headers);

template <class Request>
std::string customer_key(const Request& in) {
  return customer_key_from({in.sse_customer_algorithm, in.sse_customer_key, in.sse_customer_key_md5});
}
template <class Request>
std::string source_customer_key(const Request& in) {
  return customer_key_from(
      {in.copy_source_sse_customer_algorithm, in.copy_source_sse_customer_key, in.copy_source_sse_customer_key_md5});
}

struct EncryptionHeaders {
  const std::optional<std::string>&algorithm, &kms_key_id, &kms_context;
  const std::optional<bool>& bucket_key_enabled;
  std::string customer_key;
};

// What PutObject, CopyObject and CreateMultipartUpload ask for. Throws Error (caller, InvalidArgument), or Error
// (unsupported, NotImplemented) for DSSE-KMS.
store::EncryptionWish wish_from(const EncryptionHeaders& headers);

template <class Request>
store::EncryptionWish encryption_wish(const Request& in) {
  return wish_from({in.server_side_encryption, in.ssekms_key_id, in.ssekms_encryption_context, in.bucket_key_enabled,
                    customer_key(in)});
}

// Refuses a read that brings the wrong key, none where one is needed, or one where none is: InvalidRequest,
// AccessDenied.
void check_customer_key(const store::Encryption& encryption, const std::string& customer_key);

// The MD5 of a customer's key, as responses repeat it.
std::string customer_key_md5(const std::string& customer_key);
std::string context_header(const store::Encryption& encryption);

// What a response tells of `encryption`, but for what only some shapes have.
template <class Output>
void encryption_into(const store::Encryption& encryption, Output& out) {
  using Kind = store::Encryption::Kind;
  if (encryption.kind == Kind::own) out.server_side_encryption = "AES256";
  if (encryption.kind != Kind::kms) return;
  out.server_side_encryption = "aws:kms";
  out.ssekms_key_id = encryption.kms_key_arn;
  if (encryption.bucket_key_enabled) out.bucket_key_enabled = true;
}
template <class Output>
void encryption_into(const store::Encryption& encryption, const std::string& customer_key, Output& out) {
  encryption_into(encryption, out);
  if (encryption.kind != store::Encryption::Kind::customer) return;
  out.sse_customer_algorithm = "AES256";
  out.sse_customer_key_md5 = customer_key_md5(customer_key);
}

}  // namespace tarn::gateway::s3
