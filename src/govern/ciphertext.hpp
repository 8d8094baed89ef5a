// Ciphertext blobs of symmetric KMS keys: they tell the key that made them, so that Decrypt needs no KeyId.
//
// A format byte, the account, the key's id and the id of its key material (each behind a length byte), then nonce,
// ciphertext and tag of AES-256-GCM. All that stands before the nonce, and the encryption context, are its associated
// data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::govern {

using EncryptionContext = std::map<std::string, std::string>;

struct Ciphertext {
  std::string account, key_id, material_id;
  std::string_view sealed;  // nonce, ciphertext, tag
};

// What stands before the sealed bytes.
std::string ciphertext_head(std::string_view account, std::string_view key_id, std::string_view material_id);
// Absent when `blob` is not of this form. The result points into it.
std::optional<Ciphertext> parse_ciphertext(std::string_view blob);
// The associated data: the same for two contexts only when they are equal.
std::string associated_data(std::string_view head, const EncryptionContext& context);

}  // namespace tarn::govern
