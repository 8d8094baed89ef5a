// Blocks of addresses and the patterns of filters: what is read as a block is read again from its own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "network/address_blocks.hpp"
#include "network/filters.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace tarn::network;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const int bits : {ipv4_bits, ipv6_bits})
    if (const auto block = parse_block(text, bits))
      if (parse_block(block->text(), bits) != block || !block->contains(*block)) std::abort();
  const auto half = text.substr(0, size / 2), rest = text.substr(size / 2);
  matches_pattern(half, rest);
  if (!matches_pattern("*", text)) std::abort();
  return 0;
}
