// Key pairs: RSA, elliptic curves and Ed25519, as KMS uses them. Private keys are PKCS #8 in DER, public keys
// SubjectPublicKeyInfo in DER. Algorithms are named as KMS names them.
#pragma once

#include <string>
#include <string_view>

#include "govern/key_specs.hpp"

namespace tarn::govern {

// A new private key.
std::string make_key_pair(const KeySpec& spec);
std::string public_key_of(std::string_view private_key);

// `is_digest`: the message is its digest already, of the size that the algorithm asks for; another size throws Error
// (caller, ValidationException).
std::string sign(std::string_view private_key, std::string_view algorithm, std::string_view message, bool is_digest);
bool verify(std::string_view private_key, std::string_view algorithm, std::string_view message, bool is_digest,
            std::string_view signature);

// RSAES-OAEP. Plain text that is too long for the key throws Error (caller, ValidationException); what does not decrypt
// Error (caller, InvalidCiphertextException).
std::string encrypt_for(std::string_view private_key, std::string_view algorithm, std::string_view plain);
std::string decrypt_by(std::string_view private_key, std::string_view algorithm, std::string_view ciphertext);

// ECDH. `public_key` on another curve, or none at all: Error (caller, ValidationException).
std::string derive_shared_secret(std::string_view private_key, std::string_view public_key);

// `algorithm` HMAC_SHA_224 to HMAC_SHA_512.
std::string mac(std::string_view key, std::string_view algorithm, std::string_view message);

}  // namespace tarn::govern
