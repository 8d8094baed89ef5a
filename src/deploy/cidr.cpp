// Fn::Cidr: a block of addresses, cut into blocks of equal size.
#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "deploy/functions.hpp"
#include "deploy/limits.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

struct Addresses {
  std::array<unsigned char, 16> first{};
  int width = 32;  // bits of an address
  int prefix = 0;
};

std::optional<Addresses> parse(const std::string& block) {
  Addresses out;
  const std::size_t slash = block.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string address = block.substr(0, slash);
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  out.width = family == AF_INET ? 32 : 128;
  const char* end = block.data() + block.size();
  auto [rest, error] = std::from_chars(block.data() + slash + 1, end, out.prefix);
  if (error != std::errc() || rest != end || out.prefix < 0 || out.prefix > out.width) return std::nullopt;
  if (inet_pton(family, address.c_str(), out.first.data()) != 1) return std::nullopt;
  for (int bit = out.prefix; bit < out.width; bit++)
    out.first[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80 >> (bit % 8)));
  return out;
}

// Adds 2^bits.
void advance(Addresses& at, int bits) {
  const int place = at.width - 1 - bits;
  unsigned carry = 0x80u >> (place % 8);
  for (int i = place / 8; i >= 0 && carry; i--) {
    const unsigned sum = at.first[static_cast<std::size_t>(i)] + carry;
    at.first[static_cast<std::size_t>(i)] = static_cast<unsigned char>(sum);
    carry = sum >> 8;
  }
}

}  // namespace

std::vector<std::string> cidr_blocks(const std::string& block, int64_t count, int64_t bits) {
  auto at = parse(block);
  if (!at) throw validation_error("Template error: Fn::Cidr: " + block + " is not a valid CIDR block");
  if (count < 1 || count > limits::max_cidr_blocks)
    throw validation_error("Template error: Fn::Cidr: count must be from 1 to " +
                           std::to_string(limits::max_cidr_blocks));
  const int64_t room = at->width - at->prefix;
  if (bits < 0 || bits > room || (room - bits < 62 && count > (int64_t{1} << (room - bits))))
    throw validation_error("Template error: Fn::Cidr: " + block + " has no room for " + std::to_string(count) +
                           " blocks of " + std::to_string(bits) + " bits");
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; i++) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(at->width == 32 ? AF_INET : AF_INET6, at->first.data(), text, sizeof text);
    out.push_back(text + std::string("/") + std::to_string(at->width - bits));
    if (i + 1 < count) advance(*at, static_cast<int>(bits));
  }
  return out;
}

}  // namespace tarn::deploy
