// Blocks of IP addresses (RFC 4632, RFC 4291): what "10.0.0.0/16" and "2001:db8::/56" mean. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::network {

inline constexpr int ipv4_bits = 32, ipv6_bits = 128;

struct AddressBlock {
  int bits = ipv4_bits;  // of an address: ipv4_bits or ipv6_bits
  int prefix_length = 0;
  std::array<uint8_t, 16> address{};  // the first one; the first `bits` / 8 bytes count

  std::string text() const;  // "10.0.0.0/16"
  // Whether all addresses of `other` are in this block. Blocks of different families hold nothing of each other.
  bool contains(const AddressBlock& other) const;
  bool overlaps(const AddressBlock& other) const { return contains(other) || other.contains(*this); }
  // How many addresses an IPv4 block has.
  uint64_t size() const { return 1ull << (bits - prefix_length); }
  bool operator==(const AddressBlock&) const = default;
};

// The block that the text names, in its canonical form: bits behind the prefix are cleared, as AWS does. Absent when
// the text is none of this family.
std::optional<AddressBlock> parse_block(std::string_view text, int bits = ipv4_bits);
// One address, as the block of it alone.
std::optional<AddressBlock> parse_address(std::string_view text, int bits = ipv4_bits);
// The text of the IPv4 address `offset` behind the block's first. `offset` is less than size().
std::string address_in(const AddressBlock& block, uint64_t offset);

}  // namespace tarn::network
