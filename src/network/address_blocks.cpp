#include "network/address_blocks.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace tarn::network {
namespace {

int family(int bits) {
  return bits == ipv4_bits ? AF_INET : AF_INET6;
}

// The first `length` bits of `address`, the others cleared.
std::array<uint8_t, 16> masked(std::array<uint8_t, 16> address, int length) {
  for (int i = 0; i < 16; i++) {
    const int kept = std::min(8, std::max(0, length - i * 8));
    address[static_cast<std::size_t>(i)] &= static_cast<uint8_t>(0xFF00 >> kept);
  }
  return address;
}

}  // namespace

std::string AddressBlock::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family(bits), address.data(), out, sizeof out);
  return std::string(out) + "/" + std::to_string(prefix_length);
}

bool AddressBlock::contains(const AddressBlock& other) const {
  return bits == other.bits && prefix_length <= other.prefix_length && masked(other.address, prefix_length) == address;
}

std::optional<AddressBlock> parse_address(std::string_view text, int bits) {
  AddressBlock out{bits, bits, {}};
  if (text.find('\0') != text.npos) return std::nullopt;  // where the library would stop reading
  if (::inet_pton(family(bits), std::string(text).c_str(), out.address.data()) != 1) return std::nullopt;
  return out;
}

std::optional<AddressBlock> parse_block(std::string_view text, int bits) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto out = parse_address(text.substr(0, slash), bits);
  const std::string_view length = text.substr(slash + 1);
  auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), out ? out->prefix_length : bits);
  if (!out || error != std::errc() || end != length.data() + length.size() || out->prefix_length < 0 ||
      out->prefix_length > bits)
    return std::nullopt;
  out->address = masked(out->address, out->prefix_length);
  return out;
}

std::string address_in(const AddressBlock& block, uint64_t offset) {
  AddressBlock at = block;
  for (std::size_t i = 4; i-- > 0; offset >>= 8) {
    offset += at.address[i];
    at.address[i] = static_cast<uint8_t>(offset & 0xFF);
  }
  const std::string text = at.text();
  return text.substr(0, text.find('/'));
}

}  // namespace tarn::network
