// Ciphertext blobs of KMS and sealed keys: what parses is made of its own bytes, and nothing that was not sealed opens.
#include <cstdint>
#include <cstdlib>

#include "base/cipher.hpp"
#include "base/error.hpp"
#include "govern/ciphertext.hpp"
#include "govern/key_encryption.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto parsed = govern::parse_ciphertext(bytes)) {
    const std::string head = govern::ciphertext_head(parsed->account, parsed->key_id, parsed->material_id);
    if (head + std::string(parsed->sealed) != bytes) std::abort();
    if (open_sealed(std::string(cipher_key_size_bytes, 'k'), govern::associated_data(head, {}), parsed->sealed))
      std::abort();
  }
  static const auto ring = govern::KeyEncryptionKeys::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  try {
    ring.open(bytes, "fuzz");
    std::abort();
  } catch (const Error&) {
  }
  try {
    govern::KeyEncryptionKeys::parse(bytes);
  } catch (const Error&) {
  }
  return 0;
}
