#include "govern/ciphertext.hpp"

#include "base/base64.hpp"
#include "base/cipher.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

constexpr char format = 1;

void put(std::string& out, std::string_view bytes) {
  TARN_ASSERT(bytes.size() < 256);
  out += static_cast<char>(bytes.size());
  out += bytes;
}

bool take(std::string_view& rest, std::string_view& out) {
  if (rest.empty()) return false;
  const std::size_t size = static_cast<unsigned char>(rest[0]);
  if (rest.size() < 1 + size) return false;
  out = rest.substr(1, size);
  rest.remove_prefix(1 + size);
  return true;
}

void put_long(std::string& out, std::string_view bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift);
  out += bytes;
}

}  // namespace

std::string ciphertext_head(std::string_view account, std::string_view key_id, std::string_view material_id) {
  std::string out(1, format);
  put(out, account);
  put(out, key_id);
  put(out, *hex_decode(material_id));
  return out;
}

std::optional<Ciphertext> parse_ciphertext(std::string_view blob) {
  if (blob.empty() || blob[0] != format) return std::nullopt;
  std::string_view rest = blob.substr(1), account, key_id, material;
  if (!take(rest, account) || !take(rest, key_id) || !take(rest, material)) return std::nullopt;
  if (account.size() != 12 || key_id.empty() || material.size() != 32) return std::nullopt;
  if (rest.size() < cipher_nonce_size_bytes + cipher_tag_size_bytes) return std::nullopt;
  return Ciphertext{std::string(account), std::string(key_id), hex_encode(material), rest};
}

std::string associated_data(std::string_view head, const EncryptionContext& context) {
  std::string out(head);
  for (const auto& [name, value] : context) {
    put_long(out, name);
    put_long(out, value);
  }
  return out;
}

}  // namespace tarn::govern
