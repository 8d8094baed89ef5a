#include "gateway/http/request_ids.hpp"

#include <cstdint>
#include <cstring>

#include "base/base64.hpp"

namespace tarn::gateway {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): ids need to differ, not to be secret, and a system call for each would cost
// more than the rest.
uint64_t next(Random& random) {
  thread_local uint64_t state = random.next();
  uint64_t z = state += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}

std::string bytes(Random& random, std::size_t words) {
  std::string out(words * 8, '\0');
  for (std::size_t i = 0; i < words; i++) {
    uint64_t word = next(random);
    std::memcpy(out.data() + i * 8, &word, 8);
  }
  return out;
}

}  // namespace

std::string short_request_id(Random& random) {
  static constexpr char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  uint64_t high = next(random), low = next(random);
  std::string out(16, '0');
  for (std::size_t i = 0; i < 8; i++) {
    out[i] = letters[high >> (5 * i) & 31];
    out[i + 8] = letters[low >> (5 * i) & 31];
  }
  return out;
}

std::string long_request_id(Random& random) {
  std::string raw = bytes(random, 2);
  raw[6] = static_cast<char>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  std::string hex = hex_encode(raw);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

}  // namespace tarn::gateway
