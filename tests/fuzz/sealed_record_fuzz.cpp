// Sealed bodies and the records of encryption: bytes that were not sealed never open, and what decodes encodes again.
#include <cstdint>
#include <cstdlib>

#include "base/cipher.hpp"
#include "base/error.hpp"
#include "store/body_cipher.hpp"
#include "store/encryption.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  using namespace tarn::store;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string key(cipher_key_size_bytes, 'k');
  try {
    const Encryption encryption = decode_encryption(bytes);
    if (decode_encryption(encode(encryption)) != encryption) std::abort();
  } catch (const Error&) {
  }
  if (unwrap_key(key, bytes)) std::abort();
  try {
    open_small(key, bytes);
    std::abort();
  } catch (const Error&) {
  }
  return 0;
}
