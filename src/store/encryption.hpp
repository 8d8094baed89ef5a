// How the bodies of objects are kept secret ("Protecting data with encryption", Amazon S3 User Guide).
//
// Three keys stand one below the other. Each blob has a data key of its own, drawn once, that seals its bytes
// (body_cipher.hpp). An object's record holds the data keys of its blobs, wrapped by the object's wrapping key: so one
// blob may serve several objects, each under another key, and copying an object or changing its key moves no bytes.
// Where the wrapping key comes from is what S3's kinds of encryption differ in:
//   SSE-S3   one of the store's own keys, which stands in the index, sealed by the KeyKeeper
//   SSE-KMS  a data key of KMS, whose ciphertext stands in the object's record
//   SSE-C    derived from the key that the client sends each time; nothing of it is kept but a salted check
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace tarn::store {

struct Encryption {
  enum class Kind : uint8_t {
    none,      // in the clear: the store was opened so
    own,       // SSE-S3
    kms,       // SSE-KMS
    customer,  // SSE-C
  };
  Kind kind = Kind::none;
  uint64_t own_key = 0;                        // own: which of the store's keys
  std::string kms_key_arn;                     // kms
  std::map<std::string, std::string> context;  // kms: the encryption context, what the store adds included
  bool bucket_key_enabled = false;             // kms
  std::string sealed_key;                      // kms: the ciphertext of the wrapping key; customer: salt and check
  bool operator==(const Encryption&) const = default;
  bool is_encrypted() const { return kind != Kind::none; }
  // Whether ETags tell nothing of the bytes.
  bool hides_etag() const { return kind == Kind::kms || kind == Kind::customer; }
};

// The encryption of something new, and the wrapping key (32 bytes; none for kind none) that belongs to it.
struct NewEncryption {
  Encryption encryption;
  std::string wrapping_key;
};

// How somebody wants something new to be encrypted.
struct EncryptionWish {
  Encryption::Kind kind = Encryption::Kind::none;  // none: as the bucket is set, or by the store's own key
  std::string kms_key_id;                          // kms: id, ARN or alias; empty: alias/aws/s3
  std::map<std::string, std::string> context;      // kms
  bool bucket_key_enabled = false;                 // kms
  std::string customer_key;                        // customer: 32 bytes
};

// Who keeps the keys that no store can keep itself. Thread-safe.
class KeyKeeper {
 public:
  virtual ~KeyKeeper() = default;
  // Seals a key of the store's, and opens it again; a sealed key that does not open throws Error (bug,
  // InvalidKeyEncryptionKey).
  virtual std::string seal(std::string_view key) = 0;
  virtual std::string open(std::string_view sealed) = 0;
  // Whether the key that seals now sealed it; else the store seals it anew.
  virtual bool is_current(std::string_view sealed) = 0;
  // A new wrapping key for an object of kind kms, by the key of KMS that `kms_key_id` names in that account and region;
  // the rest of what is returned is as wished. Errors as below.
  virtual NewEncryption make_kms_key(std::string_view account, std::string_view region, const EncryptionWish& wish) = 0;
  // The wrapping key of an object of kind kms. Throws Error with S3's code: KMS.DisabledException,
  // KMS.KMSInvalidStateException, KMS.NotFoundException, AccessDenied.
  virtual std::string open_kms_key(const Encryption& encryption) = 0;
};

// SSE-C: a new salt for `customer_key` (32 bytes), and the wrapping key that follows from both.
NewEncryption encrypt_by_customer_key(std::string_view customer_key, Random& random);
// The wrapping key again; Error (denied, AccessDenied) when it is another key than the object was written with.
std::string wrapping_key_of(const Encryption& encryption, std::string_view customer_key);

// As they stand in records.
std::string encode(const Encryption& encryption);
Encryption decode_encryption(std::string_view bytes);

}  // namespace tarn::store
