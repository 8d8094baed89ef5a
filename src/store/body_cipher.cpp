#include "store/body_cipher.hpp"

#include <array>

#include "base/error.hpp"

namespace tarn::store {
namespace {

std::array<char, cipher_nonce_size_bytes> nonce_of(uint64_t number) {
  std::array<char, cipher_nonce_size_bytes> nonce{};
  for (std::size_t i = nonce.size(); i-- > 4; number >>= 8) nonce[i] = static_cast<char>(number);
  return nonce;
}

[[noreturn]] void damaged() {
  throw Error(ErrorKind::bug, "InternalError", "The stored body of this object is damaged. Restore it from a copy.");
}

}  // namespace

void BodySealer::seal(std::string_view piece, std::string& out) {
  const auto nonce = nonce_of(number_++);
  const std::size_t at = out.size();
  out.resize(at + piece.size() + cipher_tag_size_bytes);
  cipher_.seal({nonce.data(), nonce.size()}, {}, piece.data(), piece.size(), out.data() + at);
}

void BodyOpener::open(uint64_t number, const char* sealed, std::size_t size, char* into) {
  const auto nonce = nonce_of(number);
  if (!cipher_.open({nonce.data(), nonce.size()}, {}, sealed, size, into)) damaged();
}

std::string seal_small(std::string_view data_key, std::string_view body) {
  std::string out;
  BodySealer(data_key).seal(body, out);
  return out;
}

std::string open_small(std::string_view data_key, std::string_view sealed) {
  if (sealed.size() < cipher_tag_size_bytes) damaged();
  std::string out(sealed.size() - cipher_tag_size_bytes, '\0');
  BodyOpener(data_key).open(0, sealed.data(), out.size(), out.data());
  return out;
}

}  // namespace tarn::store
